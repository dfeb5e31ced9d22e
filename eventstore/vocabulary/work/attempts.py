"""Attempts at work items, and what agents find on the way: evidence, and errors."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from eventstore.event import Event
from eventstore.vocabulary.fields import AgentId, Json, Milliseconds, Word

__all__ = ["AttemptEnded", "AttemptStarted", "AttemptStatus", "ErrorReported", "EvidenceGiven"]

AttemptStatus = Literal["STARTED", "COMPLETED", "FAILED", "TIMEOUT"]


class AttemptStarted(Event, event_type="work.attempt_started"):
    """An agent began to work at an item; attempts of an item are numbered in log order."""

    attempt_id: UUID
    work_item_id: UUID
    agent_id: AgentId
    input: Json = Field(default_factory=dict)


class AttemptEnded(Event, event_type="work.attempt_ended"):
    """An attempt came to its end: with a result, with an error, or out of time."""

    attempt_id: UUID
    status: Literal["COMPLETED", "FAILED", "TIMEOUT"]
    output: Json | None = None
    error: str | None = None
    duration_ms: Milliseconds | None = None


class EvidenceGiven(Event, event_type="work.evidence_given", retention="audit"):
    """An agent shows on what grounds it holds that a work item is done, or is not."""

    evidence_id: UUID
    work_item_id: UUID
    attempt_id: UUID | None = None
    kind: Word
    """How it was won, such as verification, marker, test."""
    summary: str
    details: Json = Field(default_factory=dict)


class ErrorReported(Event, event_type="work.error_reported"):
    """Something went wrong with a work item; the attempt may still be under way."""

    work_item_id: UUID
    attempt_id: UUID | None = None
    error: str
    cause: Word | None = None
    """The kind of error, such as exit_nonzero, timeout."""
    details: Json = Field(default_factory=dict)
