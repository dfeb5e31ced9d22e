"""The trust context: agents, their sessions, what they said and decided, and their standing."""

from projections.trust.ladder import DEFAULT, Fact, LadderRules, Standing, standing
from projections.trust.projection import Trust
from projections.trust.projection_v1 import TrustV1
from projections.trust.rows import (
    Agent,
    AgentAuditLog,
    AgentDecision,
    AgentKnowledge,
    AgentSession,
    ConversationHistory,
    ConversationMessage,
    TrustLevel,
    TrustLevelChange,
    TrustMetric,
    TrustMetricDaily,
)

__all__ = [
    "DEFAULT",
    "Agent",
    "AgentAuditLog",
    "AgentDecision",
    "AgentKnowledge",
    "AgentSession",
    "ConversationHistory",
    "ConversationMessage",
    "Fact",
    "LadderRules",
    "Standing",
    "Trust",
    "TrustLevel",
    "TrustLevelChange",
    "TrustMetric",
    "TrustMetricDaily",
    "TrustV1",
    "standing",
]
