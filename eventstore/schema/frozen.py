"""Runs the frozen SQL file of a migration.

A revision in `migrations/versions/` is thin: its names, and `run("0001_log.up.sql")`. The SQL is
what was released, and is never changed afterwards.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from alembic import op

from eventstore.connection import queries

__all__ = ["drop_tables", "live_version", "make_tables", "replace_tables", "run"]

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


def replace_tables(projection: str, version: int) -> None:
    """Puts the tables of a version in the place of older ones, if these have no rows.

    A projection with rows is left to a rebuild, which replaces them without downtime.
    """
    driver = _driver()
    (room,) = driver.execute(_SQL["make_way"], [projection, version]).fetchone()
    if room:
        (before,) = driver.execute(_SQL["tables_there"]).fetchone()
        make_tables(f"projections.{projection}", f"{projection}_v{version}.sql")
        driver.execute(_SQL["claim_tables"], [projection, version, before])


def drop_tables(projection: str) -> None:
    """Removes a projection's tables, builds and checkpoint."""
    _driver().execute(_SQL["drop_live"], [projection])


def live_version(projection: str) -> int | None:
    """The version that a projection's live tables are of; None without tables."""
    found = _driver().execute(_SQL["live_version"], [projection]).fetchone()
    return None if found is None else int(found[0])


def _driver() -> Any:
    """The driver itself: given no parameters, `%` and `:` mean nothing special to it."""
    connection = op.get_bind().connection.driver_connection
    assert connection is not None, "a migration runs on an open connection"
    return connection
