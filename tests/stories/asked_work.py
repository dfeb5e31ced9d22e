"""Commands of work, in an order in which each is granted; they lead to every event."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from eventstore import Command
from eventstore.commands import work as asked

__all__ = ["STORY"]

ORDER, ITEM, TRY, JUDGED, TEMPLATE, RUN, DOC, LETTER = (UUID(int=n) for n in range(1, 9))
CONNECTOR, TOOL, CAPABILITY, OLD, NEW = (UUID(int=n) for n in range(11, 16))
OF_ORDER: dict[str, Any] = {"work_order_id": ORDER}
OF_ITEM: dict[str, Any] = {"work_item_id": ITEM}
OF_TRY: dict[str, Any] = {**OF_ITEM, "attempt_id": TRY}
OF_CONNECTOR: dict[str, Any] = {"connector_id": CONNECTOR}
GRANT: dict[str, Any] = {"tool_id": TOOL, "capability_id": CAPABILITY}
TICKETS: dict[str, Any] = {"document_type": "TICKET"}

STORY: list[Command] = [
    asked.OpenWorkOrder(**OF_ORDER, title="Pack"),
    asked.ChangeWorkOrderDetails(**OF_ORDER, title="P", priority="URGENT", metadata={}),
    asked.MoveWorkOrder(**OF_ORDER, to_status="PROCESSING"),
    asked.PublishSchema(**TICKETS, schema_id=OLD, document_version=1, json_schema={}),
    asked.ActivateSchema(**TICKETS, schema_id=OLD),
    asked.PublishSchema(
        **TICKETS, schema_id=NEW, document_version=2, json_schema={"required": ["text"]}
    ),
    asked.ActivateSchema(**TICKETS, schema_id=NEW),
    asked.QueueWorkItem(**OF_ITEM, **OF_ORDER, type="TICKET", content={"text": "t"}),
    asked.AssignWorkItem(**OF_ITEM, agent_id="ann"),
    asked.StartAttempt(**OF_TRY, agent_id="ann"),
    asked.ReportError(**OF_TRY, error="exit 1"),
    asked.GiveEvidence(**OF_TRY, evidence_id=JUDGED, kind="test", summary="s"),
    asked.EndAttempt(**OF_TRY, status="COMPLETED"),
    asked.MoveWorkItem(**OF_ITEM, to_status="COMPLETED"),
    asked.DecideApproval(
        **OF_ITEM, approval_id=JUDGED, approver="eve", decision="APPROVED", policy_version="1"
    ),
    asked.RecordEval(**OF_ITEM, eval_id=TRY, evaluator="judge", score=1, passed=True),
    asked.RetireSchema(**TICKETS, schema_id=NEW),
    asked.PublishWorkflowTemplate(
        workflow_template_id=TEMPLATE, name="pack", template_version=1, definition={}
    ),
    asked.StartRun(run_id=RUN, workflow_template_id=TEMPLATE, **OF_ORDER),
    asked.EndRun(run_id=RUN, status="COMPLETED"),
    asked.WriteMemDoc(mem_doc_id=DOC, type="CONTEXT", content="c", **OF_ITEM),
    asked.RemoveMemDoc(mem_doc_id=DOC),
    asked.RecordDeadLetter(dead_letter_id=LETTER, source="mail", error="550"),
    asked.RetryDeadLetter(dead_letter_id=LETTER),
    asked.ResolveDeadLetter(dead_letter_id=LETTER),
    asked.RegisterConnector(**OF_CONNECTOR, name="mail", type="EMAIL"),
    asked.ConfigureConnector(**OF_CONNECTOR, config={"host": "h"}),
    asked.MoveConnector(**OF_CONNECTOR, to_status="ACTIVE"),
    asked.RecordConnectorHealth(**OF_CONNECTOR, health={"ms": 3}),
    asked.RegisterTool(
        tool_id=TOOL, **OF_CONNECTOR, name="send", version="1", input_schema={}, output_schema={}
    ),
    asked.DefineCapability(capability_id=CAPABILITY, name="sending", scopes=["mail:send"]),
    asked.ChangeCapabilityScopes(capability_id=CAPABILITY, scopes=[]),
    asked.GrantCapability(**GRANT),
    asked.RevokeCapability(**GRANT),
]
