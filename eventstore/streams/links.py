"""What belongs together: the runs of the log, and the streams that a run or a tag leads to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from eventstore.connection.database import Connection, Database, translated
from eventstore.connection.queries import load
from eventstore.reading import read

__all__ = ["LinkedStream", "Run", "runs", "streams_of_correlation", "streams_of_tag"]

FIRST_WINDOW: Final = 1_000
LARGEST_WINDOW: Final = 256_000
"""Positions that are looked through at a time; twice as many after a window without a run."""

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

    Only those whose last event has a position below `before`. The log is looked through in windows
    of positions; the events of a run are counted in the index of correlations alone.
    """
    until = database.read(read.watermark)
    before = until + 1 if before is None else min(before, until + 1)
    window = FIRST_WINDOW
    while limit > 0 and before > 1:
        arguments = {"before": before, "from": before - window, "until": until, "limit": limit}
        found = _rows(database, "runs", arguments)
        yield from (Run(*row) for row in found)
        limit -= len(found)
        before -= window
        if not found:
            window = min(2 * window, LARGEST_WINDOW)


def streams_of_correlation(
    database: Database, correlation_id: UUID, limit: int
) -> list[LinkedStream]:
    """The streams that a run has events in, in the order in which it came to them."""
    arguments = {"correlation_id": correlation_id, "limit": limit}
    return _linked(database, "of_correlation", arguments)


def streams_of_tag(database: Database, tag: str, limit: int) -> list[LinkedStream]:
    """The streams that have events with a tag, in the order of the first ones."""
    return _linked(database, "of_tag", {"tag": tag, "limit": limit})


def _linked(database: Database, query: str, arguments: dict[str, Any]) -> list[LinkedStream]:
    return [LinkedStream(*row) for row in _rows(database, query, arguments)]


def _rows(database: Database, query: str, arguments: dict[str, Any]) -> list[tuple[Any, ...]]:
    def rows(connection: Connection) -> list[tuple[Any, ...]]:
        with translated():
            return connection.execute(
                _SQL[query], {"tenant": database.tenant, **arguments}
            ).fetchall()

    return database.read(rows)
