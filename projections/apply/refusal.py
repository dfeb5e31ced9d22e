"""What it says of an event when the database refuses its rows."""

from __future__ import annotations

from typing import Final

from eventstore import RecordedEvent
from eventstore.errors import DatabaseFault, StoreUnavailable
from projections.errors import EventNotApplied, Unstorable
from projections.projection import Projection

__all__ = ["blames_rows", "may_blame_an_event", "not_applied", "refused"]

_OF_THE_ROWS: Final = ("22", "23", "54")
"""SQLSTATE classes that blame what was written: bad data, a broken constraint, a row too large."""

_OF_THE_WORK: Final = ("25P04", "53200", "53400", "57014")
"""SQLSTATEs of too much work for memory, disk or time. It may be one event that makes it so. What
else class 53 and 57 hold (a full disk, too many connections, a shutdown) is no event's doing."""


def blames_rows(error: Exception) -> bool:
    """Whether what was written is to blame."""
    if isinstance(error, DatabaseFault):
        return error.sqlstate is not None and error.sqlstate[:2] in _OF_THE_ROWS
    return isinstance(error, Unstorable)


def may_blame_an_event(error: Exception) -> bool:
    """Whether one event among others may be to blame, or the moment."""
    cause = error.__cause__
    return isinstance(error, StoreUnavailable) and getattr(cause, "sqlstate", "") in _OF_THE_WORK


def refused(projection: Projection, recorded: RecordedEvent, error: Exception) -> EventNotApplied:
    """What an event is held for whose rows the database refuses."""
    made = not_applied(projection, recorded, getattr(error, "reason", str(error)))
    made.__cause__ = error
    return made


def not_applied(projection: Projection, recorded: RecordedEvent, reason: str) -> EventNotApplied:
    """What an event is held for."""
    return EventNotApplied(
        projection.name,
        recorded.position,
        recorded.event_type,
        reason,
        event_id=recorded.event_id,
    )
