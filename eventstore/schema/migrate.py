"""Migrations: Alembic, driven from code.

They run as the login with the owner's role, one transaction each, and one process at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg.errors import InvalidParameterValue

from eventstore.connection import queries
from eventstore.connection.database import translated
from eventstore.connection.session import Session
from eventstore.errors import ConfigurationError
from eventstore.schema import revision as schema
from eventstore.schema.bootstrap import bootstrap_if_needed

__all__ = ["Move", "Revision", "check", "current", "downgrade", "history", "stamp", "upgrade"]

_SQL: Final = queries.load("eventstore.sql", "schema.sql")


@dataclass(frozen=True, slots=True)
class Move:
    """What a migration command did: the revisions before and after, None for an empty store."""

    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Revision:
    """One migration, with whether the database has it."""

    revision: str
    summary: str
    applied: bool
    current: bool


def upgrade(url: str, revision: str = "head") -> Move:
    """Applies migrations up to `revision`; nothing happens when the database is there already.

    A superuser's login bootstraps the database first when that was never done. Raises
    PermissionDenied, SchemaMismatch (the database is ahead), StoreUnavailable, or
    ConfigurationError for a revision that does not exist.
    """
    bootstrap_if_needed(url)
    return _run(command.upgrade, url, revision)


def downgrade(url: str, revision: str) -> Move:
    """Takes migrations back down to `revision`, or all of them for `base`: their tables go."""
    return _run(command.downgrade, url, revision)


def stamp(url: str, revision: str) -> Move:
    """Records that the database is at `revision` without running anything."""
    return _run(command.stamp, url, revision, purge=True)


def current(url: str) -> str | None:
    """The revision that the database is at, None when it holds no event store."""
    with translated(), Session.connect(url, autocommit=True) as connection:
        try:
            connection.adopt(_SQL["become_owner"], {})
        except InvalidParameterValue:  # nobody has bootstrapped this server: the role is not there
            return None
        return schema.found_revision(connection)


def history(url: str) -> list[Revision]:
    """Every migration of this code, the oldest first."""
    at = current(url)
    known = schema.revisions()
    reached = known.index(at) if at in known else -1
    scripts = ScriptDirectory.from_config(_config())
    return [
        Revision(name, scripts.get_revision(name).doc.strip(), place <= reached, name == at)
        for place, name in enumerate(known)
    ]


def check(url: str) -> None:
    """Raises SchemaMismatch unless the database has exactly this code's schema."""
    schema.compare(current(url))


def _run(do: Callable[..., None], url: str, revision: str, **options: bool) -> Move:
    config = _config()
    with translated(), _migrating(url) as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        before = schema.found_revision(driver)
        if do is not command.stamp and before is not None and before not in schema.revisions():
            schema.compare(before)
        config.attributes["connection"] = connection
        try:
            do(config, revision, **options)
        except CommandError as error:
            raise ConfigurationError(
                "revision", f"{error}; `eventstore db history` lists them"
            ) from error
        return Move(before, schema.found_revision(driver))


@contextmanager
def _migrating(url: str) -> Iterator[sqlalchemy.Connection]:
    """A connection that owns the store and holds the lock that only one migration can have.

    The URL goes to libpq as it is: SQLAlchemy would read some of its forms differently.
    """

    def connect() -> Session:
        made = Session.connect(url, autocommit=True, application_name="eventstore migrations")
        try:
            made.adopt(_SQL["become_owner"], {})
            if made.pooled:
                raise ConfigurationError(
                    "database_url",
                    "a migration needs a session of its own, and this address is a pooler's; "
                    "run it with the address of the PostgreSQL server itself",
                )
            for step in ("lock_migrations", "bound_waiting", "version_table"):
                made.execute(_SQL[step])
        except BaseException:
            made.close()
            raise
        made.autocommit = False
        return made

    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=connect, poolclass=sqlalchemy.NullPool
    )
    try:
        with engine.connect() as connection:
            yield connection
    except sqlalchemy.exc.DBAPIError as error:
        # The driver's own error says more, and is what the rest of the code knows.
        raise (error.orig or error) from error
    finally:
        engine.dispose()


def _config() -> Config:
    config = Config()
    location = str(schema.migrations_directory())
    config.set_main_option("script_location", location.replace("%", "%%"))
    return config
