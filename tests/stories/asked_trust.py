"""Commands of trust, in an order in which each is granted; they lead to every event."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID

from eventstore import Command
from eventstore.commands import trust as asked
from projections.testing import FIRST_MOMENT

__all__ = ["ONE", "STORY", "TWO"]

ONE, TWO = UUID(int=1), UUID(int=2)
"""The ids of the first things of each kind, so that random wishes meet them."""
ANN: dict[str, Any] = {"agent_id": "ann", "name": "Ann", "persona_type": "qa"}
IN_ONE: dict[str, Any] = {"session_id": ONE}
LEARNED: dict[str, Any] = {"knowledge_id": ONE, "knowledge_type": "pattern", "domain": "msi"}
QUESTION, DECISION, METRIC = (UUID(int=n) for n in (11, 12, 13))

STORY: list[Command] = [
    asked.RegisterAgent(**ANN),
    asked.RegisterAgent(agent_id="bob", name="Bob", persona_type="developer"),
    asked.UpdateAgent(**ANN, capabilities={"read": True}),
    asked.DeactivateAgent(agent_id="ann", reason="It gets another model."),
    asked.ActivateAgent(agent_id="ann"),
    asked.StartSession(**IN_ONE, agent_id="ann", user_id="eve", trust_level=2),
    asked.StartSession(
        session_id=TWO,
        agent_id="bob",
        at=FIRST_MOMENT,
        expires_at=FIRST_MOMENT + timedelta(seconds=21),
    ),
    asked.SendMessage(command_id=QUESTION, **IN_ONE, role="user", content="How?"),
    asked.PauseSession(**IN_ONE),
    asked.SendMessage(**IN_ONE, role="agent", content="So.", parent_message_id=QUESTION),
    asked.ResumeSession(**IN_ONE),
    asked.ReportFinding(**IN_ONE, content="No native code.", significance="low"),
    asked.RecordReflection(**IN_ONE, content="Well.", confidence=0.75, focal_points=["msi"]),
    asked.MakeDecision(
        command_id=DECISION, **IN_ONE, agent_id="ann", decision_type="risk", rationale="r"
    ),
    asked.LearnKnowledge(**LEARNED, agent_id="ann", content={"switch": "/S"}),
    asked.RefineKnowledge(**LEARNED, content={"switch": "/quiet"}),
    asked.ApplyKnowledge(knowledge_id=ONE, succeeded=True),
    asked.ForgetKnowledge(knowledge_id=ONE, reason="It has not helped for long."),
    asked.AuditAction(agent_id="bob", action_type="read_file", risk_level="low"),
    asked.CompleteSession(**IN_ONE),
    asked.AuditAction(
        **IN_ONE,
        agent_id="ann",
        action_type="send_mail",
        risk_level="critical",
        ip_address=IPv4Address("192.0.2.7"),
    ),
    asked.GiveFeedback(**IN_ONE, decision_id=DECISION, feedback="approved"),
    asked.RecordOutcome(**IN_ONE, decision_id=DECISION, outcome="critical_failure"),
    asked.RecordMetric(command_id=METRIC, **IN_ONE, metric_type="complexity", metric_value=10),
    asked.ExpireSession(session_id=TWO),
]
