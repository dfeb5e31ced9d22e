"""Work items: queued, assigned, moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self
from uuid import UUID

from pydantic import Field

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.commands.work.orders import WorkOrder, order_stream
from eventstore.commands.work.schemas import Schemas, schema_stream
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, NotAllowed, require_move
from eventstore.vocabulary.fields import AgentId, Json
from eventstore.vocabulary.work import (
    WORK_ITEM_MOVES,
    ApprovalDecided,
    AttemptEnded,
    AttemptStarted,
    AttemptStatus,
    EvalRecorded,
    WorkItemAssigned,
    WorkItemQueued,
    WorkItemStatus,
    WorkItemStatusChanged,
    WorkItemType,
)

__all__ = ["AssignWorkItem", "MoveWorkItem", "OfItem", "QueueWorkItem", "WorkItem", "item_stream"]


@dataclass(frozen=True, slots=True)
class WorkItem:
    """How far an item is, and what was tried and judged."""

    work_order_id: UUID | None = None
    """None when there is no such item."""
    status: WorkItemStatus = "QUEUED"
    attempts: Mapping[UUID, AttemptStatus] = field(default_factory=dict)
    approvals: frozenset[UUID] = frozenset()
    evaluations: frozenset[UUID] = frozenset()

    def after(self, event: Event) -> Self:
        match event:
            case WorkItemQueued() if self.work_order_id is None:
                return replace(self, work_order_id=event.work_order_id)
            case WorkItemStatusChanged(from_status=self.status):
                return replace(self, status=event.to_status)
            case AttemptStarted():
                return replace(self, attempts={**self.attempts, event.attempt_id: "STARTED"})
            case AttemptEnded() if self.attempts.get(event.attempt_id) == "STARTED":
                return replace(self, attempts={**self.attempts, event.attempt_id: event.status})
            case ApprovalDecided():
                return replace(self, approvals=self.approvals | {event.approval_id})
            case EvalRecorded():
                return replace(self, evaluations=self.evaluations | {event.eval_id})
        return self

    def require(self, item_id: UUID) -> UUID:
        """The id of its order; raises DoesNotExist."""
        if self.work_order_id is None:
            raise DoesNotExist("work item", item_id)
        return self.work_order_id

    def require_attempt(self, item_id: UUID, attempt_id: UUID) -> AttemptStatus:
        """The status of an attempt at it; raises DoesNotExist."""
        self.require(item_id)
        if attempt_id not in self.attempts:
            raise DoesNotExist(f"attempt at work item {item_id} with the id", attempt_id)
        return self.attempts[attempt_id]


def item_stream(work_item_id: UUID) -> str:
    """The stream of a work item, and of what is tried and judged."""
    return f"work_item-{work_item_id}"


class OfItem(Command):
    """The base of what is asked of one work item."""

    work_item_id: UUID

    def reads(self) -> dict[str, State]:
        return {item_stream(self.work_item_id): WorkItem()}

    def moved(self, item: WorkItem, wanted: WorkItemStatus, reason: str | None) -> Event:
        """The event that moves it; raises DoesNotExist, IllegalMove."""
        order_id = item.require(self.work_item_id)
        require_move("work item", self.work_item_id, WORK_ITEM_MOVES, item.status, wanted)
        return WorkItemStatusChanged(
            work_item_id=self.work_item_id,
            work_order_id=order_id,
            from_status=item.status,
            to_status=wanted,
            reason=reason,
        )


class QueueWorkItem(OfItem):
    """Adds an item to an order; its content obeys the schema that is active for its type."""

    work_order_id: UUID
    type: WorkItemType
    content: Json = Field(default_factory=dict)
    assigned_agent: AgentId | None = None
    package_id: UUID | None = None
    """The package that the work is about, if it is about one."""

    def reads(self) -> dict[str, State]:
        return {
            **super().reads(),
            order_stream(self.work_order_id): WorkOrder(),
            schema_stream(self.type): Schemas(),
        }

    def decide(self, item: WorkItem, order: WorkOrder, schemas: Schemas) -> Event:
        """Refused as AlreadyExists, DoesNotExist (the order), NotAllowed, SchemaViolated."""
        if item.work_order_id is not None:
            raise AlreadyExists("work item", self.work_item_id)
        if order.require(self.work_order_id) == "COMPLETED":
            raise NotAllowed(f"work order {self.work_order_id} is COMPLETED; open another one")
        schemas.check(self.type, self.content)
        return event_of(WorkItemQueued, self)


class AssignWorkItem(OfItem):
    """Gives an item to an agent; or to nobody, when agent_id is null."""

    agent_id: AgentId | None

    def decide(self, item: WorkItem) -> Event:
        """Refused as DoesNotExist."""
        item.require(self.work_item_id)
        return event_of(WorkItemAssigned, self)


class MoveWorkItem(OfItem):
    """Moves an item to another status, by WORK_ITEM_MOVES."""

    to_status: WorkItemStatus
    reason: str | None = None

    def decide(self, item: WorkItem) -> Event:
        """Refused as DoesNotExist, IllegalMove."""
        return self.moved(item, self.to_status, self.reason)
