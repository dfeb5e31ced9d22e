"""Commands of workspaces, in an order in which each is granted; they lead to every event."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from eventstore import Command
from eventstore.commands import workspaces as asked
from eventstore.vocabulary import workspaces as said
from eventstore.vocabulary.secrets import Sealed

__all__ = ["MORE", "STORY"]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SOON, LATER = NOW + timedelta(minutes=1), NOW + timedelta(days=36_500)
SEALED = Sealed(ciphertext="AAAA", key_id="k")
PLACE, OTHER_PLACE = UUID(int=0x8001), UUID(int=0x8002)
TOKEN, SESSION, OTHER_SESSION = (UUID(int=0x8100 + n) for n in range(3))
WORKFLOW, OTHER_WORKFLOW = UUID(int=0x8201), UUID(int=0x8202)
PHASE, OTHER_PHASE = UUID(int=0x8301), UUID(int=0x8302)
ARTIFACT, OTHER_ARTIFACT = UUID(int=0x8401), UUID(int=0x8402)
VERSIONS = [UUID(int=0x8500 + n) for n in range(4)]
SERVICE, ACCOUNT, OTHER_ACCOUNT = (UUID(int=0x8600 + n) for n in range(3))
SYNC, FAILED_SYNC, OWN_SYNC = (UUID(int=0x8700 + n) for n in range(3))


def registered(user_id: str, email: str | None = None) -> Command:
    return asked.RegisterUser(
        user_id=user_id, azure_id=f"a-{user_id}", email=email or f"{user_id}@x", display_name="n"
    )


def created(workspace_id: UUID, owner: str) -> Command:
    return asked.CreateWorkspace(workspace_id=workspace_id, name="n", owner_id=owner)


def workflow(workflow_id: UUID, workspace_id: UUID = PLACE) -> dict[str, Any]:
    return {"workflow_id": workflow_id, "workspace_id": workspace_id}


def artifact(artifact_id: UUID, workspace_id: UUID = PLACE) -> dict[str, Any]:
    return {"artifact_id": artifact_id, "workspace_id": workspace_id}


def version(number: int, artifact_id: UUID = ARTIFACT) -> Command:
    return asked.AddArtifactVersion(
        **artifact(artifact_id),
        version_id=VERSIONS[number],
        content_hash="0" * 64,
        author="writer",
        added_at=NOW,
    )


def started(sync_id: UUID, **more: Any) -> Command:
    return asked.StartSync(
        sync_id=sync_id, workspace_id=PLACE, service_type="github", operation="save", **more
    )


PEOPLE: list[Command] = [
    registered("ann"),
    registered("bob"),
    asked.ChangeUserDetails(user_id="bob", email="Bob@x", display_name="Bob"),
    asked.ChangeUserRole(user_id="bob", role="approver"),
    asked.RecordSignIn(user_id="bob"),
    asked.ChangeUserProfile(user_id="bob", preferences={}, avatar=None, timezone="UTC"),
    asked.IssueAuthToken(
        token_id=TOKEN, user_id="bob", token_hash="ab" * 32, issued_at=NOW, expires_at=LATER
    ),
    asked.RevokeAuthToken(token_id=TOKEN),
]
SPACES: list[Command] = [
    created(PLACE, "ann"),
    created(OTHER_PLACE, "bob"),
    asked.ChangeWorkspaceDetails(workspace_id=PLACE, name="m", description=None),
    asked.ChangeWorkspaceServices(
        workspace_id=PLACE, github_repo_url=None, sharepoint_config={}, ignis_config={}
    ),
    asked.AddMember(workspace_id=PLACE, user_id="bob", role="viewer"),
    asked.ChangeMemberRole(workspace_id=PLACE, user_id="bob", role="packager"),
    asked.ChangeWorkspaceOwner(workspace_id=PLACE, owner_id="bob"),
    asked.RemoveMember(workspace_id=PLACE, user_id="ann"),
    asked.ChangeWorkspaceConfig(workspace_id=PLACE, config={"a": 1}),
    asked.ChangeWorkspaceConfig(workspace_id=PLACE, config={"a": 2}, config_version=2),
    asked.ChangeWorkspaceSettings(workspace_id=PLACE, chat_history_days=30, settings={}),
    asked.StartUserSession(session_id=SESSION, user_id="bob", expires_at=LATER),
    asked.EnterWorkspace(session_id=SESSION, workspace_id=PLACE),
    asked.RecordPresence(session_id=SESSION),
    asked.ExtendUserSession(session_id=SESSION, expires_at=LATER + timedelta(days=1)),
    asked.EndUserSession(session_id=SESSION),
    asked.DeleteWorkspace(workspace_id=OTHER_PLACE),
    asked.RestoreWorkspace(workspace_id=OTHER_PLACE),
]
WORK: list[Command] = [
    asked.CreateWorkflow(**workflow(WORKFLOW), name="n"),
    asked.RenameWorkflow(**workflow(WORKFLOW), name="m"),
    asked.AddPhase(**workflow(WORKFLOW), phase_id=PHASE, name="n"),
    asked.RenamePhase(**workflow(WORKFLOW), phase_id=PHASE, name="m"),
    asked.MoveWorkflow(**workflow(WORKFLOW), to_status="in_progress"),
    asked.MovePhase(**workflow(WORKFLOW), phase_id=PHASE, to_status="in_progress"),
    asked.CreateArtifact(**artifact(ARTIFACT), name="n", artifact_type="prd"),
    asked.ChangeArtifactDetails(**artifact(ARTIFACT), name="m", artifact_type="prd", file_path="p"),
    asked.MoveArtifact(**artifact(ARTIFACT), to_status="in_review"),
    *(version(number) for number in range(3)),
    asked.CleanUpArtifactVersions(**artifact(ARTIFACT), rule=said.CleanUpRule(keep_newest=2)),
    asked.DeleteArtifact(**artifact(ARTIFACT)),
    asked.RestoreArtifact(**artifact(ARTIFACT)),
]
OUTSIDE: list[Command] = [
    asked.ConfigureIntegration(integration_id=SERVICE, service_type="github", name="n"),
    asked.ChangeIntegration(integration_id=SERVICE, name="m", service_config={}),
    asked.ChangeIntegrationCredentials(integration_id=SERVICE, credentials=SEALED),
    asked.ChangeIntegrationStatus(integration_id=SERVICE, status="error"),
    asked.OpenConnection(connection_id=ACCOUNT, integration_id=SERVICE, user_id="bob"),
    asked.OpenConnection(connection_id=OTHER_ACCOUNT, integration_id=SERVICE),
    asked.ChangeConnection(connection_id=ACCOUNT, service_config={}),
    asked.ChangeConnectionCredentials(connection_id=ACCOUNT, credentials=SEALED),
    asked.ChangeConnectionStatus(connection_id=ACCOUNT, status="active"),
    asked.AddWorkspaceIntegration(workspace_id=PLACE, connection_id=ACCOUNT),
    asked.AddWorkspaceIntegration(workspace_id=PLACE, connection_id=OTHER_ACCOUNT),
    asked.ChangeWorkspaceIntegrationStatus(
        workspace_id=PLACE, connection_id=OTHER_ACCOUNT, status="inactive"
    ),
    asked.RemoveWorkspaceIntegration(workspace_id=PLACE, connection_id=OTHER_ACCOUNT),
    asked.CloseConnection(connection_id=OTHER_ACCOUNT),
    started(SYNC, artifact_id=ARTIFACT, connection_id=ACCOUNT),
    asked.CompleteSync(sync_id=SYNC, artifact_id=ARTIFACT, version_no=3),
    started(FAILED_SYNC, artifact_id=ARTIFACT),
    asked.FailSync(sync_id=FAILED_SYNC, error_message="403"),
    started(OWN_SYNC),
]
STORY: list[Command] = [*PEOPLE, *SPACES, *WORK, *OUTSIDE]

MORE: list[Command] = [
    registered("eve", "ANN@x"),
    asked.ChangeUserDetails(user_id="ann", email="bob@x", display_name="Ann"),
    asked.ChangeUserDetails(user_id="bob", email="new@x", display_name="Bob"),
    asked.IssueAuthToken(
        token_id=SESSION, user_id="ann", token_hash="ab" * 32, issued_at=NOW, expires_at=LATER
    ),
    asked.AddMember(workspace_id=PLACE, user_id="ann", role="viewer"),
    asked.RemoveMember(workspace_id=PLACE, user_id="bob"),
    asked.ChangeMemberRole(workspace_id=PLACE, user_id="bob", role="viewer"),
    asked.ChangeWorkspaceOwner(workspace_id=PLACE, owner_id="ann"),
    asked.DeleteWorkspace(workspace_id=PLACE),
    asked.RestoreWorkspace(workspace_id=PLACE),
    asked.DeleteWorkspace(workspace_id=OTHER_PLACE),
    asked.StartUserSession(
        session_id=OTHER_SESSION, user_id="ann", workspace_id=PLACE, expires_at=SOON
    ),
    *(
        asked.StartUserSession(
            session_id=OTHER_SESSION, user_id="ann", expires_at=NOW + timedelta(seconds=seconds)
        )
        for seconds in (20, 40, 60, 80)
    ),
    asked.RecordPresence(session_id=OTHER_SESSION),
    asked.ExtendUserSession(session_id=OTHER_SESSION, expires_at=SOON + timedelta(seconds=20)),
    asked.EnterWorkspace(session_id=OTHER_SESSION, workspace_id=None),
    asked.EndUserSession(session_id=OTHER_SESSION, reason="expired"),
    asked.CreateWorkflow(**workflow(OTHER_WORKFLOW), name="n"),
    asked.CreateWorkflow(**workflow(OTHER_WORKFLOW, OTHER_PLACE), name="n"),
    asked.AddPhase(**workflow(WORKFLOW), phase_id=OTHER_PHASE, name="n", ordinal=1),
    asked.AddPhase(**workflow(OTHER_WORKFLOW), phase_id=PHASE, name="n"),
    asked.AddPhase(**workflow(OTHER_WORKFLOW), phase_id=OTHER_PHASE, name="n"),
    asked.RenamePhase(**workflow(OTHER_WORKFLOW), phase_id=PHASE, name="n"),
    *(asked.MoveWorkflow(**workflow(WORKFLOW), to_status=status) for status in said.WORKFLOW_MOVES),
    *(
        asked.MovePhase(**workflow(WORKFLOW), phase_id=PHASE, to_status=status)
        for status in said.PHASE_MOVES
    ),
    *(asked.MoveArtifact(**artifact(ARTIFACT), to_status=status) for status in said.ARTIFACT_MOVES),
    asked.CreateArtifact(**artifact(OTHER_ARTIFACT), name="n", artifact_type="prd"),
    asked.DeleteArtifact(**artifact(ARTIFACT, OTHER_PLACE)),
    version(0, OTHER_ARTIFACT),
    version(3, OTHER_ARTIFACT),
    version(3),
    asked.CleanUpArtifactVersions(**artifact(ARTIFACT), rule=said.CleanUpRule(keep_newest=1)),
    asked.ChangeIntegrationStatus(integration_id=SERVICE, status="inactive"),
    asked.ChangeWorkspaceIntegrationStatus(
        workspace_id=PLACE, connection_id=ACCOUNT, status="inactive"
    ),
    asked.RemoveWorkspaceIntegration(workspace_id=PLACE, connection_id=ACCOUNT),
    asked.CloseConnection(connection_id=ACCOUNT),
    asked.CompleteSync(sync_id=FAILED_SYNC),
    asked.CompleteSync(sync_id=OWN_SYNC),
    asked.CompleteSync(sync_id=SYNC, artifact_id=ARTIFACT, version_no=4),
    asked.FailSync(sync_id=SYNC, error_message="e"),
]
"""Others about the same things, which are granted or not, as it comes."""
