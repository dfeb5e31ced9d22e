"""What agents are, say, know and decide, and how well it turned out.

An agent speaks and decides in sessions. Feedback and outcomes say how good its decisions were; from
them follows how far it is trusted. Events that change an agent's standing name the agent, the
session and the decision.
"""

from __future__ import annotations

from eventstore.vocabulary.trust.agents import (
    AgentActivated,
    AgentDeactivated,
    AgentRegistered,
    AgentUpdated,
)
from eventstore.vocabulary.trust.audit import (
    ActionAudited,
    RiskLevel,
)
from eventstore.vocabulary.trust.conversation import (
    FindingReported,
    MessageRole,
    MessageSent,
    MessageType,
    ReflectionRecorded,
    Significance,
)
from eventstore.vocabulary.trust.decisions import (
    DecisionFeedbackGiven,
    DecisionMade,
    DecisionOutcomeKnown,
    Feedback,
    Outcome,
)
from eventstore.vocabulary.trust.embeddings import KnowledgeEmbedded, MessageEmbedded
from eventstore.vocabulary.trust.knowledge import (
    KnowledgeApplied,
    KnowledgeForgotten,
    KnowledgeLearned,
    KnowledgeRefined,
    KnowledgeType,
)
from eventstore.vocabulary.trust.metrics import (
    MAX_METRICS,
    METRIC_CEILINGS,
    MetricType,
    TrustMetricRecorded,
    TrustMetricsRolledUp,
    check_range,
    roll_up_stream,
)
from eventstore.vocabulary.trust.sessions import (
    SESSION_MOVES,
    SessionCompleted,
    SessionExpired,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    SessionState,
    state_after,
)

__all__ = [
    "MAX_METRICS",
    "METRIC_CEILINGS",
    "SESSION_MOVES",
    "ActionAudited",
    "AgentActivated",
    "AgentDeactivated",
    "AgentRegistered",
    "AgentUpdated",
    "DecisionFeedbackGiven",
    "DecisionMade",
    "DecisionOutcomeKnown",
    "Feedback",
    "FindingReported",
    "KnowledgeApplied",
    "KnowledgeEmbedded",
    "KnowledgeForgotten",
    "KnowledgeLearned",
    "KnowledgeRefined",
    "KnowledgeType",
    "MessageEmbedded",
    "MessageRole",
    "MessageSent",
    "MessageType",
    "MetricType",
    "Outcome",
    "ReflectionRecorded",
    "RiskLevel",
    "SessionCompleted",
    "SessionExpired",
    "SessionPaused",
    "SessionResumed",
    "SessionStarted",
    "SessionState",
    "Significance",
    "TrustMetricRecorded",
    "TrustMetricsRolledUp",
    "check_range",
    "roll_up_stream",
    "state_after",
]
