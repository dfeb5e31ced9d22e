"""Runs the frozen SQL file of a migration.

A revision in `migrations/versions/` is thin: its names, and `run("0001_log.up.sql")`. The SQL is
what was released, and is never changed afterwards.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

__all__ = ["run"]


def run(filename: str) -> None:
    """Executes one file of `migrations/sql/`, any number of statements, in the open transaction.

    It goes through the driver itself without parameters, so `%` and `:` mean nothing special.
    """
    script = op.get_context().script
    assert script is not None, "a migration runs within its script directory"
    text = (Path(script.dir) / "sql" / filename).read_bytes()
    connection = op.get_bind().connection.driver_connection
    assert connection is not None, "a migration runs on an open connection"
    connection.execute(text)
