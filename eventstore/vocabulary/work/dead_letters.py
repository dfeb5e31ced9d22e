"""Messages that could not be dealt with, until they are."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from eventstore.event import Event
from eventstore.vocabulary.fields import Json, Name

__all__ = ["DeadLetterRecorded", "DeadLetterResolved", "DeadLetterRetried"]


class DeadLetterRecorded(Event, event_type="work.dead_letter_recorded"):
    """A message could not be dealt with, and is put aside."""

    dead_letter_id: UUID
    source: Name
    """Who could not deal with it, such as the name of a connector or a hook."""
    about_event_id: UUID | None = None
    """The event that it came from; null when it came from elsewhere."""
    payload: Json = Field(default_factory=dict)
    """The message, or what is known of it."""
    error: str


class DeadLetterRetried(Event, event_type="work.dead_letter_retried"):
    """The message was tried again, without success."""

    dead_letter_id: UUID
    error: str | None = None
    """What went wrong this time; null when it was the same."""


class DeadLetterResolved(Event, event_type="work.dead_letter_resolved"):
    """The message was dealt with at last, or given up by somebody who may."""

    dead_letter_id: UUID
    resolution: str | None = None
