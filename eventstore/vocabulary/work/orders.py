"""Work orders and the items that they hold."""

from __future__ import annotations

from typing import Final, Literal, Self
from uuid import UUID

from pydantic import Field, ValidationInfo, model_validator

from eventstore.event import Event
from eventstore.vocabulary.fields import AgentId, Json, Name
from eventstore.vocabulary.moves import check_move
from eventstore.vocabulary.work.types import WorkItemType

__all__ = [
    "WORK_ITEM_MOVES",
    "WORK_ORDER_MOVES",
    "Priority",
    "WorkItemAssigned",
    "WorkItemQueued",
    "WorkItemStatus",
    "WorkItemStatusChanged",
    "WorkOrderDetailsChanged",
    "WorkOrderOpened",
    "WorkOrderStatus",
    "WorkOrderStatusChanged",
]

WorkOrderStatus = Literal["PENDING", "PROCESSING", "COMPLETED", "FAILED"]
Priority = Literal["LOW", "MEDIUM", "HIGH", "URGENT"]
WorkItemStatus = Literal["QUEUED", "PROCESSING", "COMPLETED", "FAILED"]

WORK_ORDER_MOVES: Final[dict[WorkOrderStatus, frozenset[WorkOrderStatus]]] = {
    "PENDING": frozenset({"PROCESSING", "FAILED"}),
    "PROCESSING": frozenset({"COMPLETED", "FAILED"}),
    "COMPLETED": frozenset(),
    "FAILED": frozenset({"PENDING"}),
}
"""Which status may follow which: PENDING may fail when it is given up, FAILED gets a new try."""

WORK_ITEM_MOVES: Final[dict[WorkItemStatus, frozenset[WorkItemStatus]]] = {
    "QUEUED": frozenset({"PROCESSING", "FAILED"}),
    "PROCESSING": frozenset({"COMPLETED", "FAILED", "QUEUED"}),
    "COMPLETED": frozenset(),
    "FAILED": frozenset({"QUEUED"}),
}
"""Which status may follow which: QUEUED may fail when it is skipped, PROCESSING may be put back."""


class WorkOrderOpened(Event, event_type="work.work_order_opened"):
    """There is work to do: the order is PENDING, and its items follow."""

    work_order_id: UUID
    title: Name
    priority: Priority = "MEDIUM"
    metadata: Json = Field(default_factory=dict)


class WorkOrderDetailsChanged(Event, event_type="work.work_order_details_changed"):
    """These are the order's details now, all of them."""

    work_order_id: UUID
    title: Name
    priority: Priority
    metadata: Json


class WorkOrderStatusChanged(Event, event_type="work.work_order_status_changed"):
    """A work order moved from one status to the next; illegal moves can't be said."""

    work_order_id: UUID
    from_status: WorkOrderStatus
    to_status: WorkOrderStatus
    reason: str | None = None

    @model_validator(mode="after")
    def _legal(self, info: ValidationInfo) -> Self:
        check_move(WORK_ORDER_MOVES, self.from_status, self.to_status, info)
        return self


class WorkItemQueued(Event, event_type="work.work_item_queued"):
    """A work order has one more item to work at."""

    work_item_id: UUID
    work_order_id: UUID
    type: WorkItemType
    content: Json = Field(default_factory=dict)
    assigned_agent: AgentId | None = None
    package_id: UUID | None = None
    """The package that the work is about, if it is about one."""


class WorkItemAssigned(Event, event_type="work.work_item_assigned"):
    """A work item is an agent's now; or nobody's, when agent_id is null."""

    work_item_id: UUID
    agent_id: AgentId | None


class WorkItemStatusChanged(Event, event_type="work.work_item_status_changed"):
    """A work item moved from one status to the next; illegal moves can't be said."""

    work_item_id: UUID
    work_order_id: UUID
    from_status: WorkItemStatus
    to_status: WorkItemStatus
    reason: str | None = None

    @model_validator(mode="after")
    def _legal(self, info: ValidationInfo) -> Self:
        check_move(WORK_ITEM_MOVES, self.from_status, self.to_status, info)
        return self
