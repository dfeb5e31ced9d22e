from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from eventstore import Event
from eventstore.vocabulary import workspaces as said
from projections.errors import Contradiction, IllegalTransition, MissingRow, RowExists
from projections.testing import FIRST_MOMENT, given
from projections.workspaces import Artifact, SyncLog, SyncStatus, WorkspaceIntegration, Workspaces
from tests.stories.workspaces import (
    ARTIFACT,
    CONNECTION,
    INTEGRATION,
    NOW,
    SYNC,
    WORKSPACE,
    created_artifact,
    created_workspace,
    registered,
)


def version() -> said.ArtifactVersionAdded:
    return said.ArtifactVersionAdded(
        version_id=uuid4(),
        artifact_id=ARTIFACT,
        content_hash="0" * 64,
        author="ann",
        added_at=NOW,
    )


PLACE: list[Event] = [
    registered("ann"),
    created_workspace(),
    created_artifact(),
    version(),
    version(),
    said.IntegrationConfigured(integration_id=INTEGRATION, service_type="github", name="G"),
    said.ConnectionOpened(connection_id=CONNECTION, integration_id=INTEGRATION),
    said.WorkspaceIntegrationAdded(workspace_id=WORKSPACE, connection_id=CONNECTION),
]
LINK_GONE = said.WorkspaceIntegrationRemoved(workspace_id=WORKSPACE, connection_id=CONNECTION)
OF_SYNC: dict[str, Any] = {
    "sync_id": SYNC,
    "workspace_id": WORKSPACE,
    "artifact_id": ARTIFACT,
    "connection_id": CONNECTION,
    "service_type": "github",
}
BEGUN = len(PLACE) + 1


def started(**other: Any) -> said.SyncStarted:
    details = {"branch": "main", "files": 1}
    return said.SyncStarted(**OF_SYNC | {"operation": "save", "operation_details": details} | other)


def succeeded(**other: Any) -> said.SyncSucceeded:
    details = {"commit": "abc", "files": 2}
    return said.SyncSucceeded(**OF_SYNC | {"operation_details": details} | other)


def failed(**other: Any) -> said.SyncFailed:
    return said.SyncFailed(**OF_SYNC | {"error_message": "403"} | other)


def moment(position: int) -> Any:
    return FIRST_MOMENT + timedelta(seconds=position)


def test_an_operation_under_way() -> None:
    story = given(Workspaces(), *PLACE, started()).then(
        SyncLog(
            id=SYNC,
            workspace_id=WORKSPACE,
            artifact_id=ARTIFACT,
            connection_id=CONNECTION,
            service_type="github",
            operation="save",
            status="pending",
            operation_details={"branch": "main", "files": 1},
            started_at=moment(BEGUN),
        ),
        SyncStatus(artifact_id=ARTIFACT, service_type="github", state="pending"),
    )
    artifact = story.row(Artifact)
    assert (artifact.github_sync_status, artifact.sharepoint_sync_status) == (
        "pending",
        "not_synced",
    )


def test_an_operation_that_succeeds() -> None:
    story = given(Workspaces(), *PLACE, started(), succeeded(sync_metadata={"head": "abc"})).then(
        SyncLog(
            id=SYNC,
            workspace_id=WORKSPACE,
            artifact_id=ARTIFACT,
            connection_id=CONNECTION,
            service_type="github",
            operation="save",
            status="success",
            operation_details={"branch": "main", "commit": "abc", "files": 2},
            started_at=moment(BEGUN),
            ended_at=moment(BEGUN + 1),
        ),
        SyncStatus(
            artifact_id=ARTIFACT,
            service_type="github",
            state="synced",
            synced_version=2,
            last_sync_at=moment(BEGUN + 1),
        ),
        WorkspaceIntegration(
            workspace_id=WORKSPACE,
            connection_id=CONNECTION,
            last_sync_at=moment(BEGUN + 1),
            sync_metadata={"head": "abc"},
        ),
    )
    assert story.row(Artifact).github_sync_status == "synced"


def test_an_operation_that_fails_and_is_made_good() -> None:
    story = given(Workspaces(), *PLACE, started(), failed()).then(
        SyncStatus(
            artifact_id=ARTIFACT, service_type="github", state="failed", error_message="403"
        ),
        WorkspaceIntegration(
            workspace_id=WORKSPACE, connection_id=CONNECTION, integration_status="error"
        ),
    )
    log = story.row(SyncLog)
    assert (log.status, log.error_message, log.ended_at) == ("failed", "403", moment(BEGUN + 1))
    assert story.row(Artifact).github_sync_status == "failed"
    again = uuid4()
    mended = given(
        Workspaces(), *story.events, started(sync_id=again), succeeded(sync_id=again)
    ).then(
        SyncStatus(
            artifact_id=ARTIFACT,
            service_type="github",
            state="synced",
            synced_version=2,
            last_sync_at=moment(BEGUN + 3),
        )
    )
    assert mended.row(WorkspaceIntegration).integration_status == "active"
    assert [log.status for log in mended.rows(SyncLog)].count("failed") == 1


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([succeeded(version_no=2)], "synced"),
        ([succeeded(version_no=1)], "outdated"),
        ([succeeded(), version()], "outdated"),
        ([version(), succeeded(version_no=2)], "outdated"),
        ([failed(), version()], "failed"),
    ],
)
def test_a_newer_version_makes_a_synchronised_artifact_outdated(
    events: list[Event], state: str
) -> None:
    story = given(Workspaces(), *PLACE, started(), *events)
    assert story.row(Artifact).github_sync_status == state


def test_each_service_has_a_state_of_its_own() -> None:
    published = uuid4()
    other = {"sync_id": published, "service_type": "sharepoint", "connection_id": None}
    third = {"sync_id": uuid4(), "service_type": "wiki", "connection_id": None}
    story = given(
        Workspaces(),
        *PLACE,
        started(),
        succeeded(),
        started(operation="publish", **other),
        failed(**other),
        started(**third),
    )
    assert {row.service_type: row.state for row in story.rows(SyncStatus)} == {
        "github": "synced",
        "sharepoint": "failed",
        "wiki": "pending",
    }
    artifact = story.row(Artifact)
    assert (artifact.github_sync_status, artifact.sharepoint_sync_status) == ("synced", "failed")
    assert story.row(WorkspaceIntegration).integration_status == "active"


def test_an_operation_with_the_workspace_itself() -> None:
    own = {"artifact_id": None}
    story = given(Workspaces(), *PLACE, started(**own), succeeded(**own))
    assert story.rows(SyncStatus) == []
    assert story.row(SyncLog).status == "success"
    assert story.row(WorkspaceIntegration).last_sync_at == moment(BEGUN + 1)


def test_an_integration_may_be_given_up_while_an_operation_is_under_way() -> None:
    story = given(Workspaces(), *PLACE, started(), LINK_GONE, succeeded())
    assert story.row(SyncLog).status == "success"
    assert story.rows(WorkspaceIntegration) == []


OTHER_WORKSPACE = uuid4()


@pytest.mark.parametrize(
    ("before", "event", "cause"),
    [
        ([], succeeded(), MissingRow),
        ([started()], started(), RowExists),
        ([started(), succeeded()], failed(), IllegalTransition),
        ([started(), failed()], succeeded(), IllegalTransition),
        ([started()], succeeded(version_no=3), Contradiction),
        ([started()], succeeded(service_type="sharepoint"), Contradiction),
        ([started()], failed(connection_id=None), Contradiction),
        ([started()], failed(artifact_id=None), Contradiction),
        ([], started(artifact_id=uuid4()), MissingRow),
        ([LINK_GONE], started(), MissingRow),
        ([said.WorkspaceDeleted(workspace_id=WORKSPACE)], started(), IllegalTransition),
        (
            [created_workspace(OTHER_WORKSPACE)],
            started(workspace_id=OTHER_WORKSPACE, connection_id=None),
            Contradiction,
        ),
    ],
)
def test_what_can_not_be_is_refused(
    before: list[Event], event: Event, cause: type[Exception]
) -> None:
    given(Workspaces(), *PLACE, *before).refuses(event, cause)
