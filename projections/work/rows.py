"""The tables of work. Each class is a table, each field a column."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any
from uuid import UUID

from eventstore.vocabulary.work import (
    Approval,
    AttemptStatus,
    Priority,
    WorkItemStatus,
    WorkOrderStatus,
)
from projections.row import Row, table

__all__ = ["ApprovalEvent", "Attempt", "WorkItem", "WorkOrder"]


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
