"""Events that somebody decided to leave out of a projection. The log says which, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from eventstore import EventStore, RecordedEvent
from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.errors import InvalidEvent
from eventstore.reading.read import pages, stream_page
from eventstore.reading.rows import Rows
from projections.projection import Projection
from projections.session import Connection
from projections.vocabulary import EventDiscarded

__all__ = ["append_discard", "discarded", "stream_of"]

_SQL: Final = load("projections.sql", "discards.sql")


def discarded(
    conn: Connection, projection: Projection, *, tenant: str | None = None
) -> frozenset[tuple[str, int]]:
    """The events that a projection leaves out, by tenant and position; of one tenant or of all."""
    stream_id = stream_of(projection)
    tenants = [tenant] if tenant is not None else _tenants(conn, stream_id)
    return frozenset(
        (recorded.tenant_id, fact.position)
        for each in tenants
        for recorded in _stream(conn, each, stream_id)
        if (fact := _said(recorded)) is not None and fact.projection == projection.name
    )


def append_discard(
    store: EventStore, projection: Projection, event: RecordedEvent, reason: str, agent: str
) -> None:
    """States in the log that a projection leaves out an event; the same twice is one fact.

    It is caused by the event, and part of its run. Raises InvalidEvent, and what append raises.
    """
    fact = EventDiscarded(
        projection=projection.name,
        position=event.position,
        discarded_id=event.event_id,
        discarded_type=event.event_type,
        reason=reason,
    )
    identity = uuid5(NAMESPACE_URL, f"eventstore:discard/{projection.name}/{event.event_id}")
    store.append(
        stream_of(projection),
        [fact.with_id(identity)],
        agent=agent,
        correlation_id=event.correlation_id,
        causation_id=event.event_id,
    )


def stream_of(projection: Projection) -> str:
    """The stream, one of each tenant, that holds a projection's discards."""
    return f"projection_{projection.name}-discards"


def _said(recorded: RecordedEvent) -> EventDiscarded | None:
    """The discard, or None for anything else: whoever may append for a tenant may append here."""
    try:
        fact = recorded.event
    except InvalidEvent:
        return None
    return fact if isinstance(fact, EventDiscarded) else None


def _tenants(conn: Connection, stream_id: str) -> list[str]:
    with translated():
        return [row[0] for row in conn.execute(_SQL["tenants"], {"stream_id": stream_id})]


def _stream(conn: Connection, tenant: str, stream_id: str) -> Iterator[RecordedEvent]:
    def page(last: RecordedEvent | None, size: int) -> Rows:
        after = last.stream_version if last is not None else 0
        return stream_page(conn, tenant, stream_id, after + 1, size)

    return pages(page, None)
