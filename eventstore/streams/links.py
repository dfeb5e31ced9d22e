"""What belongs together: the runs of the log, and the streams that a run or a tag leads to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from eventstore import read
from eventstore.database import Connection, Database, translated
from eventstore.queries import load

__all__ = ["LinkedStream", "Run", "runs", "streams_of_correlation", "streams_of_tag"]

WINDOW: Final = 1_000
"""Events that are walked back at a time in search of runs."""

_SQL: Final = load("eventstore.sql", "streams.sql")


@dataclass(frozen=True, slots=True)
class Run:
    """The events of one correlation_id."""

    correlation_id: UUID
    events: int
    first_position: int
    last_position: int
    last_recorded_at: datetime


@dataclass(frozen=True, slots=True)
class LinkedStream:
    """A stream with events of a run, or with a tag; positions are those of these events."""

    stream_id: str
    events: int
    first_position: int
    last_position: int


def runs(database: Database, before: int | None, limit: int) -> Iterator[Run]:
    """At most `limit` runs, the one with the newest event first, by their last event.

    Only those whose last event has a position below `before`. A window of the log is read at a
    time; the events of a run are counted in the index of correlations alone.
    """
    until = database.read(read.watermark)
    before = until + 1 if before is None else min(before, until + 1)
    while limit > 0 and before > 1:
        found, before = database.read(
            lambda c, b=before, n=limit: _window(c, database.tenant, b, until, n)  # type: ignore[misc]
        )
        yield from found
        limit -= len(found)


def streams_of_correlation(
    database: Database, correlation_id: UUID, limit: int
) -> list[LinkedStream]:
    """The streams that a run has events in, in the order in which it came to them."""
    arguments = {"correlation_id": correlation_id, "limit": limit}
    return _linked(database, "of_correlation", arguments)


def streams_of_tag(database: Database, tag: str, limit: int) -> list[LinkedStream]:
    """The streams that have events with a tag, in the order of the first ones."""
    return _linked(database, "of_tag", {"tag": tag, "limit": limit})


def _window(
    connection: Connection, tenant: str, before: int, until: int, limit: int
) -> tuple[list[Run], int]:
    """The runs of a window, and the position below which the next one begins; 0 at the end."""
    arguments = {"tenant": tenant, "before": before, "until": until, "window": WINDOW}
    with translated():
        rows = connection.execute(_SQL["runs"], {**arguments, "limit": limit}).fetchall()
    found = [Run(*facts) for *facts, _ in rows if facts[0] is not None]
    if len(found) == limit:
        return found, found[-1].last_position
    return found, rows[0][-1] or 0


def _linked(database: Database, query: str, arguments: dict[str, Any]) -> list[LinkedStream]:
    def rows(connection: Connection) -> list[LinkedStream]:
        with translated():
            found = connection.execute(_SQL[query], {"tenant": database.tenant, **arguments})
            return [LinkedStream(*row) for row in found]

    return database.read(rows)
