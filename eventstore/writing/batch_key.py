"""Events whose ids follow from a key, so that a batch that is made anew is recorded once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID, uuid5

from eventstore.append import check_name
from eventstore.errors import InvalidEvent
from eventstore.event import Event
from eventstore.limits import MAX_STREAM_ID

__all__ = ["events_with_key"]

_NAMESPACE: Final = UUID("0e1f3c5a-6d0b-5c53-9c0e-6b7d2f4a8e11")
"""Never to change: the ids of all batches follow from it."""


def events_with_key(key: str, events: Sequence[Event]) -> list[Event]:
    """The same events, each under an id that follows from the key and its place among them.

    Whoever makes them anew, in another process or after a crash, so says the same facts: appended
    again they give the first receipt, and with other content, in another stream or with more of
    them DuplicateEventId. Fewer give the receipt of these. The key counts within the tenant.

    Raises InvalidEvent for a key that is no printable text of 1 to 255 characters, and for what is
    no list of events.
    """
    check_name(key, "batch_key", MAX_STREAM_ID)
    if not isinstance(events, Sequence):
        raise InvalidEvent("events must be a list of events", path="events")
    for event in events:
        if not isinstance(event, Event):
            raise InvalidEvent(f"{type(event).__name__} is no Event", path="events")
    return [
        event.with_id(uuid5(_NAMESPACE, f"{place}:{key}")) for place, event in enumerate(events)
    ]
