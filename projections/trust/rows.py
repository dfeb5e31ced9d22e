"""The tables of trust. Each class is a table, each field a column."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any
from uuid import UUID

from eventstore.vocabulary.trust import (
    Feedback,
    MessageRole,
    MessageType,
    MetricType,
    Outcome,
    SessionState,
)
from projections.row import Row, table

__all__ = [
    "Agent",
    "AgentDecision",
    "AgentSession",
    "ConversationHistory",
    "TrustLevel",
    "TrustMetric",
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


@table("trust_metrics", key="metric_id", named_by=("metric_id",))
class TrustMetric(Row):
    """A measured property of an agent's work."""

    metric_id: UUID
    session_id: UUID
    agent_id: str
    metric_type: MetricType
    metric_value: float
    measurement_context: dict[str, Any] = field(default_factory=dict)
    recorded_at: datetime


@table("trust_levels", key="agent_id", named_by=("agent_id",))
class TrustLevel(Row):
    """How far an agent is trusted now; see `ladder`."""

    agent_id: str
    level: int
    score: float
    streak: int = 0
    decisions: int = 0
    approved: int = 0
    rejected: int = 0
    since: datetime


@table("conversation_history", key="message_id", named_by=("message_id", "parent_message_id"))
class ConversationHistory(Row):
    """A message in a session."""

    message_id: UUID
    session_id: UUID
    role: MessageRole
    content: str
    message_type: MessageType = "text"
    parent_message_id: UUID | None = None
    tokens_used: int | None = None
    model_used: str | None = None
