"""How many events and streams there are, by category and type: exact, and without a scan.

The database keeps counts up to a position; a listing moves that position up to the watermark in
steps, and then reads what is kept. Who may not write, as on a standby, counts the rest anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from eventstore.connection.database import Connection, Database, translated
from eventstore.connection.queries import load
from eventstore.reading import read

__all__ = ["CategoryCount", "Counts", "TypeCount", "count", "count_all", "counts"]

STEP: Final = 50_000
"""Positions that are counted in one transaction: a fraction of a second."""

_SQL: Final = load("eventstore.sql", "streams.sql")
K = TypeVar("K", str, tuple[str, str])


@dataclass(frozen=True, slots=True)
class TypeCount:
    """Events of one type, and streams that begin with one."""

    event_type: str
    retention_class: str
    events: int
    streams: int


@dataclass(frozen=True, slots=True)
class CategoryCount:
    """The streams and events of one category."""

    category: str
    streams: int
    events: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What there is up to a position."""

    position: int
    """Every event up to here is counted, and none above it."""
    rows: list[tuple[str, str, str, int, int]]
    """category, event_type, retention_class, events, streams."""

    def of_categories(self) -> list[CategoryCount]:
        """Of each category, the largest first."""
        events, streams = Counter[str](), Counter[str]()
        for category, _, _, said, begun in self.rows:
            events[category] += said
            streams[category] += begun
        return [CategoryCount(name, streams[name], events[name]) for name in _largest_first(events)]

    def of_types(self, category: str | None = None) -> list[TypeCount]:
        """Of each type and retention class, in one category or in all, the most frequent first."""
        events, streams = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        for of, event_type, retention_class, said, begun in self.rows:
            if category is None or of == category:
                events[event_type, retention_class] += said
                streams[event_type, retention_class] += begun
        return [TypeCount(*key, events[key], streams[key]) for key in _largest_first(events)]


def _largest_first(events: Mapping[K, int]) -> list[K]:
    return sorted(events, key=lambda key: (-events[key], key))


def counts(database: Database) -> Counts:
    """The exact counts of a tenant's events at this moment's watermark."""
    writable = True
    while writable:
        # A connection for each step: others may read meanwhile.
        counted, mark, writable = database.read(lambda c: count(c, database.tenant))
        if counted >= mark:
            break
    return database.read(lambda c: _counts(c, database.tenant))


def count(connection: Connection, tenant: str) -> tuple[int, int, bool]:
    """Counts a step of the tenant's events; returns how far it is, and the watermark.

    The last says whether it could: False on a connection that only reads.
    """
    with translated():
        ((read_only,),) = connection.execute(_SQL["read_only"]).fetchall()
        if read_only:
            return 0, 0, False
        ((counted, mark),) = connection.execute(
            _SQL["count"], {"tenant": tenant, "step": STEP}
        ).fetchall()
    return counted, mark, True


def count_all(connection: Connection) -> bool:
    """Counts a step of every tenant's events, as projector; returns whether there is more."""
    with translated():
        ((counted, mark),) = connection.execute(_SQL["count_all"], {"step": STEP}).fetchall()
    return bool(counted < mark)


def _counts(connection: Connection, tenant: str) -> Counts:
    mark = read.watermark(connection)
    with translated():
        rows = connection.execute(_SQL["counts"], {"tenant": tenant, "until": mark}).fetchall()
    # It may be counted further by now; then every row says how far.
    return Counts(rows[0][-1] if rows else mark, [row[:-1] for row in rows])
