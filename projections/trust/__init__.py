"""The trust context: agents, their sessions, what they said and decided, and their standing."""

from projections.trust.ladder import DEFAULT, Fact, LadderRules, Standing, standing
from projections.trust.projection import Trust
from projections.trust.rows import (
    Agent,
    AgentDecision,
    AgentSession,
    ConversationHistory,
    TrustLevel,
    TrustMetric,
)

__all__ = [
    "DEFAULT",
    "Agent",
    "AgentDecision",
    "AgentSession",
    "ConversationHistory",
    "Fact",
    "LadderRules",
    "Standing",
    "Trust",
    "TrustLevel",
    "TrustMetric",
    "standing",
]
