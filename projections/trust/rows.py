"""The tables of trust. Each class is a table, each field a column."""

from __future__ import annotations

from dataclasses import field
from datetime import date, datetime
from ipaddress import IPv4Address, IPv6Address
from typing import Any
from uuid import UUID

from eventstore.encoding.vector import Vector
from eventstore.vocabulary.trust import (
    DecisionFeedbackGiven,
    DecisionOutcomeKnown,
    Feedback,
    KnowledgeType,
    MessageRole,
    MessageType,
    MetricType,
    Outcome,
    RiskLevel,
    SessionState,
)
from projections.row import Row, table
from projections.trust.ladder import Fact

__all__ = [
    "Agent",
    "AgentAuditLog",
    "AgentDecision",
    "AgentKnowledge",
    "AgentSession",
    "ConversationHistory",
    "ConversationMessage",
    "TrustLevel",
    "TrustLevelChange",
    "TrustMetric",
    "TrustMetricDaily",
]


@table("agents", key="agent_id", named_by=("agent_id",))
class Agent(Row):
    """An agent, and what it can do."""

    agent_id: str
    name: str
    persona_type: str
    capabilities: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    is_active: bool = True
    version: int = 1


@table("agent_sessions", key="session_id", named_by=("session_id",))
class AgentSession(Row):
    """A run of messages and decisions of one agent."""

    session_id: UUID
    agent_id: str
    user_id: str | None
    trust_level: int
    context: dict[str, Any] = field(default_factory=dict)
    started_at: datetime
    expires_at: datetime | None
    ended_at: datetime | None = None
    session_state: SessionState = "active"
    metadata: dict[str, Any] = field(default_factory=dict)
    version: int = 1


@table("agent_decisions", key="decision_id", named_by=("decision_id",))
class AgentDecision(Row):
    """What an agent decided, why, and what came of it."""

    decision_id: UUID
    session_id: UUID
    decision_type: str
    input_context: dict[str, Any] = field(default_factory=dict)
    decision_rationale: str
    action_taken: dict[str, Any] = field(default_factory=dict)
    confidence_score: float | None
    user_feedback: Feedback | None = None
    outcome: Outcome | None = None
    execution_time_ms: int | None


@table("trust_metrics", key="metric_id", named_by=("metric_id", "metric_ids"))
class TrustMetric(Row):
    """A measured property of an agent's work."""

    metric_id: UUID
    session_id: UUID
    agent_id: str
    metric_type: MetricType
    metric_value: float
    measurement_context: dict[str, Any] = field(default_factory=dict)
    recorded_at: datetime


@table(
    "trust_metrics_daily",
    key=("agent_id", "metric_type", "day"),
    named_by=(("agent_id", "metric_type", "day"),),
)
class TrustMetricDaily(Row):
    """The metrics of a type, agent and day, in one."""

    agent_id: str
    metric_type: MetricType
    day: date
    """In UTC."""
    metric_count: int
    total: float
    average: float
    minimum: float
    maximum: float
    roll_ups: int = 1


@table("trust_levels", key="agent_id", named_by=("agent_id",))
class TrustLevel(Row):
    """How far an agent is trusted now; see `ladder`."""

    agent_id: str
    level: int
    score: float
    streak: int = 0
    streak_decision_ids: list[str] = field(default_factory=list)
    """The decisions of the streak, oldest first."""
    decisions: int = 0
    approved: int = 0
    rejected: int = 0
    since: datetime


@table(
    "trust_level_changes",
    key="event_id",
    named_by=("event_id",),
    named_only_by=(DecisionFeedbackGiven, DecisionOutcomeKnown),
)
class TrustLevelChange(Row):
    """A change of an agent's level or score, and the decisions that caused it."""

    event_id: UUID
    agent_id: str
    decision_id: UUID
    fact: Fact
    from_level: int
    to_level: int
    from_score: float
    to_score: float
    decision_ids: list[str]
    changed_at: datetime


@table(
    "agent_knowledge",
    key="knowledge_id",
    named_by=("knowledge_id",),
    searched=("domain", "content"),
)
class AgentKnowledge(Row):
    """What an agent has learned, and how well it served it."""

    knowledge_id: UUID
    agent_id: str
    knowledge_type: KnowledgeType
    domain: str
    content: dict[str, Any] = field(default_factory=dict)
    embedding: Vector | None = None
    embedding_model: str | None = None
    usage_count: int = 0
    success_count: int = 0
    success_rate: float = 0.0
    last_used_at: datetime | None = None


@table("conversation_messages", key="message_id", named_by=("message_id", "parent_message_id"))
class ConversationMessage(Row):
    """That there is a message, and where: what no partition can know of the others."""

    message_id: UUID
    session_id: UUID
    parent_message_id: UUID | None = None
    sent_at: datetime


@table(
    "conversation_history",
    key=("message_id", "created_at"),
    named_by=(("message_id", "sent_at"), ("message_id", "occurred_at")),
    by_month="created_at",
    searched=("content",),
)
class ConversationHistory(Row):
    """A message in a session. An event about an earlier one has the field sent_at."""

    message_id: UUID
    session_id: UUID
    role: MessageRole
    content: str
    message_type: MessageType = "text"
    parent_message_id: UUID | None = None
    tokens_used: int | None = None
    model_used: str | None = None
    embedding: Vector | None = None
    embedding_model: str | None = None


@table("agent_audit_log", key="audit_id", named_by=("audit_id",))
class AgentAuditLog(Row):
    """What an agent did that auditors may ask about."""

    audit_id: UUID
    agent_id: str
    session_id: UUID | None
    action_type: str
    action_details: dict[str, Any] = field(default_factory=dict)
    risk_level: RiskLevel
    user_id: str | None
    ip_address: IPv4Address | IPv6Address | None
    user_agent: str | None
