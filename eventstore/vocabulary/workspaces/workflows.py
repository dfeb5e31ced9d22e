"""Workflows of a workspace, and the phases that each goes through."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import Field, ValidationInfo, model_validator

from eventstore.event import Event
from eventstore.vocabulary.fields import Name
from eventstore.vocabulary.moves import check_move

__all__ = [
    "PHASE_MOVES",
    "WORKFLOW_MOVES",
    "PhaseAdded",
    "PhaseRenamed",
    "PhaseStatus",
    "PhaseStatusChanged",
    "WorkflowCreated",
    "WorkflowRenamed",
    "WorkflowStatus",
    "WorkflowStatusChanged",
]

WorkflowStatus = Literal["pending", "in_progress", "completed", "failed", "cancelled"]
PhaseStatus = Literal["pending", "in_progress", "completed", "failed", "skipped"]

WORKFLOW_MOVES: Final[dict[WorkflowStatus, frozenset[WorkflowStatus]]] = {
    "pending": frozenset({"in_progress", "cancelled"}),
    "in_progress": frozenset({"completed", "failed", "cancelled"}),
    "completed": frozenset(),
    "failed": frozenset({"in_progress", "cancelled"}),
    "cancelled": frozenset(),
}
"""Which status may follow which: what failed may be taken up again, or given up."""

PHASE_MOVES: Final[dict[PhaseStatus, frozenset[PhaseStatus]]] = {
    "pending": frozenset({"in_progress", "skipped"}),
    "in_progress": frozenset({"completed", "failed"}),
    "completed": frozenset({"in_progress"}),
    "failed": frozenset({"in_progress", "skipped"}),
    "skipped": frozenset({"in_progress"}),
}
"""Which status may follow which: any phase may be gone through again."""


class WorkflowCreated(Event, event_type="workspaces.workflow_created"):
    """A workspace has a workflow; it is pending."""

    workflow_id: UUID
    workspace_id: UUID
    name: Name


class WorkflowRenamed(Event, event_type="workspaces.workflow_renamed"):
    """This is what the workflow is called now."""

    workflow_id: UUID
    name: Name


class WorkflowStatusChanged(Event, event_type="workspaces.workflow_status_changed"):
    """A workflow moved from one status to the next; illegal moves can't be said."""

    workflow_id: UUID
    from_status: WorkflowStatus
    to_status: WorkflowStatus
    reason: str | None = None

    @model_validator(mode="after")
    def _legal(self, info: ValidationInfo) -> Self:
        check_move(WORKFLOW_MOVES, self.from_status, self.to_status, info)
        return self


class PhaseAdded(Event, event_type="workspaces.phase_added"):
    """A workflow has one more phase; it is pending."""

    phase_id: UUID
    workflow_id: UUID
    ordinal: Annotated[int, Field(ge=1, le=32_767)]
    """Its place among the phases of its workflow; no two have the same, and there may be gaps."""
    name: Name


class PhaseRenamed(Event, event_type="workspaces.phase_renamed"):
    """This is what the phase is called now."""

    phase_id: UUID
    name: Name


class PhaseStatusChanged(Event, event_type="workspaces.phase_status_changed"):
    """A phase moved from one status to the next; illegal moves can't be said."""

    phase_id: UUID
    from_status: PhaseStatus
    to_status: PhaseStatus
    reason: str | None = None

    @model_validator(mode="after")
    def _legal(self, info: ValidationInfo) -> Self:
        check_move(PHASE_MOVES, self.from_status, self.to_status, info)
        return self
