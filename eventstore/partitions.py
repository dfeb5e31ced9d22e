"""The log's partitions: which there are, which are missing, and the two things done to them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final

from psycopg.rows import dict_row

from eventstore.database import Connection, Database, connect, translated
from eventstore.queries import load

__all__ = ["ensure_partitions", "gaps", "partitions", "seal_partitions"]

_SQL: Final = load("eventstore.sql", "partitions.sql")


def partitions(connection: Connection) -> list[dict[str, Any]]:
    """Each partition's name, class, month, size, and about how many events it has of all tenants.

    The estimate is None until the server has looked at a new partition.
    """
    with translated(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SQL["partitions"]).fetchall()


def gaps(connection: Connection) -> list[dict[str, Any]]:
    """The retention_class and month of what is missing until the end of next month."""
    with translated(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SQL["gaps"]).fetchall()


def ensure_partitions(database: Database, months_ahead: int) -> Sequence[str]:
    """Creates what is missing from this month on; returns the names of the new partitions."""
    return _maintain(database, "ensure", {"months_ahead": months_ahead})


def seal_partitions(database: Database) -> Sequence[str]:
    """Seals the months that are over; returns the names of the partitions that were open."""
    return _maintain(database, "seal", {})


def _maintain(database: Database, query: str, arguments: dict[str, Any]) -> Sequence[str]:
    with (
        closing(connect(database.url, role="archiver", limits=database.limits)) as connection,
        translated(),
    ):
        return [row[0] for row in connection.execute(_SQL[query], arguments)]
