"""What is said in sessions."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from eventstore.event import Event
from eventstore.vocabulary.fields import Json, Name, Share

__all__ = [
    "FindingReported",
    "MessageRole",
    "MessageSent",
    "MessageType",
    "ReflectionRecorded",
    "Significance",
]

MessageRole = Literal["user", "agent", "system"]
MessageType = Literal["text", "code", "command", "file"]
Significance = Literal["low", "medium", "high", "critical"]


class MessageSent(Event, event_type="trust.message_sent", retention="conversation"):
    """Something was said in a session."""

    message_id: UUID
    session_id: UUID
    role: MessageRole
    content: str
    message_type: MessageType = "text"
    parent_message_id: UUID | None = None
    """The message that this one answers."""
    tokens_used: Annotated[int, Field(ge=0)] | None = None
    model_used: Name | None = None


class FindingReported(Event, event_type="trust.finding_reported", retention="conversation"):
    """An agent found something out and says it in its session, as a message."""

    message_id: UUID
    session_id: UUID
    content: str
    significance: Significance | None = None
    details: Json = Field(default_factory=dict)


class ReflectionRecorded(Event, event_type="trust.reflection_recorded", retention="conversation"):
    """An agent looked back at its own work and says so in its session, as a message."""

    message_id: UUID
    session_id: UUID
    content: str
    significance: Significance | None = None
    confidence: Share | None = None
    """How sure it is of its work."""
    focal_points: list[str] = Field(default_factory=list)
    """What it looked at."""
    adjustments: str | None = None
    """What it will do otherwise."""
