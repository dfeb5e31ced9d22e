"""What is answered about agents, how far each is trusted, and what they said, knew and did."""

from __future__ import annotations

from datetime import date, datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from eventstore.vocabulary.trust import (
    Feedback,
    KnowledgeType,
    MessageRole,
    MessageType,
    MetricType,
    Outcome,
    RiskLevel,
    SessionState,
)
from projections.questions import Answer

__all__ = [
    "ActionShown",
    "AgentShown",
    "AgentStanding",
    "DecisionFound",
    "DecisionShown",
    "KnowledgeShown",
    "LevelChange",
    "Measured",
    "MessageShown",
    "MetricFound",
    "SessionShown",
    "SessionWithDecisions",
    "TrustedAgent",
]


class AgentShown(Answer):
    """An agent."""

    agent_id: str
    name: str
    persona_type: str
    capabilities: dict[str, Any]
    config: dict[str, Any]
    is_active: bool
    version: int


class Standing(Answer):
    """How far an agent is trusted: a level from 0 to 4, a score from 0 to 1."""

    level: int
    score: float
    streak: int
    """Successful decisions in a row."""
    decisions: int
    approved: int
    rejected: int
    since: datetime


class LevelChange(Answer):
    """A change of an agent's standing, and the decisions that it comes from."""

    event_id: UUID
    agent_id: str
    decision_id: UUID
    fact: Outcome
    from_level: int
    to_level: int
    from_score: float
    to_score: float
    decision_ids: list[UUID]
    changed_at: datetime
    position: int


class DecisionFound(Answer):
    """A decision in a list."""

    decision_id: UUID
    session_id: UUID
    decision_type: str
    confidence_score: float | None
    user_feedback: Feedback | None
    outcome: Outcome | None
    execution_time_ms: int | None
    created_at: datetime


class AgentStanding(Answer):
    """An agent, its standing, the newest twenty changes, and the newest twenty decisions."""

    agent: AgentShown
    standing: Standing | None
    changes: list[LevelChange]
    decisions: list[DecisionFound]
    """Of its newest ten sessions."""


class TrustedAgent(Answer):
    """An agent among those of its level."""

    agent_id: str
    name: str
    persona_type: str
    is_active: bool
    level: int
    score: float
    decisions: int
    since: datetime


class MessageShown(Answer):
    """Something that was said."""

    message_id: UUID
    session_id: UUID
    role: MessageRole
    content: str
    message_type: MessageType
    parent_message_id: UUID | None
    tokens_used: int | None
    model_used: str | None
    sent_at: datetime
    position: int
    """Of the message in the log, by which messages are ordered."""


class SessionShown(Answer):
    """A session of an agent."""

    session_id: UUID
    agent_id: str
    user_id: str | None
    trust_level: int
    context: dict[str, Any]
    started_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None
    session_state: SessionState
    metadata: dict[str, Any]
    version: int


class SessionWithDecisions(Answer):
    """A session, and the newest twenty decisions that were made in it."""

    session: SessionShown
    decisions: list[DecisionFound]


class DecisionShown(Answer):
    """A decision with its reasons, and up to twenty changes of levels that it made."""

    decision: DecisionFound
    input_context: dict[str, Any]
    decision_rationale: str
    action_taken: dict[str, Any]
    changes: list[LevelChange]


class DayShown(Answer):
    """The metrics of a day, in UTC, that are rolled up."""

    day: date
    metric_count: int
    average: float
    minimum: float
    maximum: float


class MetricShown(Answer):
    """A metric as it was taken."""

    metric_id: UUID
    session_id: UUID
    metric_value: float
    measurement_context: dict[str, Any]
    recorded_at: datetime


class MetricFound(MetricShown):
    """A metric of any agent and type."""

    agent_id: str
    metric_type: MetricType


class Measured(Answer):
    """How an agent measured up; the newest first. A metric is in a day or alone, never in both."""

    agent_id: str
    metric_type: MetricType
    days: list[DayShown]
    metrics: list[MetricShown]


class KnowledgeShown(Answer):
    """Something that an agent has learned, and how well it served: success_rate from 0 to 1."""

    knowledge_id: UUID
    agent_id: str
    knowledge_type: KnowledgeType
    domain: str
    content: dict[str, Any]
    usage_count: int
    success_rate: float
    last_used_at: datetime | None


class ActionShown(Answer):
    """Something that an agent did."""

    audit_id: UUID
    agent_id: str
    session_id: UUID | None
    action_type: str
    action_details: dict[str, Any]
    risk_level: RiskLevel
    user_id: str | None
    ip_address: IPv4Address | IPv6Address | None
    user_agent: str | None
    created_at: datetime
