"""What happens to work: orders are opened, items queued, attempted, finished and approved.

A work order holds work items, and an item is worked at in attempts. What an agent finds on the way
is evidence, or an error; what a person or a policy decides about an item is an approval.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationInfo, field_validator, model_validator

from eventstore.event import READ_BACK, Event
from eventstore.vocabulary.fields import AgentId, Json, Milliseconds, Name, Word
from eventstore.vocabulary.moves import check_move

__all__ = [
    "WORK_ITEM_MOVES",
    "WORK_ORDER_MOVES",
    "Approval",
    "ApprovalDecided",
    "AttemptEnded",
    "AttemptStarted",
    "AttemptStatus",
    "ErrorReported",
    "EvidenceGiven",
    "Priority",
    "WorkItemAssigned",
    "WorkItemQueued",
    "WorkItemStatus",
    "WorkItemStatusChanged",
    "WorkOrderDetailsChanged",
    "WorkOrderOpened",
    "WorkOrderStatus",
    "WorkOrderStatusChanged",
    "register_work_item_type",
    "work_item_types",
]

WorkOrderStatus = Literal["PENDING", "PROCESSING", "COMPLETED", "FAILED"]
Priority = Literal["LOW", "MEDIUM", "HIGH", "URGENT"]
WorkItemStatus = Literal["QUEUED", "PROCESSING", "COMPLETED", "FAILED"]
AttemptStatus = Literal["STARTED", "COMPLETED", "FAILED", "TIMEOUT"]
Approval = Literal["APPROVED", "REJECTED", "ESCALATED"]

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

_TYPE_FORM: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_types = {"INVOICE", "TICKET", "STATUS_REPORT"}


def register_work_item_type(name: str) -> str:
    """Lets work items of type `name` be queued in this process; returns the name.

    Only who says it has to know a type: what is recorded is read without. Raises ValueError when
    the name is not upper case, digits and underscores.
    """
    if not _TYPE_FORM.fullmatch(name):
        raise ValueError(f"work item type {name!r} is not like STATUS_REPORT, at most 64 long")
    _types.add(name)
    return name


def work_item_types() -> frozenset[str]:
    """The types that may be queued in this process."""
    return frozenset(_types)


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
    type: Annotated[str, StringConstraints(pattern=f"^{_TYPE_FORM.pattern}$")]
    """INVOICE, TICKET, STATUS_REPORT, or one that the deployment registered."""
    content: Json = Field(default_factory=dict)
    assigned_agent: AgentId | None = None
    package_id: UUID | None = None
    """The package that the work is about, if it is about one."""

    @field_validator("type")
    @classmethod
    def _known(cls, value: str, info: ValidationInfo) -> str:
        if info.context is not READ_BACK and value not in _types:
            known = ", ".join(sorted(_types))
            raise ValueError(f"{value} is none of {known}; see register_work_item_type")
        return value


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


class AttemptStarted(Event, event_type="work.attempt_started"):
    """An agent began to work at an item; attempts of an item are numbered in log order."""

    attempt_id: UUID
    work_item_id: UUID
    agent_id: AgentId
    input: Json = Field(default_factory=dict)


class AttemptEnded(Event, event_type="work.attempt_ended"):
    """An attempt came to its end: with a result, with an error, or out of time."""

    attempt_id: UUID
    status: Literal["COMPLETED", "FAILED", "TIMEOUT"]
    output: Json | None = None
    error: str | None = None
    duration_ms: Milliseconds | None = None


class EvidenceGiven(Event, event_type="work.evidence_given", retention="audit"):
    """An agent shows on what grounds it holds that a work item is done, or is not."""

    evidence_id: UUID
    work_item_id: UUID
    attempt_id: UUID | None = None
    kind: Word
    """How it was won, such as verification, marker, test."""
    summary: str
    details: Json = Field(default_factory=dict)


class ErrorReported(Event, event_type="work.error_reported"):
    """Something went wrong with a work item; the attempt may still be under way."""

    work_item_id: UUID
    attempt_id: UUID | None = None
    error: str
    cause: Word | None = None
    """The kind of error, such as exit_nonzero, timeout."""
    details: Json = Field(default_factory=dict)


class ApprovalDecided(Event, event_type="work.approval_decided", retention="audit"):
    """A person or an agent decided, under a policy, about a work item."""

    approval_id: UUID
    work_item_id: UUID
    approver: AgentId
    decision: Approval
    reason: str | None = None
    policy_version: Annotated[str, StringConstraints(min_length=1, max_length=50)]
