"""Whether events were recorded, asked by whoever has lost the answer: another process, mostly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from eventstore.append import Receipt
from eventstore.connection.database import Connection, translated
from eventstore.connection.queries import load
from eventstore.errors import DuplicateEventId, InvalidEvent, NotFound
from eventstore.event import Event

__all__ = ["committed", "receipt_of"]

_SQL = load("eventstore.sql", "receipts.sql")


class _Place(NamedTuple):
    stream_id: str
    stream_version: int
    position: int | None


def committed(
    connection: Connection, tenant: str, events: Sequence[Event | UUID]
) -> frozenset[UUID]:
    """The ids of those events that are recorded."""
    return frozenset(_places(connection, tenant, list(map(_id, events))))


def receipt_of(
    connection: Connection, tenant: str, events: Sequence[Event | UUID]
) -> Receipt | None:
    """The receipt of the append of these events, None when none of them is recorded.

    Raises DuplicateEventId when they are recorded otherwise than by one append to one stream, and
    NotFound when their month is detached, so that nobody can tell their positions.
    """
    event_ids = list(map(_id, events))
    found = _places(connection, tenant, event_ids)
    if not found:
        return None
    stream_id, before, _ = found[next(one for one in event_ids if one in found)]
    positions: list[int] = []
    for number, event_id in enumerate(event_ids):
        place = found.get(event_id)
        if place is None:
            raise DuplicateEventId(event_id, stream_id, stream_id, "partly recorded")
        if place.stream_id != stream_id:
            raise DuplicateEventId(event_id, stream_id, place.stream_id, "another stream")
        if place.stream_version != before + number:
            raise DuplicateEventId(event_id, stream_id, stream_id, "in another order")
        if place.position is None:
            raise NotFound("position of event", event_id, "it is recorded in a detached month")
        positions.append(place.position)
    return Receipt(stream_id, before + len(positions) - 1, tuple(positions), tuple(event_ids))


def _id(event: Event | UUID) -> UUID:
    if isinstance(event, Event):
        return event.event_id
    if isinstance(event, UUID):
        return event
    raise InvalidEvent(f"{event!r} is neither an event nor the id of one", path="events")


def _places(connection: Connection, tenant: str, event_ids: list[UUID]) -> dict[UUID, _Place]:
    with translated():
        rows = connection.execute(
            _SQL["places"], {"tenant": tenant, "event_ids": event_ids}
        ).fetchall()
    return {event_id: _Place(*place) for event_id, *place in rows}
