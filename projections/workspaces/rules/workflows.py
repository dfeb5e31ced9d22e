"""How workflows and their phases follow from events."""

from __future__ import annotations

from eventstore import RecordedEvent
from eventstore.vocabulary.workspaces import (
    PhaseAdded,
    PhaseRenamed,
    PhaseStatusChanged,
    WorkflowCreated,
    WorkflowRenamed,
    WorkflowStatusChanged,
)
from projections.projection import Projection, Rows, on
from projections.workspaces.rows import Phase, Workflow, Workspace
from projections.workspaces.rules.checks import check_move_from, workspace_in_use

__all__ = ["Workflows"]


class Workflows(Projection, name="workspaces", tables=(Workspace, Workflow, Phase)):
    """What is gone through in workspaces, phase by phase."""

    @on(WorkflowCreated)
    def workflow_created(self, event: WorkflowCreated, recorded: RecordedEvent, rows: Rows) -> None:
        workspace_in_use(rows)
        rows.add(Workflow(id=event.workflow_id, workspace_id=event.workspace_id, name=event.name))

    @on(WorkflowRenamed)
    def workflow_renamed(self, event: WorkflowRenamed, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Workflow).name = event.name

    @on(WorkflowStatusChanged)
    def workflow_status_changed(
        self, event: WorkflowStatusChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        workflow = rows.get(Workflow)
        check_move_from(workflow, event)
        workflow.status = event.to_status

    @on(PhaseAdded)
    def phase_added(self, event: PhaseAdded, recorded: RecordedEvent, rows: Rows) -> None:
        rows.see(Workflow)  # its parent
        rows.add(
            Phase(
                id=event.phase_id,
                workflow_id=event.workflow_id,
                ordinal=event.ordinal,
                name=event.name,
            )
        )

    @on(PhaseRenamed)
    def phase_renamed(self, event: PhaseRenamed, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Phase).name = event.name

    @on(PhaseStatusChanged)
    def phase_status_changed(
        self, event: PhaseStatusChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        phase = rows.get(Phase)
        check_move_from(phase, event)
        phase.status = event.to_status
