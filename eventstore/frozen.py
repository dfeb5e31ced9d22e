"""Runs the frozen SQL file of a migration.

A revision in `migrations/versions/` is thin: its names, and `run("0001_log.up.sql")`. The SQL is
what was released, and is never changed afterwards.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from alembic import op

from eventstore import queries

__all__ = ["make_tables", "run"]

_SQL: Final = queries.load("eventstore.sql", "schema.sql")


def run(filename: str) -> None:
    """Executes one file of `migrations/sql/`, any number of statements, in the open transaction."""
    script = op.get_context().script
    assert script is not None, "a migration runs within its script directory"
    _driver().execute((Path(script.dir) / "sql" / filename).read_bytes())


def make_tables(package: str, filename: str) -> None:
    """Makes read models, from the file that lies in a package beside their rules.

    The same file makes the tables of a rebuild, so its names have no schema: until the end of the
    migration's transaction they belong to `projections`.
    """
    _driver().execute(_SQL["make_read_models"])
    _driver().execute(files(package).joinpath(filename).read_bytes())


def _driver() -> Any:
    """The driver itself: given no parameters, `%` and `:` mean nothing special to it."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None, "a migration runs on an open connection"
    return connection
