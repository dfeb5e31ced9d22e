"""Attempts at work items, and what agents find on the way.

Attempts are numbered by the read model, in the order of the item's stream; so no number is missing.
"""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from eventstore.command import Decision
from eventstore.commands.event_of import event_of
from eventstore.commands.unique import unique
from eventstore.commands.work.items import OfItem, WorkItem
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, IllegalMove
from eventstore.vocabulary.fields import AgentId, Json, Milliseconds, Word
from eventstore.vocabulary.work import AttemptEnded, AttemptStarted, ErrorReported, EvidenceGiven

__all__ = ["EndAttempt", "GiveEvidence", "ReportError", "StartAttempt"]


class StartAttempt(OfItem):
    """Lets an agent begin to work at an item, which is PROCESSING from then on."""

    attempt_id: UUID
    agent_id: AgentId
    input: Json = Field(default_factory=dict)

    def decide(self, item: WorkItem) -> Decision:
        """Refused as DoesNotExist, AlreadyExists, IllegalMove (the item is finished)."""
        item.require(self.work_item_id)
        if self.attempt_id in item.attempts:
            raise AlreadyExists("attempt", self.attempt_id)
        moved = [] if item.status == "PROCESSING" else [self.moved(item, "PROCESSING", None)]
        return Decision(
            [*moved, event_of(AttemptStarted, self)],
            claims=[unique("work.attempt", self.attempt_id)],
        )


class EndAttempt(OfItem):
    """Ends an attempt: with a result, with an error, or out of time. The item stays as it is."""

    attempt_id: UUID
    status: Literal["COMPLETED", "FAILED", "TIMEOUT"]
    output: Json | None = None
    error: str | None = None
    duration_ms: Milliseconds | None = None

    def decide(self, item: WorkItem) -> Event:
        """Refused as DoesNotExist, IllegalMove (it has ended)."""
        status = item.require_attempt(self.work_item_id, self.attempt_id)
        if status != "STARTED":
            raise IllegalMove("attempt", self.attempt_id, status, self.status, ())
        return event_of(AttemptEnded, self)


class GiveEvidence(OfItem):
    """States on what grounds an item is held to be done, or not."""

    evidence_id: UUID
    attempt_id: UUID | None = None
    kind: Word
    """How it was won, such as verification, marker, test."""
    summary: str
    details: Json = Field(default_factory=dict)

    def decide(self, item: WorkItem) -> Event:
        """Refused as DoesNotExist (the item, or the attempt)."""
        _require(self, item)
        return event_of(EvidenceGiven, self)


class ReportError(OfItem):
    """States that something went wrong with an item; the attempt may go on."""

    attempt_id: UUID | None = None
    error: str
    cause: Word | None = None
    """The kind of error, such as exit_nonzero, timeout."""
    details: Json = Field(default_factory=dict)

    def decide(self, item: WorkItem) -> Event:
        """Refused as DoesNotExist (the item, or the attempt)."""
        _require(self, item)
        return event_of(ErrorReported, self)


def _require(command: GiveEvidence | ReportError, item: WorkItem) -> None:
    item.require(command.work_item_id)
    if command.attempt_id is not None:
        item.require_attempt(command.work_item_id, command.attempt_id)
