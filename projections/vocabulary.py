"""What operators say about projections: facts in the log, like those that agents state."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from eventstore.event import BigInt, Event

__all__ = ["EventDiscarded"]


class EventDiscarded(Event, event_type="projections.event_discarded", retention="audit"):
    """A projection leaves out an event that it can't apply, for good, in every replay.

    Who decided that is the event's agent.
    """

    projection: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    position: Annotated[int, BigInt, Field(gt=0)]
    discarded_id: UUID
    """event_id of the event at that position."""
    discarded_type: str
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
