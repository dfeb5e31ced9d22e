"""What needs an administrator once per database: roles, schemas, extension and rights."""

from __future__ import annotations

from typing import Any, Final

import psycopg
from psycopg.sql import SQL, Identifier

from eventstore.connection import queries
from eventstore.connection.database import translated
from eventstore.errors import ConfigurationError, PermissionDenied

__all__ = ["bootstrap", "bootstrap_if_needed", "named"]

OLDEST: Final = 170000
"""The oldest PostgreSQL that has what the store uses (transaction_timeout, MERGE RETURNING)."""

_SQL: Final = queries.load("eventstore.sql", "bootstrap.sql")


def bootstrap(admin_url: str, login: str | None = None) -> str:
    """Prepares the database at `admin_url` so that `login` can migrate and use it.

    Without `login` it is the administrator's own. Returns the login. May run any number of times,
    also at once. Raises PermissionDenied, ConfigurationError or StoreUnavailable.
    """
    with translated(), psycopg.connect(admin_url, autocommit=True) as connection:
        require_version(connection)
        login = login or connection.info.user
        found = connection.execute(_SQL["login"], {"login": login}).fetchone()
        if found is None or not found[0]:
            raise ConfigurationError(
                "--login",
                f"no login {login!r} on this server; make it first: CREATE ROLE {login} LOGIN",
            )
        with connection.transaction():
            connection.execute(_SQL["bootstrap"])
            connection.execute(named("grant_parts", login=login))
    return login


def bootstrap_if_needed(url: str) -> None:
    """Makes sure that the login of `url` may migrate; bootstraps when it is a superuser.

    Raises PermissionDenied, with the command that an administrator has to run, when it may not.
    """
    with translated(), psycopg.connect(url, autocommit=True) as connection:
        require_version(connection)
        row = connection.execute(_SQL["standing"]).fetchone()
        assert row is not None, "a session has a login"
        superuser, bootstrapped, may_own = row
        login, database = connection.info.user, connection.info.dbname
    if superuser and not bootstrapped:
        bootstrap(url)
    elif not (bootstrapped and may_own):
        raise PermissionDenied(
            f"login {login} may not set up database {database}; an administrator has to run, once: "
            f"eventstore db bootstrap --database-url ADMINISTRATOR_URL/{database} --login {login}"
        )


def require_version(connection: psycopg.Connection[Any]) -> None:
    """Raises ConfigurationError when the server is too old."""
    found = connection.info.server_version
    if found < OLDEST:
        raise ConfigurationError(
            "database_url",
            f"the server is PostgreSQL {found // 10_000}, the store needs {OLDEST // 10_000} or "
            "newer; upgrade it, or use the embedded server",
        )


def named(query: str, **names: str) -> psycopg.sql.Composed:
    """A query of bootstrap.sql with the names of databases and logins put in."""
    return SQL(_SQL[query]).format(**{key: Identifier(name) for key, name in names.items()})
