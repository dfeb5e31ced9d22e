"""The tables of work. Each class is a table, each field a column."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any
from uuid import UUID

from eventstore.encoding.vector import Vector
from eventstore.vocabulary.work import (
    Approval,
    AttemptStatus,
    ConnectorStatus,
    ConnectorType,
    MemDocType,
    Priority,
    RunStatus,
    WorkItemStatus,
    WorkOrderStatus,
)
from projections.row import Row, table

__all__ = [
    "ApprovalEvent",
    "Attempt",
    "Capability",
    "Connector",
    "DeadLetter",
    "EvalResult",
    "MemDoc",
    "Run",
    "Schema",
    "Tool",
    "ToolCapability",
    "WorkItem",
    "WorkOrder",
    "WorkflowTemplate",
]


@table("work_orders", key="id", named_by=("work_order_id",))
class WorkOrder(Row):
    """Work to do; it holds items."""

    id: UUID
    title: str
    status: WorkOrderStatus = "PENDING"
    priority: Priority
    metadata: dict[str, Any] = field(default_factory=dict)
    item_count: int = 0
    finished_count: int = 0


@table("work_items", key="id", named_by=("work_item_id",))
class WorkItem(Row):
    """One piece of the work of an order."""

    id: UUID
    work_order_id: UUID
    type: str
    status: WorkItemStatus = "QUEUED"
    content: dict[str, Any] = field(default_factory=dict)
    attempts: int = 0
    assigned_agent: str | None = None
    package_id: UUID | None = None


@table("attempts", key="id", named_by=("attempt_id",))
class Attempt(Row):
    """One try of an agent at an item."""

    id: UUID
    work_item_id: UUID
    attempt_no: int
    agent_id: str
    status: AttemptStatus = "STARTED"
    input: dict[str, Any] = field(default_factory=dict)
    output: dict[str, Any] | None = None
    error: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
    duration_ms: int | None = None


@table("approval_events", key="id", named_by=("approval_id",))
class ApprovalEvent(Row):
    """What was decided about an item, by whom, under which policy."""

    id: UUID
    work_item_id: UUID
    approver: str
    decision: Approval
    reason: str | None
    policy_version: str
    decided_at: datetime


@table("eval_results", key="id", named_by=("eval_id",))
class EvalResult(Row):
    """How well an item was done, as somebody measured it."""

    id: UUID
    work_item_id: UUID
    evaluator: str
    score: float
    passed: bool
    details: dict[str, Any] = field(default_factory=dict)


@table("mem_docs", key="id", named_by=("mem_doc_id",), searched=("content",))
class MemDoc(Row):
    """A document of the agents' memory."""

    id: UUID
    work_item_id: UUID | None = None
    type: MemDocType
    content: str
    metadata: dict[str, Any] = field(default_factory=dict)
    embedding: Vector | None = None
    embedding_model: str | None = None


@table("workflow_templates", key="id", named_by=("workflow_template_id",))
class WorkflowTemplate(Row):
    """A workflow that runs follow."""

    id: UUID
    name: str
    template_version: int
    definition: dict[str, Any]


@table("runs", key="id", named_by=("run_id",))
class Run(Row):
    """A time that agents worked through a workflow."""

    id: UUID
    workflow_template_id: UUID | None = None
    work_order_id: UUID | None = None
    status: RunStatus = "STARTED"
    started_at: datetime
    ended_at: datetime | None = None


@table("dead_letters", key="id", named_by=("dead_letter_id",))
class DeadLetter(Row):
    """A message that could not be dealt with."""

    id: UUID
    source: str
    event_id: UUID | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    error: str
    retry_count: int = 0
    last_retry_at: datetime | None = None
    resolved_at: datetime | None = None


@table("connectors", key="id", named_by=("connector_id",))
class Connector(Row):
    """A way to another system."""

    id: UUID
    name: str
    type: ConnectorType
    status: ConnectorStatus = "INACTIVE"
    config: dict[str, Any] = field(default_factory=dict)
    last_health_check_at: datetime | None = None
    health: dict[str, Any] = field(default_factory=dict)


@table("tools", key="id", named_by=("tool_id",))
class Tool(Row):
    """What a connector lets agents do."""

    id: UUID
    connector_id: UUID
    name: str
    version: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]


@table("capabilities", key="id", named_by=("capability_id",))
class Capability(Row):
    """What tools may be allowed to do."""

    id: UUID
    name: str
    scopes: list[str] = field(default_factory=list)


@table(
    "tool_capabilities",
    key=("tool_id", "capability_id"),
    named_by=(("tool_id", "capability_id"),),
)
class ToolCapability(Row):
    """That a tool is granted a capability."""

    tool_id: UUID
    capability_id: UUID


@table("schemas", key="id", named_by=("schema_id",))
class Schema(Row):
    """A JSON Schema of a type of documents."""

    id: UUID
    document_type: str
    schema_version: int
    json_schema: dict[str, Any]
    active: bool = False
