"""What the rules of several subjects refuse."""

from __future__ import annotations

from eventstore.vocabulary.workspaces import (
    ArtifactStatusChanged,
    PhaseStatusChanged,
    WorkflowStatusChanged,
)
from projections.errors import IllegalTransition
from projections.projection import Rows
from projections.workspaces.rows import Artifact, Phase, Workflow, Workspace

__all__ = ["check_move_from", "workspace_in_use"]


def workspace_in_use(rows: Rows) -> Workspace:
    """The workspace that the event names, to look at; raises IllegalTransition if it is deleted."""
    workspace = rows.see(Workspace)
    if workspace.deleted_at is not None:
        raise IllegalTransition("workspaces", workspace.id, "deleted", "changed")
    return workspace


def check_move_from(
    row: Workflow | Phase | Artifact,
    event: WorkflowStatusChanged | PhaseStatusChanged | ArtifactStatusChanged,
) -> None:
    """Raises IllegalTransition unless the row has the status that the event says it had."""
    if row.status != event.from_status:
        raise IllegalTransition(row.TABLE, row.id, row.status, event.to_status, event.from_status)
