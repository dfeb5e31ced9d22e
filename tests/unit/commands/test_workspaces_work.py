"""What may be asked of workflows, artifacts, services outside and synchronisations."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from eventstore import Claim, Command, Event
from eventstore.commands.workspaces import (
    AddArtifactVersion,
    AddPhase,
    AddWorkspaceIntegration,
    ChangeArtifactDetails,
    ChangeConnectionStatus,
    ChangeIntegrationStatus,
    ChangeWorkspaceIntegrationStatus,
    CleanUpArtifactVersions,
    CloseConnection,
    CompleteSync,
    ConfigureIntegration,
    CreateArtifact,
    CreateWorkflow,
    DeleteArtifact,
    FailSync,
    MoveArtifact,
    MovePhase,
    MoveWorkflow,
    OpenConnection,
    RemoveWorkspaceIntegration,
    RenamePhase,
    RenameWorkflow,
    RestoreArtifact,
    StartSync,
)
from eventstore.refusals import (
    AlreadyExists,
    DoesNotExist,
    IllegalMove,
    InvalidCommand,
    NotAllowed,
)
from eventstore.testing import given
from eventstore.vocabulary import workspaces as said

PLACE, OTHER, WORKFLOW, PHASE, NEXT_PHASE, ARTIFACT, SERVICE, ACCOUNT, SYNC = (
    UUID(int=n) for n in range(1, 10)
)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLACE_STREAM, ARTIFACT_STREAM = f"workspace-{PLACE}", f"artifact-{ARTIFACT}"
SERVICE_STREAM, ACCOUNT_STREAM = f"integration-{SERVICE}", f"connection-{ACCOUNT}"

created = said.WorkspaceCreated(workspace_id=PLACE, name="n", owner_id="ann")
deleted = said.WorkspaceDeleted(workspace_id=PLACE)
flow: dict[str, Any] = {"workflow_id": WORKFLOW, "workspace_id": PLACE}
begun = said.WorkflowCreated(**flow, name="n")
phased = said.PhaseAdded(workflow_id=WORKFLOW, phase_id=PHASE, ordinal=10, name="n")
made: dict[str, Any] = {"artifact_id": ARTIFACT, "workspace_id": PLACE}
drafted = said.ArtifactCreated(**made, name="n", artifact_type="prd")
thrown_away = said.ArtifactDeleted(artifact_id=ARTIFACT)
configured = said.IntegrationConfigured(integration_id=SERVICE, service_type="github", name="n")
opened = said.ConnectionOpened(connection_id=ACCOUNT, integration_id=SERVICE)
closed = said.ConnectionClosed(connection_id=ACCOUNT)
link: dict[str, Any] = {"workspace_id": PLACE, "connection_id": ACCOUNT}
linked = said.WorkspaceIntegrationAdded(**link)
of_sync: dict[str, Any] = {
    "sync_id": SYNC, "artifact_id": ARTIFACT, "service_type": "github", **link,
}  # fmt: skip
started = said.SyncStarted(**of_sync, operation="save")
here = {PLACE_STREAM: [created]}
gone = {PLACE_STREAM: [created, deleted]}


def version(number: int) -> said.ArtifactVersionAdded:
    return said.ArtifactVersionAdded(
        version_id=UUID(int=100 + number),
        artifact_id=ARTIFACT,
        content_hash="0" * 64,
        author="writer",
        added_at=NOW + timedelta(days=number),
    )


IN_A_WORKSPACE: list[tuple[Command, list[Any]]] = [
    (CreateWorkflow(**flow, name="n"), []),
    (RenameWorkflow(**flow, name="m"), [begun]),
    (MoveWorkflow(**flow, to_status="in_progress"), [begun]),
    (AddPhase(**flow, phase_id=NEXT_PHASE, name="n"), [begun]),
    (RenamePhase(**flow, phase_id=PHASE, name="m"), [begun, phased]),
    (MovePhase(**flow, phase_id=PHASE, to_status="skipped"), [begun, phased]),
    (CreateArtifact(**made, name="n", artifact_type="prd"), []),
    (ChangeArtifactDetails(**made, name="m", artifact_type="prd", file_path=None), [drafted]),
    (MoveArtifact(**made, to_status="in_review"), [drafted]),
    (
        AddArtifactVersion(**made, version_id=SYNC, content_hash="0" * 64, author="a"),
        [drafted],
    ),
    (
        CleanUpArtifactVersions(**made, rule=said.CleanUpRule(keep_newest=1)),
        [drafted, version(1), version(2)],
    ),
    (DeleteArtifact(**made), [drafted]),
    (RestoreArtifact(**made), [drafted, thrown_away]),
]


@pytest.mark.parametrize(
    ("command", "story"), IN_A_WORKSPACE, ids=[type(each).__name__ for each, _ in IN_A_WORKSPACE]
)
def test_nothing_changes_in_a_workspace_that_is_deleted(command: Command, story: list[Any]) -> None:
    assert given(*story, others=gone).when(command).refused(DoesNotExist).deleted
    given(*story).when(command).refused(DoesNotExist)
    decided = given(*story, others=here).when(command)
    with pytest.raises(AssertionError):
        decided.refused(DoesNotExist)
    if story:  # it is found in its own workspace only
        elsewhere = {f"workspace-{OTHER}": [created.model_copy(update={"workspace_id": OTHER})]}
        wrong = command.model_copy(update={"workspace_id": OTHER})
        given(*story, others=elsewhere).when(wrong).refused(DoesNotExist)


def test_what_is_there_is_not_made_again() -> None:
    again = CreateWorkflow(**flow, name="n")
    given(begun, others=here).when(again).refused(AlreadyExists)
    draft = CreateArtifact(**made, name="n", artifact_type="prd")
    given(drafted, others=here).when(draft).refused(AlreadyExists)


def test_phases_have_places_of_their_own() -> None:
    add = AddPhase(**flow, phase_id=NEXT_PHASE, name="n")
    claim = Claim("workspaces.phase.id", str(NEXT_PHASE))
    after = phased.model_copy(update={"phase_id": NEXT_PHASE, "ordinal": 11})
    given(begun, phased, others=here).when(add).then(after, claims=[claim])
    before = add.model_copy(update={"ordinal": 9})
    given(begun, phased, others=here).when(before).then(
        after.model_copy(update={"ordinal": 9}), claims=[claim]
    )
    same = add.model_copy(update={"ordinal": 10})
    assert "place 10" in str(given(begun, phased, others=here).when(same).refused(NotAllowed))
    twice = AddPhase(**flow, phase_id=PHASE, name="n")
    given(begun, phased, others=here).when(twice).refused(AlreadyExists)
    last = phased.model_copy(update={"ordinal": 32_767})
    given(begun, last, others=here).when(add).refused(InvalidCommand)


def test_workflows_and_phases_move_as_their_statuses_allow() -> None:
    moved = said.WorkflowStatusChanged(
        workflow_id=WORKFLOW, from_status="pending", to_status="in_progress"
    )
    given(begun, others=here).when(MoveWorkflow(**flow, to_status="in_progress")).then(moved)
    done = MoveWorkflow(**flow, to_status="completed")
    refusal = given(begun, others=here).when(done).refused(IllegalMove)
    assert (refusal.status, refusal.allowed) == ("pending", ("cancelled", "in_progress"))
    entered = said.PhaseStatusChanged(
        phase_id=PHASE, from_status="pending", to_status="in_progress"
    )
    finish = MovePhase(**flow, phase_id=PHASE, to_status="completed")
    given(begun, phased, others=here).when(finish).refused(IllegalMove)
    given(begun, phased, entered, others=here).when(finish).then(
        said.PhaseStatusChanged(phase_id=PHASE, from_status="in_progress", to_status="completed")
    )
    missing = MovePhase(**flow, phase_id=NEXT_PHASE, to_status="skipped")
    given(begun, phased, others=here).when(missing).refused(DoesNotExist)


def test_artifacts_move_as_their_statuses_allow_while_they_are_in_use() -> None:
    review = MoveArtifact(**made, to_status="in_review")
    given(drafted, others=here).when(review).then(
        said.ArtifactStatusChanged(artifact_id=ARTIFACT, from_status="draft", to_status="in_review")
    )
    publish = MoveArtifact(**made, to_status="published")
    given(drafted, others=here).when(publish).refused(IllegalMove)
    assert given(drafted, thrown_away, others=here).when(review).refused(DoesNotExist).deleted
    given(drafted, others=here).when(RestoreArtifact(**made)).refused(NotAllowed)


def test_a_version_is_the_next_one_and_its_id_is_used_once() -> None:
    first, second = version(1), version(2)
    add = AddArtifactVersion(
        **made,
        version_id=second.version_id,
        content_hash="0" * 64,
        author="writer",
        added_at=second.added_at,
    )
    claim = Claim("workspaces.artifact_version.id", str(second.version_id))
    for number in (None, 2):
        numbered = add.model_copy(update={"version_no": number})
        given(drafted, first, others=here).when(numbered).then(second, claims=[claim])
    stale = add.model_copy(update={"version_no": 1})
    given(drafted, first, others=here).when(stale).refused(NotAllowed)
    given(drafted, second, others=here).when(add).refused(AlreadyExists)
    cleaned = said.ArtifactVersionsCleanedUp(
        artifact_id=ARTIFACT,
        version_ids=[second.version_id],
        rule=said.CleanUpRule(keep_newest=1),
    )
    given(drafted, second, version(3), cleaned, others=here).when(add).refused(AlreadyExists)


def test_a_rule_decides_which_versions_go() -> None:
    versions = [version(number) for number in range(1, 5)]
    rule = said.CleanUpRule(keep_newest=2)
    clean = CleanUpArtifactVersions(**made, rule=rule, at=NOW + timedelta(days=9))
    cleaned = said.ArtifactVersionsCleanedUp(
        artifact_id=ARTIFACT, version_ids=[v.version_id for v in versions[:2]], rule=rule
    )
    given(drafted, *versions, others=here).when(clean).then(cleaned)
    given(drafted, *versions, cleaned, others=here).when(clean).refused(NotAllowed)
    given(drafted, *versions, thrown_away, others=here).when(clean).then(cleaned)


def test_many_versions_go_in_several_events() -> None:
    versions = [version(number) for number in range(2_101)]
    rule = said.CleanUpRule(keep_newest=1)
    clean = CleanUpArtifactVersions(**made, rule=rule)
    given(drafted, *versions, others=here).when(clean).then(
        *(
            said.ArtifactVersionsCleanedUp(
                artifact_id=ARTIFACT,
                version_ids=[v.version_id for v in versions[first : min(first + 1_000, 2_100)]],
                rule=rule,
            )
            for first in (0, 1_000, 2_000)
        )
    )


def test_a_service_is_configured_before_it_is_connected_to() -> None:
    configure = ConfigureIntegration(integration_id=SERVICE, service_type="github", name="n")
    given().when(configure).then(configured)
    given(configured).when(configure).refused(AlreadyExists)
    status = ChangeIntegrationStatus(integration_id=SERVICE, status="inactive")
    given().when(status).refused(DoesNotExist)
    connect = OpenConnection(connection_id=ACCOUNT, integration_id=SERVICE)
    given(others={SERVICE_STREAM: [configured]}).when(connect).then(opened)
    given().when(connect).refused(DoesNotExist)
    given(opened, others={SERVICE_STREAM: [configured]}).when(connect).refused(AlreadyExists)
    off = said.IntegrationStatusChanged(integration_id=SERVICE, status="inactive")
    given(others={SERVICE_STREAM: [configured, off]}).when(connect).refused(NotAllowed)
    theirs = connect.model_copy(update={"user_id": "ann"})
    given(others={SERVICE_STREAM: [configured]}).when(theirs).refused(DoesNotExist)


def test_a_closed_account_is_closed_for_good() -> None:
    given(opened).when(CloseConnection(connection_id=ACCOUNT)).then(closed)
    for command in (
        CloseConnection(connection_id=ACCOUNT),
        ChangeConnectionStatus(connection_id=ACCOUNT, status="active"),
    ):
        given(opened, closed).when(command).refused(NotAllowed)
        given().when(command).refused(DoesNotExist)
    add = AddWorkspaceIntegration(**link)
    given(created, others={ACCOUNT_STREAM: [opened, closed]}).when(add).refused(NotAllowed)


def test_a_workspace_uses_an_account_once() -> None:
    add = AddWorkspaceIntegration(**link)
    account = {ACCOUNT_STREAM: [opened]}
    given(created, others=account).when(add).then(linked)
    given(created, linked, others=account).when(add).refused(AlreadyExists)
    given(created, deleted, others=account).when(add).refused(DoesNotExist)
    given(created).when(add).refused(DoesNotExist)
    removed = said.WorkspaceIntegrationRemoved(**link)
    given(created, linked).when(RemoveWorkspaceIntegration(**link)).then(removed)
    given(created, linked, removed, others=account).when(add).then(linked)
    for command in (
        RemoveWorkspaceIntegration(**link),
        ChangeWorkspaceIntegrationStatus(**link, status="inactive"),
    ):
        given(created, linked, removed).when(command).refused(DoesNotExist)
        assert given(created, linked, deleted).when(command).refused(DoesNotExist).deleted


def test_a_synchronisation_goes_through_what_the_workspace_uses() -> None:
    start = StartSync(**of_sync, operation="save")
    streams: dict[str, list[Event]] = {
        PLACE_STREAM: [created, linked],
        ARTIFACT_STREAM: [drafted],
        ACCOUNT_STREAM: [opened],
    }
    given(others=streams).when(start).then(started)
    given(started, others=streams).when(start).refused(AlreadyExists)
    paused = said.WorkspaceIntegrationStatusChanged(**link, status="inactive")
    given(others=streams | {PLACE_STREAM: [created, linked, paused]}).when(start).refused(
        NotAllowed
    )
    given(others=streams | {PLACE_STREAM: [created]}).when(start).refused(DoesNotExist)
    given(others=streams | {PLACE_STREAM: [created, linked, deleted]}).when(start).refused(
        DoesNotExist
    )
    given(others=streams | {ACCOUNT_STREAM: [opened, closed]}).when(start).refused(NotAllowed)
    given(others=streams | {ARTIFACT_STREAM: []}).when(start).refused(DoesNotExist)
    given(others=streams | {ARTIFACT_STREAM: [drafted, thrown_away]}).when(start).refused(
        DoesNotExist
    )
    whole = StartSync(
        sync_id=SYNC, workspace_id=PLACE, service_type="github", operation="sync_from_git"
    )
    given(others=here).when(whole).then(
        said.SyncStarted(
            sync_id=SYNC, workspace_id=PLACE, service_type="github", operation="sync_from_git"
        )
    )


def test_a_synchronisation_ends_once_and_says_what_its_start_said() -> None:
    fail = FailSync(sync_id=SYNC, error_message="403", operation_details={"code": 403})
    failed = said.SyncFailed(**of_sync, error_message="403", operation_details={"code": 403})
    given(started).when(fail).then(failed)
    given(started, failed).when(fail).refused(NotAllowed)
    given().when(fail).refused(DoesNotExist)
    complete = CompleteSync(sync_id=SYNC, artifact_id=ARTIFACT, version_no=1)
    artifact = {ARTIFACT_STREAM: [drafted, version(1)]}
    given(started, others=artifact).when(complete).then(said.SyncSucceeded(**of_sync, version_no=1))
    given(started, failed, others=artifact).when(complete).refused(NotAllowed)
    given(started, others={ARTIFACT_STREAM: [drafted]}).when(complete).refused(DoesNotExist)
    newest = CompleteSync(sync_id=SYNC)
    given(started).when(newest).then(said.SyncSucceeded(**of_sync))
    nameless = CompleteSync(sync_id=SYNC, version_no=1)
    given(started).when(nameless).refused(InvalidCommand)
    other = CompleteSync(sync_id=SYNC, artifact_id=OTHER)
    given(started).when(other).refused(DoesNotExist)
