"""Work orders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from pydantic import Field

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, require_move
from eventstore.vocabulary.fields import Json, Name
from eventstore.vocabulary.work import (
    WORK_ORDER_MOVES,
    Priority,
    WorkOrderDetailsChanged,
    WorkOrderOpened,
    WorkOrderStatus,
    WorkOrderStatusChanged,
)

__all__ = ["ChangeWorkOrderDetails", "MoveWorkOrder", "OpenWorkOrder", "WorkOrder", "order_stream"]


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """How far an order is."""

    status: WorkOrderStatus | None = None
    """None when there is no such order."""

    def after(self, event: Event) -> Self:
        match event:
            case WorkOrderOpened() if self.status is None:
                return replace(self, status="PENDING")
            case WorkOrderStatusChanged(from_status=self.status):
                return replace(self, status=event.to_status)
        return self

    def require(self, order_id: UUID) -> WorkOrderStatus:
        """Its status; raises DoesNotExist."""
        if self.status is None:
            raise DoesNotExist("work order", order_id)
        return self.status


def order_stream(work_order_id: UUID) -> str:
    """The stream of a work order; its items have streams of their own."""
    return f"work_order-{work_order_id}"


class _OfOrder(Command):
    work_order_id: UUID

    def reads(self) -> dict[str, State]:
        return {order_stream(self.work_order_id): WorkOrder()}


class OpenWorkOrder(_OfOrder):
    """Makes a work order, PENDING and without items."""

    title: Name
    priority: Priority = "MEDIUM"
    metadata: Json = Field(default_factory=dict)

    def decide(self, order: WorkOrder) -> Event:
        """Refused as AlreadyExists."""
        if order.status is not None:
            raise AlreadyExists("work order", self.work_order_id)
        return event_of(WorkOrderOpened, self)


class ChangeWorkOrderDetails(_OfOrder):
    """Gives an order these details, all of them."""

    title: Name
    priority: Priority
    metadata: Json

    def decide(self, order: WorkOrder) -> Event:
        """Refused as DoesNotExist."""
        order.require(self.work_order_id)
        return event_of(WorkOrderDetailsChanged, self)


class MoveWorkOrder(_OfOrder):
    """Moves an order to another status, by WORK_ORDER_MOVES."""

    to_status: WorkOrderStatus
    reason: str | None = None

    def decide(self, order: WorkOrder) -> Event:
        """Refused as DoesNotExist, IllegalMove."""
        status = order.require(self.work_order_id)
        require_move("work order", self.work_order_id, WORK_ORDER_MOVES, status, self.to_status)
        return event_of(WorkOrderStatusChanged, self, from_status=status)
