"""Workflows of a workspace in use, and their phases, which live in the workflow's stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field

from eventstore.command import Command, Decision, State
from eventstore.commands.event_of import event_of
from eventstore.commands.unique import unique
from eventstore.commands.workspaces.spaces import Workspace, workspace
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, NotAllowed, require_move
from eventstore.vocabulary.fields import Name
from eventstore.vocabulary.workspaces.workflows import (
    PHASE_MOVES,
    WORKFLOW_MOVES,
    PhaseAdded,
    PhaseRenamed,
    PhaseStatus,
    PhaseStatusChanged,
    WorkflowCreated,
    WorkflowRenamed,
    WorkflowStatus,
    WorkflowStatusChanged,
)

__all__ = [
    "AddPhase",
    "CreateWorkflow",
    "MovePhase",
    "MoveWorkflow",
    "Phase",
    "RenamePhase",
    "RenameWorkflow",
    "Workflow",
    "workflow",
]


@dataclass(frozen=True, slots=True)
class Phase:
    """The place and the status of a phase."""

    ordinal: int
    status: PhaseStatus = "pending"


@dataclass(frozen=True, slots=True)
class Workflow:
    """Of which workspace it is, how far it came, and its phases by id."""

    workspace_id: UUID | None = None
    status: WorkflowStatus = "pending"
    phases: Mapping[UUID, Phase] = field(default_factory=dict)

    def after(self, event: Event) -> Self:
        match event:
            case WorkflowCreated(workspace_id=workspace_id):
                return replace(self, workspace_id=workspace_id)
            case WorkflowStatusChanged(to_status=status):
                return replace(self, status=status)
            case PhaseAdded(phase_id=phase_id, ordinal=ordinal):
                return replace(self, phases={**self.phases, phase_id: Phase(ordinal)})
            case PhaseStatusChanged(phase_id=phase_id, to_status=moved) if phase_id in self.phases:
                phase = replace(self.phases[phase_id], status=moved)
                return replace(self, phases={**self.phases, phase_id: phase})
            case _:
                return self


def workflow(workflow_id: UUID) -> dict[str, State]:
    """The stream of a workflow."""
    return {f"workflow-{workflow_id}": Workflow()}


class _OfWorkflow(Command):
    workflow_id: UUID
    workspace_id: UUID

    def reads(self) -> dict[str, State]:
        return workflow(self.workflow_id) | workspace(self.workspace_id)

    def require(self, workflow: Workflow, workspace: Workspace) -> None:
        """Raises DoesNotExist unless it is a workflow of a workspace in use."""
        workspace.require(self.workspace_id)
        if workflow.workspace_id != self.workspace_id:
            raise DoesNotExist(f"workflow of workspace {self.workspace_id}", self.workflow_id)


class CreateWorkflow(_OfWorkflow):
    """Makes a workflow, without a phase yet."""

    name: Name

    def decide(self, workflow: Workflow, workspace: Workspace) -> Event:
        if workflow.workspace_id is not None:
            raise AlreadyExists("workflow", self.workflow_id)
        workspace.require(self.workspace_id)
        return event_of(WorkflowCreated, self)


class RenameWorkflow(_OfWorkflow):
    """Gives a workflow another name."""

    name: Name

    def decide(self, workflow: Workflow, workspace: Workspace) -> Event:
        self.require(workflow, workspace)
        return event_of(WorkflowRenamed, self)


class MoveWorkflow(_OfWorkflow):
    """Moves a workflow on, from whatever status it has."""

    to_status: WorkflowStatus
    reason: str | None = None

    def decide(self, workflow: Workflow, workspace: Workspace) -> Event:
        self.require(workflow, workspace)
        key, status = self.workflow_id, workflow.status
        require_move("workflow", key, WORKFLOW_MOVES, status, self.to_status)
        return event_of(WorkflowStatusChanged, self, from_status=status)


class AddPhase(_OfWorkflow):
    """Gives a workflow one more phase, at a place of its own."""

    phase_id: UUID
    name: Name
    ordinal: Annotated[int, Field(ge=1, le=32_767)] | None = None
    """Its place among the phases; null: after the last."""

    def decide(self, workflow: Workflow, workspace: Workspace) -> Decision:
        self.require(workflow, workspace)
        if self.phase_id in workflow.phases:
            raise AlreadyExists("phase", self.phase_id)
        places = {phase.ordinal for phase in workflow.phases.values()}
        if self.ordinal in places:
            raise NotAllowed(
                f"workflow {self.workflow_id} has a phase at place {self.ordinal} already; give "
                "another place, or none to come last"
            )
        ordinal = self.ordinal or max(places, default=0) + 1
        event = event_of(PhaseAdded, self, ordinal=ordinal)
        return Decision([event], claims=[unique("workspaces.phase.id", self.phase_id)])


class _OfPhase(_OfWorkflow):
    phase_id: UUID

    def phase(self, workflow: Workflow, workspace: Workspace) -> Phase:
        """The phase; raises DoesNotExist unless the workflow has it."""
        self.require(workflow, workspace)
        if self.phase_id not in workflow.phases:
            raise DoesNotExist(f"phase of workflow {self.workflow_id}", self.phase_id)
        return workflow.phases[self.phase_id]


class RenamePhase(_OfPhase):
    """Gives a phase another name."""

    name: Name

    def decide(self, workflow: Workflow, workspace: Workspace) -> Event:
        self.phase(workflow, workspace)
        return event_of(PhaseRenamed, self)


class MovePhase(_OfPhase):
    """Moves a phase on, from whatever status it has."""

    to_status: PhaseStatus
    reason: str | None = None

    def decide(self, workflow: Workflow, workspace: Workspace) -> Event:
        status = self.phase(workflow, workspace).status
        require_move("phase", self.phase_id, PHASE_MOVES, status, self.to_status)
        return event_of(PhaseStatusChanged, self, from_status=status)
