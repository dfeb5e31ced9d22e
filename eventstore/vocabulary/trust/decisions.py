"""Decisions of agents, what others held of them, and how they turned out."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from eventstore.event import Event
from eventstore.vocabulary.fields import AgentId, Json, Milliseconds, Share, Word

__all__ = ["DecisionFeedbackGiven", "DecisionMade", "DecisionOutcomeKnown", "Feedback", "Outcome"]

Feedback = Literal["approved", "rejected", "modified"]
Outcome = Literal["success", "failure", "critical_failure"]


class DecisionMade(Event, event_type="trust.decision_made", retention="decision"):
    """An agent chose to do something, and says why."""

    decision_id: UUID
    session_id: UUID
    agent_id: AgentId
    decision_type: Word
    input_context: Json = Field(default_factory=dict)
    """What it had before it: the question, the alternatives."""
    rationale: str
    action: Json = Field(default_factory=dict)
    """What it chose."""
    confidence: Share | None = None
    """How sure it was; null when it did not say."""
    execution_time_ms: Milliseconds | None = None


class DecisionFeedbackGiven(
    Event, event_type="trust.decision_feedback_given", retention="decision"
):
    """Somebody judged an agent's decision; a later judgement replaces an earlier one."""

    decision_id: UUID
    session_id: UUID
    agent_id: AgentId
    feedback: Feedback
    reason: str | None = None


class DecisionOutcomeKnown(Event, event_type="trust.decision_outcome_known", retention="decision"):
    """It turned out how good an agent's decision was; a later outcome replaces an earlier one."""

    decision_id: UUID
    session_id: UUID
    agent_id: AgentId
    outcome: Outcome
    reason: str | None = None
