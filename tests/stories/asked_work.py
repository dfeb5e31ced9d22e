"""Commands of work, in an order in which each is granted; they lead to every event."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from eventstore import Command
from eventstore.commands import work as asked

__all__ = ["STORY"]

ONE, TWO, THREE = (UUID(int=n) for n in (1, 2, 3))
"""The ids of the first things of each kind, so that random wishes meet them."""
OF_ORDER: dict[str, Any] = {"work_order_id": ONE}
OF_ITEM: dict[str, Any] = {"work_item_id": ONE}
OF_TRY: dict[str, Any] = {**OF_ITEM, "attempt_id": ONE}
OF_CONNECTOR: dict[str, Any] = {"connector_id": ONE}
GRANT: dict[str, Any] = {"tool_id": ONE, "capability_id": ONE}
TICKETS: dict[str, Any] = {"document_type": "TICKET"}

STORY: list[Command] = [
    asked.OpenWorkOrder(**OF_ORDER, title="Pack"),
    asked.ChangeWorkOrderDetails(**OF_ORDER, title="P", priority="URGENT", metadata={}),
    asked.MoveWorkOrder(**OF_ORDER, to_status="PROCESSING"),
    asked.PublishSchema(**TICKETS, schema_id=ONE, document_version=1, json_schema={}),
    asked.ActivateSchema(**TICKETS, schema_id=ONE),
    asked.PublishSchema(
        **TICKETS, schema_id=TWO, document_version=2, json_schema={"required": ["text"]}
    ),
    asked.ActivateSchema(**TICKETS, schema_id=TWO),
    asked.QueueWorkItem(**OF_ITEM, **OF_ORDER, type="TICKET", content={"text": "t"}),
    asked.QueueWorkItem(work_item_id=TWO, **OF_ORDER, type="INVOICE"),
    asked.QueueWorkItem(work_item_id=THREE, **OF_ORDER, type="INVOICE"),
    asked.AssignWorkItem(**OF_ITEM, agent_id="ann"),
    asked.StartAttempt(**OF_TRY, agent_id="ann"),
    asked.ReportError(**OF_TRY, error="exit 1"),
    asked.GiveEvidence(**OF_TRY, evidence_id=ONE, kind="test", summary="s"),
    asked.EndAttempt(**OF_TRY, status="COMPLETED"),
    asked.MoveWorkItem(**OF_ITEM, to_status="COMPLETED"),
    asked.DecideApproval(
        **OF_ITEM, approval_id=ONE, approver="eve", decision="APPROVED", policy_version="1"
    ),
    asked.RecordEval(**OF_ITEM, eval_id=ONE, evaluator="judge", score=1, passed=True),
    asked.RetireSchema(**TICKETS, schema_id=TWO),
    asked.PublishWorkflowTemplate(
        workflow_template_id=ONE, name="x", template_version=1, definition={}
    ),
    asked.StartRun(run_id=ONE, workflow_template_id=ONE, **OF_ORDER),
    asked.EndRun(run_id=ONE, status="COMPLETED"),
    asked.WriteMemDoc(mem_doc_id=ONE, type="CONTEXT", content="c", **OF_ITEM),
    asked.RemoveMemDoc(mem_doc_id=ONE),
    asked.RecordDeadLetter(dead_letter_id=ONE, source="mail", error="550"),
    asked.RetryDeadLetter(dead_letter_id=ONE),
    asked.ResolveDeadLetter(dead_letter_id=ONE),
    asked.RegisterConnector(**OF_CONNECTOR, name="x", type="EMAIL"),
    asked.ConfigureConnector(**OF_CONNECTOR, config={"host": "h"}),
    asked.MoveConnector(**OF_CONNECTOR, to_status="ACTIVE"),
    asked.RecordConnectorHealth(**OF_CONNECTOR, health={"ms": 3}),
    asked.RegisterTool(
        tool_id=ONE, **OF_CONNECTOR, name="x", version="1", input_schema={}, output_schema={}
    ),
    asked.DefineCapability(capability_id=ONE, name="x", scopes=["mail:send"]),
    asked.ChangeCapabilityScopes(capability_id=ONE, scopes=[]),
    asked.GrantCapability(**GRANT),
    asked.RevokeCapability(**GRANT),
]
