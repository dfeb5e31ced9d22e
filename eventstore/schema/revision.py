"""Which schema this code was written for, and whether a database has it.

The migrations are one chain in the order of their file names, so a store can check itself at
start-up without loading the migration machinery.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, LiteralString

from psycopg import Connection
from psycopg.errors import InsufficientPrivilege, InvalidSchemaName, UndefinedTable
from psycopg.rows import TupleRow

from eventstore.connection import queries
from eventstore.connection.database import translated
from eventstore.errors import SchemaMismatch

__all__ = ["check_schema", "compare", "found_revision", "migrations_directory", "revisions"]

_SQL: Final[dict[str, LiteralString]] = queries.load("eventstore.sql", "schema.sql")


def check_schema(conn: Connection[TupleRow]) -> None:
    """Returns when the database has exactly this code's schema; else raises SchemaMismatch.

    The error says whether the database is behind, ahead, or no event store, or hands out positions
    in blocks, and the cure.
    """
    with translated():
        found = found_revision(conn)
        compare(found)
        row = conn.execute(_SQL["sequence_cache"]).fetchone()
    if row != (1,):
        raise SchemaMismatch(
            found,
            revisions()[-1],
            f"positions are taken {row[0] if row else 'from no sequence'} at a time, so readers "
            "would miss events",
            "as owner: ALTER SEQUENCE eventstore.events_position_seq CACHE 1",
        )


def compare(found: str | None) -> None:
    """Raises SchemaMismatch unless `found` is the newest revision of this code."""
    known = revisions()
    expected = known[-1]
    if found == expected:
        return
    if found is None:
        raise SchemaMismatch(
            found, expected, "this database holds no event store", "run `eventstore db upgrade`"
        )
    if found in known:
        raise SchemaMismatch(
            found, expected, "the database is behind this code", "run `eventstore db upgrade`"
        )
    raise SchemaMismatch(
        found,
        expected,
        "the database is ahead of this code",
        "install the newer release that upgraded it, or downgrade the database with that release",
    )


def found_revision(conn: Connection[TupleRow]) -> str | None:
    """The revision that the database is at, None when it holds no event store.

    Every part of the store may read it once the first migration has run; a part that may not is
    therefore looking at a database without one.
    """
    try:
        with conn.transaction():
            row = conn.execute(_SQL["found_revision"]).fetchone()
    except (UndefinedTable, InvalidSchemaName, InsufficientPrivilege):
        return None
    return str(row[0]) if row is not None else None


@cache
def revisions() -> tuple[str, ...]:
    """The revisions that this code knows, the oldest first."""
    files = (migrations_directory() / "versions").glob("[0-9]*.py")
    return tuple(sorted(file.stem for file in files))


@cache
def migrations_directory() -> Path:
    """Where the migrations lie: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.parent / "migrations"
