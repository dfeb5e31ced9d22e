"""The first rules of work: work_orders, work_items, attempts and approval_events."""

from __future__ import annotations

from typing import Final

from eventstore import RecordedEvent
from eventstore.vocabulary.work import (
    ApprovalDecided,
    AttemptEnded,
    AttemptStarted,
    ErrorReported,
    WorkItemAssigned,
    WorkItemQueued,
    WorkItemStatusChanged,
    WorkOrderDetailsChanged,
    WorkOrderOpened,
    WorkOrderStatusChanged,
)
from projections.errors import Contradiction, IllegalTransition
from projections.projection import Projection, Rows, on
from projections.work.rows import ApprovalEvent, Attempt, WorkItem, WorkOrder

__all__ = ["WorkV1"]

FINISHED: Final = frozenset({"COMPLETED", "FAILED"})
"""The statuses of an item that its order counts as finished."""


class WorkV1(Projection, name="work", tables=(WorkOrder, WorkItem, Attempt, ApprovalEvent)):
    """Orders with their counts, items, numbered attempts, approvals."""

    @on(WorkOrderOpened)
    def opened(self, event: WorkOrderOpened, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(
            WorkOrder(
                id=event.work_order_id,
                title=event.title,
                priority=event.priority,
                metadata=event.metadata,
            )
        )

    @on(WorkOrderDetailsChanged)
    def order_details_changed(
        self, event: WorkOrderDetailsChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        order = rows.get(WorkOrder)
        order.title = event.title
        order.priority = event.priority
        order.metadata = event.metadata

    @on(WorkOrderStatusChanged)
    def order_status_changed(
        self, event: WorkOrderStatusChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        order = rows.get(WorkOrder)
        if order.status != event.from_status:
            raise IllegalTransition(
                "work_orders", order.id, order.status, event.to_status, event.from_status
            )
        order.status = event.to_status

    @on(WorkItemQueued)
    def queued(self, event: WorkItemQueued, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(WorkOrder).item_count += 1
        rows.add(
            WorkItem(
                id=event.work_item_id,
                work_order_id=event.work_order_id,
                type=event.type,
                content=event.content,
                assigned_agent=event.assigned_agent,
                package_id=event.package_id,
            )
        )

    @on(WorkItemAssigned)
    def assigned(self, event: WorkItemAssigned, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(WorkItem).assigned_agent = event.agent_id

    @on(WorkItemStatusChanged)
    def item_status_changed(
        self, event: WorkItemStatusChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        item = rows.get(WorkItem)
        if item.work_order_id != event.work_order_id:
            raise Contradiction(
                "work_items", item.id, "work_order_id", item.work_order_id, event.work_order_id
            )
        if item.status != event.from_status:
            raise IllegalTransition(
                "work_items", item.id, item.status, event.to_status, event.from_status
            )
        item.status = event.to_status
        more = (event.to_status in FINISHED) - (event.from_status in FINISHED)
        if more:
            rows.get(WorkOrder).finished_count += more

    @on(AttemptStarted)
    def attempt_started(self, event: AttemptStarted, recorded: RecordedEvent, rows: Rows) -> None:
        item = rows.get(WorkItem)
        item.attempts += 1
        rows.add(
            Attempt(
                id=event.attempt_id,
                work_item_id=event.work_item_id,
                attempt_no=item.attempts,
                agent_id=event.agent_id,
                input=event.input,
                started_at=recorded.occurred_at,
            )
        )

    @on(AttemptEnded)
    def attempt_ended(self, event: AttemptEnded, recorded: RecordedEvent, rows: Rows) -> None:
        attempt = rows.get(Attempt)
        if attempt.status != "STARTED":
            raise IllegalTransition("attempts", attempt.id, attempt.status, event.status)
        attempt.status = event.status
        attempt.output = event.output
        if event.error is not None:  # else what was reported on the way stays
            attempt.error = event.error
        attempt.ended_at = recorded.occurred_at
        attempt.duration_ms = event.duration_ms

    @on(ErrorReported)
    def error_reported(self, event: ErrorReported, recorded: RecordedEvent, rows: Rows) -> None:
        if event.attempt_id is not None:
            rows.get(Attempt).error = event.error

    @on(ApprovalDecided)
    def approval_decided(self, event: ApprovalDecided, recorded: RecordedEvent, rows: Rows) -> None:
        rows.see(WorkItem)  # its parent
        rows.add(
            ApprovalEvent(
                id=event.approval_id,
                work_item_id=event.work_item_id,
                approver=event.approver,
                decision=event.decision,
                reason=event.reason,
                policy_version=event.policy_version,
                decided_at=recorded.occurred_at,
            )
        )
