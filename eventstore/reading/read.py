"""Reads: pages of recorded events, in the order of the log, of a stream or of a run.

Functions of a connection, so that a projector can read in its own transaction; the store pages
through them. An ordered read of the log takes the watermark first, in a statement of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, Final
from uuid import UUID

from eventstore import telemetry
from eventstore.connection.database import Connection, translated
from eventstore.connection.flight import array_literal, fetch, fly
from eventstore.connection.queries import load
from eventstore.reading.rows import Rows
from eventstore.recorded import RecordedEvent
from eventstore.registry import EventRegistry, default_registry

__all__ = [
    "correlation_page",
    "event_by_id",
    "events_at",
    "log_page",
    "page_after",
    "page_before",
    "page_size",
    "pages",
    "rows_at",
    "shard_page_after",
    "stream_page",
    "stream_version",
    "streams_page",
    "watermark",
]

PAGE: Final = 1_000
"""Events a page: some hundred kilobytes, and few round trips."""
FIRST_PAGE: Final = 128
"""Events of the first page, as long as nobody knows how large they are."""
PAGE_BYTES: Final = 4 * 1024 * 1024
"""Bytes of payloads that a later page should have at most."""

_SQL = load("eventstore.sql", "read.sql")


def watermark(connection: Connection) -> int:
    """The highest position below which nothing can still appear.

    Raises PositionNotReady inside a REPEATABLE READ or SERIALIZABLE transaction.
    """
    return int(_rows(connection, "watermark", {})[0][0])


def page_after(
    connection: Connection,
    after: int,
    until: int,
    limit: int = PAGE,
    *,
    tenant: str | None = None,
    event_types: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    registry: EventRegistry = default_registry,
) -> list[RecordedEvent]:
    """Up to `limit` events with after < position <= until, in order.

    Nothing is skipped as long as `until` is at most a watermark read before. Tenant None means all
    that the connection may see.
    """
    return log_page(
        connection,
        tenant,
        after,
        until,
        limit,
        event_types=event_types,
        categories=categories,
        registry=registry,
    ).all()


def log_page(
    connection: Connection,
    tenant: str | None,
    after: int,
    until: int,
    limit: int = PAGE,
    *,
    event_types: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    registry: EventRegistry = default_registry,
) -> Rows:
    """What page_after gives, as rows."""
    return _events(
        connection,
        "log_page",
        {
            "tenant": tenant,
            "after": after,
            "until": until,
            "limit": limit,
            "event_types": _array(event_types),
            "categories": _array(categories),
        },
        registry,
    )


def shard_page_after(
    connection: Connection,
    after: int,
    until: int,
    limit: int = PAGE,
    *,
    field: str,
    shard: int,
    shards: int,
    event_types: Sequence[str],
    tenant: str | None = None,
    registry: EventRegistry = default_registry,
) -> list[RecordedEvent]:
    """As page_after, of the events that fall into one of so many shards by a payload's field."""
    return _events(
        connection,
        "shard_page",
        {
            "after": after,
            "until": until,
            "limit": limit,
            "tenant": tenant,
            "event_types": _array(event_types),
            "field": field,
            "shard": shard,
            "shards": shards,
        },
        registry,
    ).all()


def page_before(
    connection: Connection,
    before: int,
    limit: int = PAGE,
    *,
    tenant: str | None = None,
    event_types: Sequence[str] | None = None,
    categories: Sequence[str] | None = None,
    registry: EventRegistry = default_registry,
) -> Rows:
    """Up to `limit` events with position < before, newest first."""
    return _events(
        connection,
        "page_before",
        {
            "before": before,
            "limit": limit,
            "tenant": tenant,
            "event_types": _array(event_types),
            "categories": _array(categories),
        },
        registry,
    )


def stream_page(
    connection: Connection,
    tenant: str,
    stream_id: str,
    from_version: int,
    limit: int = PAGE,
    *,
    backwards: bool = False,
    registry: EventRegistry = default_registry,
) -> Rows:
    """Up to `limit` events of a stream, from `from_version` on in the given direction."""
    return _events(
        connection,
        "stream_backwards" if backwards else "stream_forwards",
        {
            "tenant": tenant,
            "stream_id": stream_id,
            "from_version": from_version,
            "limit": limit,
        },
        registry,
    )


def correlation_page(
    connection: Connection,
    tenant: str,
    correlation_id: UUID,
    after: int,
    limit: int = PAGE,
    *,
    registry: EventRegistry = default_registry,
) -> Rows:
    """Up to `limit` events of one run with position > after, in order."""
    return _events(
        connection,
        "correlation",
        {"tenant": tenant, "correlation_id": str(correlation_id), "after": after, "limit": limit},
        registry,
    )


def event_by_id(
    connection: Connection,
    tenant: str,
    event_id: UUID,
    *,
    registry: EventRegistry = default_registry,
) -> RecordedEvent | None:
    """The event with that id, or None."""
    found = _events(connection, "event", {"tenant": tenant, "event_id": str(event_id)}, registry)
    return found.last if found else None


def events_at(
    connection: Connection,
    positions: Sequence[int],
    *,
    registry: EventRegistry = default_registry,
) -> list[RecordedEvent]:
    """The events at these positions, as far as they are there, in order."""
    return rows_at(connection, positions, registry=registry).all()


def rows_at(
    connection: Connection,
    positions: Iterable[int],
    *,
    registry: EventRegistry = default_registry,
) -> Rows:
    """What events_at gives, as rows."""
    places = f"{{{','.join(map(str, positions))}}}"
    return _events(connection, "events_at", {"positions": places}, registry)


def event_at(
    connection: Connection, tenant: str | None, position: int
) -> tuple[UUID, bytes] | None:
    """(event_id, data_hash) of the event at a position, or None."""
    rows = _rows(connection, "event_at", {"tenant": tenant, "position": position})
    return (rows[0][0], rows[0][1]) if rows else None


def stream_version(connection: Connection, tenant: str, stream_id: str) -> int:
    """The stream's version now, 0 when it does not exist."""
    rows = _rows(connection, "stream_version", {"tenant": tenant, "stream_id": stream_id})
    return int(rows[0][0]) if rows else 0


def streams_page(
    connection: Connection, tenant: str, after: str, limit: int, category: str | None = None
) -> list[tuple[str, int, datetime | None]]:
    """Up to `limit` (stream_id, stream_version, closed_at) with stream_id > after, in order."""
    arguments = {"tenant": tenant, "after": after, "limit": limit, "category": category}
    return [(row[0], row[1], row[2]) for row in _rows(connection, "streams", arguments)]


def pages(
    page: Callable[[RecordedEvent | None, int], Rows], limit: int | None
) -> Iterator[RecordedEvent]:
    """Walks through pages until they end or `limit` events are out; memory holds one page.

    `page(last, size)` gives the events after `last`, at most `size`.
    """

    def walk() -> Iterator[list[RecordedEvent]]:
        last, left, most = None, limit, FIRST_PAGE
        while left is None or left > 0:
            size = most if left is None else min(most, left)
            with telemetry.operation("read") as noted:
                rows = page(last, size)
                noted.events = len(rows)
            yield from rows.few()
            if len(rows) < size:
                return
            last, most = rows.last, page_size(rows)
            left = None if left is None else left - len(rows)

    return chain.from_iterable(walk())


def page_size(before: Rows) -> int:
    """Events of the page after one that was full."""
    return max(1, min(PAGE, PAGE_BYTES // max(1, before.bytes_each)))


def _events(
    connection: Connection, name: str, arguments: dict[str, Any], registry: EventRegistry
) -> Rows:
    with translated():
        return Rows(connection, fetch(connection, _SQL[name], arguments), registry)


def _rows(connection: Connection, name: str, arguments: dict[str, Any]) -> list[tuple[Any, ...]]:
    with translated():
        return fly(connection, [(_SQL[name], arguments)], binary=True)[0]


def _array(values: Sequence[str] | None) -> str | None:
    return None if values is None else array_literal(tuple(values))
