"""What may be asked for in trust: of agents, their sessions, decisions, knowledge and audit.

Two kinds of events are not asked for: metrics are rolled up from the tables, and embeddings are
computed by a hook.
"""

from __future__ import annotations

from eventstore.commands.trust.agents import (
    ActivateAgent,
    DeactivateAgent,
    RegisterAgent,
    UpdateAgent,
)
from eventstore.commands.trust.audit import AuditAction
from eventstore.commands.trust.conversation import RecordReflection, ReportFinding, SendMessage
from eventstore.commands.trust.decisions import (
    GiveFeedback,
    MakeDecision,
    RecordMetric,
    RecordOutcome,
)
from eventstore.commands.trust.knowledge import (
    ApplyKnowledge,
    ForgetKnowledge,
    LearnKnowledge,
    RefineKnowledge,
)
from eventstore.commands.trust.sessions import (
    CompleteSession,
    ExpireSession,
    PauseSession,
    ResumeSession,
    StartSession,
)

__all__ = [
    "ActivateAgent",
    "ApplyKnowledge",
    "AuditAction",
    "CompleteSession",
    "DeactivateAgent",
    "ExpireSession",
    "ForgetKnowledge",
    "GiveFeedback",
    "LearnKnowledge",
    "MakeDecision",
    "PauseSession",
    "RecordMetric",
    "RecordOutcome",
    "RecordReflection",
    "RefineKnowledge",
    "RegisterAgent",
    "ReportFinding",
    "ResumeSession",
    "SendMessage",
    "StartSession",
    "UpdateAgent",
]
