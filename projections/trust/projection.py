"""How the tables of trust follow from its events; the rules lie in a file for each subject."""

from __future__ import annotations

from projections.trust.ladder import DEFAULT, LadderRules
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
from projections.trust.rules.agents import AgentRules
from projections.trust.rules.conversation import ConversationRules
from projections.trust.rules.decisions import DecisionRules
from projections.trust.rules.knowledge import AuditRules, KnowledgeRules
from projections.trust.rules.metrics import MetricRules

__all__ = ["Trust"]


class Trust(
    AgentRules,
    DecisionRules,
    MetricRules,
    KnowledgeRules,
    ConversationRules,
    AuditRules,
    name="trust",
    version=2,
    tables=(
        Agent,
        AgentSession,
        AgentDecision,
        TrustMetric,
        TrustMetricDaily,
        TrustLevel,
        TrustLevelChange,
        AgentKnowledge,
        ConversationMessage,
        ConversationHistory,
        AgentAuditLog,
    ),
):
    """Agents: their sessions, what they said, know and decided; their standing under `rules`."""

    def __init__(self, rules: LadderRules = DEFAULT) -> None:
        self.rules = rules
