"""What is answered about orders and items, attempts and judgements, and what agents work with."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

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
from projections.questions import Answer

__all__ = [
    "ApprovalShown",
    "AttemptShown",
    "ConnectorShown",
    "DeadLetterShown",
    "EvaluationShown",
    "ItemFound",
    "ItemToTake",
    "ItemWithParts",
    "OrderShown",
    "OrderWithItems",
    "PendingApproval",
    "Remembered",
    "RunShown",
    "SchemaShown",
    "ToolShown",
    "WorkflowTemplateShown",
]


class OrderShown(Answer):
    """A work order and its progress: so many items of so many are finished."""

    id: UUID
    title: str
    status: WorkOrderStatus
    priority: Priority
    metadata: dict[str, Any]
    item_count: int
    finished_count: int
    created_at: datetime
    updated_at: datetime


class ItemFound(Answer):
    """A work item in a list."""

    id: UUID
    work_order_id: UUID
    type: str
    status: WorkItemStatus
    attempts: int
    assigned_agent: str | None
    package_id: UUID | None
    created_at: datetime
    updated_at: datetime


class ItemToTake(ItemFound):
    """A work item that waits, and how urgent its order is."""

    priority: Priority


class RunShown(Answer):
    """A time that agents worked through a workflow."""

    id: UUID
    workflow_template_id: UUID | None
    work_order_id: UUID | None
    status: RunStatus
    started_at: datetime
    ended_at: datetime | None


class OrderWithItems(Answer):
    """A work order, its oldest fifty items, and its newest fifty runs."""

    order: OrderShown
    items: list[ItemFound]
    runs: list[RunShown]


class AttemptShown(Answer):
    """A try of an agent at an item."""

    id: UUID
    work_item_id: UUID
    attempt_no: int
    agent_id: str
    status: AttemptStatus
    input: dict[str, Any]
    output: dict[str, Any] | None
    error: str | None
    started_at: datetime
    ended_at: datetime | None
    duration_ms: int | None


class ApprovalShown(Answer):
    """What somebody decided about an item."""

    id: UUID
    work_item_id: UUID
    approver: str
    decision: Approval
    reason: str | None
    policy_version: str
    decided_at: datetime


class EvaluationShown(Answer):
    """How well an item was done, as somebody measured it: from 0 to 1."""

    id: UUID
    work_item_id: UUID
    evaluator: str
    score: float
    passed: bool
    details: dict[str, Any]
    created_at: datetime
    position: int


class ItemWithParts(Answer):
    """A work item, and the newest fifty of each: attempts, approvals, evaluations."""

    item: ItemFound
    content: dict[str, Any]
    attempts: list[AttemptShown]
    approvals: list[ApprovalShown]
    evaluations: list[EvaluationShown]


class PendingApproval(Answer):
    """An item about which somebody higher has to decide."""

    approval_id: UUID
    work_item_id: UUID
    work_order_id: UUID
    type: str
    status: WorkItemStatus
    package_id: UUID | None
    escalated_by: str
    reason: str | None
    policy_version: str
    since: datetime


class Remembered(Answer):
    """What agents keep in mind."""

    id: UUID
    work_item_id: UUID | None
    type: MemDocType
    content: str
    metadata: dict[str, Any]
    created_at: datetime


class DeadLetterShown(Answer):
    """A message that could not be dealt with."""

    id: UUID
    source: str
    event_id: UUID | None
    payload: dict[str, Any]
    error: str
    retry_count: int
    last_retry_at: datetime | None
    created_at: datetime


class SchemaShown(Answer):
    """A JSON Schema of a type of documents."""

    id: UUID
    document_type: str
    schema_version: int
    json_schema: dict[str, Any]
    active: bool


class CapabilityShown(Answer):
    """Something that a tool may do."""

    id: UUID
    name: str
    scopes: list[str]


class ToolOfConnector(Answer):
    """A tool, and up to fifty things that it may do."""

    id: UUID
    name: str
    version: str
    capabilities: list[CapabilityShown]


class ConnectorShown(Answer):
    """A way to another system, and up to fifty of its tools."""

    id: UUID
    name: str
    type: ConnectorType
    status: ConnectorStatus
    config: dict[str, Any]
    last_health_check_at: datetime | None
    health: dict[str, Any]
    tools: list[ToolOfConnector]


class ToolShown(Answer):
    """A tool with the schemas of what it takes and gives."""

    id: UUID
    connector_id: UUID
    name: str
    version: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]


class WorkflowTemplateShown(Answer):
    """A workflow that runs follow."""

    id: UUID
    name: str
    template_version: int
    definition: dict[str, Any]
