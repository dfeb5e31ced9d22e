"""What is said in sessions.

What is said has the id of the command that says it. So it is unique without a claim for each
message: the log takes the events of one command once, for ever.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from eventstore.command import State, Timed
from eventstore.commands.event_of import event_of
from eventstore.commands.trust.sessions import Session, session
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist
from eventstore.vocabulary.fields import Json, Name, Share
from eventstore.vocabulary.trust import (
    FindingReported,
    MessageRole,
    MessageSent,
    MessageType,
    ReflectionRecorded,
    Significance,
)

__all__ = ["RecordReflection", "ReportFinding", "SendMessage"]


class _Say(Timed):
    session_id: UUID

    @property
    def message_id(self) -> UUID:
        """The id of the message: that of the command."""
        return self.command_id

    def reads(self) -> dict[str, State]:
        return session(self.session_id)

    def _require_new(self, session: Session) -> None:
        session.require_open(self.session_id, self.at)
        if self.message_id in session.messages:
            raise AlreadyExists("message", self.message_id)


class SendMessage(_Say):
    """Says something in a session that is open, perhaps in answer to a message of the same."""

    role: MessageRole
    content: str
    message_type: MessageType = "text"
    parent_message_id: UUID | None = None
    """The message that this one answers."""
    tokens_used: Annotated[int, Field(ge=0)] | None = None
    model_used: Name | None = None

    def decide(self, session: Session) -> Event:
        self._require_new(session)
        parent = self.parent_message_id
        if parent is not None and parent not in session.messages:
            raise DoesNotExist(f"message of session {self.session_id},", parent)
        return event_of(MessageSent, self, message_id=self.message_id)


class ReportFinding(_Say):
    """Says what an agent found out, as a message of its session."""

    content: str
    significance: Significance | None = None
    details: Json = Field(default_factory=dict)

    def decide(self, session: Session) -> Event:
        self._require_new(session)
        return event_of(FindingReported, self, message_id=self.message_id)


class RecordReflection(_Say):
    """Says how an agent looks back at its own work, as a message of its session."""

    content: str
    significance: Significance | None = None
    confidence: Share | None = None
    """How sure it is of its work."""
    focal_points: list[str] = Field(default_factory=list)
    """What it looked at."""
    adjustments: str | None = None
    """What it will do otherwise."""

    def decide(self, session: Session) -> Event:
        self._require_new(session)
        return event_of(ReflectionRecorded, self, message_id=self.message_id)
