"""From settings to the address of a server that answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import psycopg

from eventstore.config import Settings
from eventstore.connection import queries
from eventstore.connection.database import translated
from eventstore.embedded import APPLICATION_LOGIN, EmbeddedServer
from eventstore.schema.bootstrap import bootstrap, named

__all__ = ["DATABASE", "connect_to", "database_exists", "make_database", "prepare"]

_SQL: Final = queries.load("eventstore.sql", "bootstrap.sql")

DATABASE = "eventstore"
"""The database of the embedded server."""


def prepare(settings: Settings) -> str:
    """The address of the store's database.

    A URL in the settings is returned as it is. Without one, the embedded server is started if need
    be, and a new store is made with the newest schema; a store that is there is never migrated
    here. Raises ConfigurationError or StoreUnavailable.
    """
    if settings.database_url is not None:
        return settings.database_url
    server = EmbeddedServer(settings.home)
    url = server.url(DATABASE)
    if not _answers(url):
        server.ensure_running()
        if not database_exists(server, DATABASE):
            with server.locked():
                if not database_exists(server, DATABASE):
                    make_database(server, DATABASE)
    return url


def connect_to(settings: Settings) -> tuple[str, Callable[[], None]]:
    """The store's address, and what brings its server back should it be lost.

    A server of somebody else's we can't bring back; we only try again.
    """
    url = prepare(settings)
    if settings.database_url is not None:
        return url, lambda: None
    return url, EmbeddedServer(settings.home).ensure_running


def make_database(server: EmbeddedServer, name: str) -> None:
    """Makes a database with the newest schema in a running embedded server.

    It gets its name when it is complete, so that one that is there is never half made. Whoever
    calls holds `server.locked()`.
    """
    from eventstore.schema.migrate import upgrade  # loads Alembic, which only a new store needs

    unfinished = f"{name}_unfinished"
    with translated(), psycopg.connect(server.admin_url(), autocommit=True) as connection:
        connection.execute(named("drop_database", database=unfinished))
        connection.execute(named("create_database", database=unfinished))
        if connection.execute(_SQL["login"], {"login": APPLICATION_LOGIN}).fetchone() is None:
            connection.execute(named("create_login", login=APPLICATION_LOGIN))
        bootstrap(server.admin_url(unfinished), APPLICATION_LOGIN)
        upgrade(server.url(unfinished))
        connection.execute(named("rename_database", database=unfinished, name=name))


def database_exists(server: EmbeddedServer, name: str) -> bool:
    """Whether a running embedded server has a database of this name."""
    with translated(), psycopg.connect(server.admin_url(), autocommit=True) as connection:
        return connection.execute(_SQL["database_exists"], {"name": name}).fetchone() is not None


def _answers(url: str) -> bool:
    """Whether a connection can be made: it answers at once that all is there, in the usual case."""
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
