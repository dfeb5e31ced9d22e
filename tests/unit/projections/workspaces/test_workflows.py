from __future__ import annotations

from uuid import uuid4

import pytest

from eventstore import Event
from eventstore.vocabulary import workspaces as said
from projections.errors import IllegalTransition, MissingRow, RowExists
from projections.testing import given
from projections.workspaces import Phase, Workflow, Workspaces
from tests.stories.workspaces import PHASE, WORKFLOW, WORKSPACE, created_workspace, registered

PLACE = [registered("ann"), created_workspace()]
CREATED = said.WorkflowCreated(workflow_id=WORKFLOW, workspace_id=WORKSPACE, name="Build")
ADDED = said.PhaseAdded(phase_id=PHASE, workflow_id=WORKFLOW, ordinal=3, name="Plan")
BEGUN = said.WorkflowStatusChanged(
    workflow_id=WORKFLOW, from_status="pending", to_status="in_progress"
)
PHASE_BEGUN = said.PhaseStatusChanged(
    phase_id=PHASE, from_status="pending", to_status="in_progress"
)


def test_a_workflow_and_its_phases() -> None:
    given(Workspaces(), *PLACE, CREATED, ADDED).then(
        Workflow(id=WORKFLOW, workspace_id=WORKSPACE, name="Build", status="pending"),
        Phase(id=PHASE, workflow_id=WORKFLOW, ordinal=3, name="Plan", status="pending"),
    )
    given(
        Workspaces(),
        *PLACE,
        CREATED,
        ADDED,
        said.WorkflowRenamed(workflow_id=WORKFLOW, name="B"),
        said.PhaseRenamed(phase_id=PHASE, name="P"),
        BEGUN,
        PHASE_BEGUN,
    ).then(
        Workflow(id=WORKFLOW, workspace_id=WORKSPACE, name="B", status="in_progress"),
        Phase(id=PHASE, workflow_id=WORKFLOW, ordinal=3, name="P", status="in_progress"),
    )


def test_they_move_only_from_where_they_are() -> None:
    story = given(Workspaces(), *PLACE, CREATED, ADDED, BEGUN, PHASE_BEGUN)
    story.refuses(BEGUN, IllegalTransition)
    story.refuses(PHASE_BEGUN, IllegalTransition)


@pytest.mark.parametrize(
    ("before", "event", "cause"),
    [
        ([], CREATED, MissingRow),
        ([*PLACE, CREATED], CREATED, RowExists),
        (PLACE, ADDED, MissingRow),
        ([*PLACE, CREATED, ADDED], ADDED, RowExists),
        (PLACE, BEGUN, MissingRow),
        (PLACE, PHASE_BEGUN, MissingRow),
        ([*PLACE, said.WorkspaceDeleted(workspace_id=WORKSPACE)], CREATED, IllegalTransition),
        (PLACE, CREATED.model_copy(update={"workspace_id": uuid4()}), MissingRow),
    ],
)
def test_what_can_not_be_is_refused(
    before: list[Event], event: Event, cause: type[Exception]
) -> None:
    given(Workspaces(), *before).refuses(event, cause)
