"""How a projector reads the log: pages with bounded bytes, and news, waited for in the server.

Functions of a connection, as in `read`; what they give is in the order of the log.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from eventstore.connection.database import Connection, translated
from eventstore.connection.flight import array_literal, fetch, fly
from eventstore.connection.queries import load
from eventstore.reading.rows import Rows, from_rows
from eventstore.recorded import RecordedEvent
from eventstore.registry import EventRegistry, default_registry

__all__ = ["MAX_PAGE_BYTES", "Division", "News", "Page", "news", "page"]

MAX_PAGE_BYTES: Final = 8 * 1024 * 1024
"""Bytes of payloads in one page, and one event more."""

_SQL: Final = load("eventstore.sql", "follow.sql")


class Page(NamedTuple):
    """Events in order, and the position up to which there are no others of the wanted types."""

    events: list[RecordedEvent]
    until: int


class Division(NamedTuple):
    """How events are divided: by the hash of a field of their payloads, into so many shards."""

    field: str
    shards: int


class News(NamedTuple):
    """A page from the end of the log."""

    events: list[RecordedEvent]
    until: int
    shards: list[list[int]]
    """For each event, its shard in each of the divisions that were asked for; empty for none."""


def page(
    connection: Connection,
    after: int,
    until: int,
    limit: int,
    *,
    event_types: tuple[str, ...],
    division: Division | None = None,
    shard: int = 0,
    max_bytes: int = MAX_PAGE_BYTES,
    registry: EventRegistry = default_registry,
) -> Page:
    """Up to `limit` events of some types with after < position <= until, of one shard or of all.

    Nothing is skipped as long as `until` is at most a watermark read before.
    """
    field, shards = division or (None, 1)
    arguments = {
        "after": after,
        "until": until,
        "limit": limit,
        "max_bytes": max_bytes,
        "event_types": array_literal(event_types),
        "field": field,
        "shard": shard,
        "shards": shards,
    }
    with translated():
        events = Rows(connection, fetch(connection, _SQL["page"], arguments), registry).all()
    return Page(events, _end(events, until, limit, max_bytes))


def news(
    connection: Connection,
    after: int,
    limit: int,
    *,
    looks: int,
    pause: int,
    event_types: tuple[str, ...],
    divisions: tuple[Division, ...] = (),
    max_bytes: int = MAX_PAGE_BYTES,
    registry: EventRegistry = default_registry,
) -> News:
    """Waits until there is something after a position, and reads it, in one round trip.

    The server looks so many times at most, with `pause` milliseconds after each look; a look costs
    it some microseconds. With nothing new, `until` is `after`; it is more when there are only
    events of other types.
    """
    reading = {
        "after": after,
        "limit": limit,
        "max_bytes": max_bytes,
        "event_types": array_literal(event_types),
        "fields": array_literal(tuple(division.field for division in divisions)),
        "shards": array_literal(tuple(str(division.shards) for division in divisions)),
    }
    # Sent without a pause between them, the two are one transaction, in which the first one's
    # answer reaches the second; under READ COMMITTED each has a snapshot of its own.
    waiting = {"after": after, "looks": looks, "pause": pause}
    with translated():
        [(mark,)], rows = fly(
            connection, [(_SQL["wait_for_news"], waiting), (_SQL["news"], reading)], binary=True
        )
    events = from_rows([row[:-1] for row in rows], registry)
    shards = [row[-1] for row in rows] if divisions else []
    return News(events, _end(events, int(mark), limit, max_bytes), shards)


def _end(events: list[RecordedEvent], until: int, limit: int, max_bytes: int) -> int:
    """The position up to which a page is complete."""
    if events and (
        len(events) == limit or sum(len(recorded.data) for recorded in events) >= max_bytes
    ):
        return events[-1].position
    return until
