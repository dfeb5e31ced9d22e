"""What agents are, say and decide, and how well it turned out.

An agent speaks and decides in sessions. Feedback and outcomes say how good its decisions were; from
them follows how far it is trusted. Events that change an agent's standing name the agent, the
session and the decision.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from eventstore.event import Event
from eventstore.vocabulary.fields import AgentId, Json, Milliseconds, Name, Share, Word

__all__ = [
    "METRIC_CEILINGS",
    "AgentActivated",
    "AgentDeactivated",
    "AgentRegistered",
    "AgentUpdated",
    "DecisionFeedbackGiven",
    "DecisionMade",
    "DecisionOutcomeKnown",
    "Feedback",
    "FindingReported",
    "MessageRole",
    "MessageSent",
    "MessageType",
    "MetricType",
    "Outcome",
    "ReflectionRecorded",
    "SessionCompleted",
    "SessionExpired",
    "SessionPaused",
    "SessionResumed",
    "SessionStarted",
    "SessionState",
    "Significance",
    "TrustMetricRecorded",
]

SessionState = Literal["active", "paused", "completed", "expired"]
Feedback = Literal["approved", "rejected", "modified"]
Outcome = Literal["success", "failure", "critical_failure"]
MetricType = Literal["accuracy", "autonomy", "complexity"]
MessageRole = Literal["user", "agent", "system"]
MessageType = Literal["text", "code", "command", "file"]
Significance = Literal["low", "medium", "high", "critical"]

METRIC_CEILINGS: Final[dict[MetricType, float]] = {
    "accuracy": 100,
    "autonomy": 100,
    "complexity": 10,
}
"""The highest value of each type; the lowest is 0."""


class _AgentDescription(Event):
    agent_id: AgentId
    name: Name
    persona_type: Word
    """What the agent is for, such as developer, qa, architect."""
    capabilities: Json = Field(default_factory=dict)
    config: Json = Field(default_factory=dict)


class AgentRegistered(_AgentDescription, event_type="trust.agent_registered", retention="audit"):
    """An agent makes itself known; doing so again, at its next start, renews the description."""


class AgentUpdated(_AgentDescription, event_type="trust.agent_updated", retention="audit"):
    """This is what the agent is now, all of it."""


class AgentActivated(Event, event_type="trust.agent_activated", retention="audit"):
    """An agent may work again."""

    agent_id: AgentId
    reason: str | None = None


class AgentDeactivated(Event, event_type="trust.agent_deactivated", retention="audit"):
    """An agent is to do no work until it is activated."""

    agent_id: AgentId
    reason: str | None = None


class SessionStarted(Event, event_type="trust.session_started"):
    """An agent begins a run of messages and decisions, for a user or on its own."""

    session_id: UUID
    agent_id: AgentId
    user_id: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    trust_level: Annotated[int, Field(ge=0, le=4)] | None = None
    """How far it is trusted in this session; null: as far as its standing goes then."""
    context: Json = Field(default_factory=dict)
    metadata: Json = Field(default_factory=dict)
    expires_at: AwareDatetime | None = None


class SessionPaused(Event, event_type="trust.session_paused"):
    """An active session waits."""

    session_id: UUID


class SessionResumed(Event, event_type="trust.session_resumed"):
    """A paused session goes on."""

    session_id: UUID


class SessionCompleted(Event, event_type="trust.session_completed"):
    """A session is over, because its work is done or given up."""

    session_id: UUID


class SessionExpired(Event, event_type="trust.session_expired"):
    """A session is over, because its time is."""

    session_id: UUID


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


class TrustMetricRecorded(Event, event_type="trust.trust_metric_recorded", retention="decision"):
    """A property of an agent's work was measured."""

    metric_id: UUID
    session_id: UUID
    agent_id: AgentId
    metric_type: MetricType
    metric_value: float
    """0 to 100 for accuracy and autonomy, 0 to 10 for complexity."""
    measurement_context: Json = Field(default_factory=dict)

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        ceiling = METRIC_CEILINGS[self.metric_type]
        if not 0 <= self.metric_value <= ceiling:
            raise ValueError(f"{self.metric_type} {self.metric_value} is not in 0..{ceiling}")
        return self


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
