"""Every event of workspaces at least once; in the end there is a row in every table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from eventstore import Event
from eventstore.vocabulary import workspaces as said
from eventstore.vocabulary.secrets import Sealed

__all__ = [
    "ARTIFACT",
    "CONNECTION",
    "INTEGRATION",
    "LATER",
    "PHASE",
    "SEALED",
    "SESSION",
    "STORY",
    "SYNC",
    "TOKEN",
    "VERSIONS",
    "WORKFLOW",
    "WORKSPACE",
    "created_artifact",
    "created_workspace",
    "registered",
]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=36_500)
TOKEN, SESSION = UUID(int=0x5001), UUID(int=0x5002)
WORKSPACE, OTHER_WORKSPACE = UUID(int=0x5101), UUID(int=0x5102)
WORKFLOW, PHASE = UUID(int=0x5201), UUID(int=0x5202)
ARTIFACT = UUID(int=0x5301)
VERSIONS = [UUID(int=0x5400 + n) for n in range(4)]
INTEGRATION, CONNECTION, CLOSED_CONNECTION = (UUID(int=0x5500 + n) for n in range(3))
SYNC, FAILED_SYNC, OWN_SYNC = (UUID(int=0x5600 + n) for n in range(3))
SEALED = Sealed(ciphertext="c2VhbGVk", key_id="key-1")


def registered(user_id: str, email: str | None = None) -> said.UserRegistered:
    return said.UserRegistered(
        user_id=user_id,
        azure_id=f"azure-{user_id}",
        email=email or f"{user_id}@example.org",
        display_name=user_id.title(),
    )


def created_workspace(workspace_id: UUID = WORKSPACE, owner: str = "ann") -> said.WorkspaceCreated:
    return said.WorkspaceCreated(
        workspace_id=workspace_id,
        name="Wind",
        owner_id=owner,
        github_repo_url="https://github.example/wind.git",
        sharepoint_config={"site": "wind"},
    )


def created_artifact(artifact_id: UUID = ARTIFACT) -> said.ArtifactCreated:
    return said.ArtifactCreated(
        artifact_id=artifact_id, workspace_id=WORKSPACE, name="Needs", artifact_type="prd"
    )


def version(number: int) -> said.ArtifactVersionAdded:
    return said.ArtifactVersionAdded(
        version_id=VERSIONS[number],
        artifact_id=ARTIFACT,
        content_hash=f"{number:064x}",
        author="writer",
        added_at=NOW + timedelta(days=number),
    )


PEOPLE: list[Event] = [
    registered("ann", "Ann.Müller@Example.org"),
    registered("bob"),
    said.UserDetailsChanged(user_id="bob", email="bob@example.org", display_name="Bob 咖啡"),
    said.UserRoleChanged(user_id="bob", role="approver", reason="asked for"),
    said.UserSignedIn(user_id="bob"),
    said.UserProfileChanged(
        user_id="bob",
        preferences={"theme": "dark"},
        avatar="/avatars/bob.png",
        timezone="America/Argentina/Buenos_Aires",
    ),
    said.AuthTokenIssued(
        token_id=TOKEN, user_id="bob", token_hash="ab" * 32, issued_at=NOW, expires_at=LATER
    ),
    said.AuthTokenRevoked(token_id=TOKEN),
]
SPACES: list[Event] = [
    created_workspace(),
    created_workspace(OTHER_WORKSPACE, "bob"),
    said.WorkspaceDetailsChanged(workspace_id=WORKSPACE, name="Windmills", description="All"),
    said.WorkspaceServicesChanged(
        workspace_id=WORKSPACE,
        github_repo_url="git@github.example:wind/mills.git",
        sharepoint_config={},
        ignis_config={"tenant": "wind"},
    ),
    said.MemberAdded(workspace_id=WORKSPACE, user_id="bob", role="viewer"),
    said.MemberRoleChanged(workspace_id=WORKSPACE, user_id="bob", role="packager"),
    said.WorkspaceOwnerChanged(workspace_id=WORKSPACE, owner_id="bob"),
    said.MemberRemoved(workspace_id=WORKSPACE, user_id="ann"),
    said.WorkspaceConfigChanged(workspace_id=WORKSPACE, config_version=1, config={"a": 1}),
    said.WorkspaceConfigChanged(workspace_id=WORKSPACE, config_version=2, config={"a": 2}),
    said.WorkspaceSettingsChanged(
        workspace_id=WORKSPACE, chat_history_days=30, settings={"language": "de"}
    ),
    said.UserSessionStarted(session_id=SESSION, user_id="bob", expires_at=LATER),
    said.WorkspaceEntered(session_id=SESSION, workspace_id=WORKSPACE),
    said.UserSessionSeen(session_id=SESSION),
    said.UserSessionExtended(session_id=SESSION, expires_at=LATER + timedelta(days=1)),
    said.UserSessionEnded(session_id=SESSION),
    said.WorkspaceDeleted(workspace_id=OTHER_WORKSPACE),
    said.WorkspaceRestored(workspace_id=OTHER_WORKSPACE),
    said.WorkspaceDeleted(workspace_id=OTHER_WORKSPACE),
]
WORK: list[Event] = [
    said.WorkflowCreated(workflow_id=WORKFLOW, workspace_id=WORKSPACE, name="Build"),
    said.WorkflowRenamed(workflow_id=WORKFLOW, name="Build it"),
    said.PhaseAdded(phase_id=PHASE, workflow_id=WORKFLOW, ordinal=1, name="Plan"),
    said.PhaseRenamed(phase_id=PHASE, name="Plan it"),
    said.WorkflowStatusChanged(
        workflow_id=WORKFLOW, from_status="pending", to_status="in_progress"
    ),
    said.PhaseStatusChanged(phase_id=PHASE, from_status="pending", to_status="in_progress"),
    created_artifact(),
    said.ArtifactDetailsChanged(
        artifact_id=ARTIFACT, name="What we need", artifact_type="prd", file_path="docs/prd.md"
    ),
    said.ArtifactStatusChanged(artifact_id=ARTIFACT, from_status="draft", to_status="in_review"),
    *(version(number) for number in range(4)),
    said.ArtifactVersionsCleanedUp(
        artifact_id=ARTIFACT, version_ids=VERSIONS[:2], rule=said.CleanUpRule(keep_newest=2)
    ),
    said.ArtifactDeleted(artifact_id=ARTIFACT),
    said.ArtifactRestored(artifact_id=ARTIFACT),
]
of_sync: dict[str, Any] = {"workspace_id": WORKSPACE, "service_type": "github"}
OUTSIDE: list[Event] = [
    said.IntegrationConfigured(integration_id=INTEGRATION, service_type="github", name="GitHub"),
    said.IntegrationChanged(
        integration_id=INTEGRATION, name="Our GitHub", service_config={"host": "github.example"}
    ),
    said.IntegrationCredentialsChanged(integration_id=INTEGRATION, credentials=SEALED),
    said.IntegrationStatusChanged(integration_id=INTEGRATION, status="error"),
    said.ConnectionOpened(connection_id=CONNECTION, integration_id=INTEGRATION, user_id="bob"),
    said.ConnectionOpened(
        connection_id=CLOSED_CONNECTION, integration_id=INTEGRATION, credentials=SEALED
    ),
    said.ConnectionChanged(connection_id=CONNECTION, service_config={"login": "bob"}),
    said.ConnectionCredentialsChanged(connection_id=CONNECTION, credentials=SEALED),
    said.ConnectionStatusChanged(connection_id=CONNECTION, status="active"),
    said.WorkspaceIntegrationAdded(workspace_id=WORKSPACE, connection_id=CONNECTION),
    said.WorkspaceIntegrationAdded(workspace_id=WORKSPACE, connection_id=CLOSED_CONNECTION),
    said.WorkspaceIntegrationStatusChanged(
        workspace_id=WORKSPACE, connection_id=CLOSED_CONNECTION, status="inactive"
    ),
    said.WorkspaceIntegrationRemoved(workspace_id=WORKSPACE, connection_id=CLOSED_CONNECTION),
    said.ConnectionClosed(connection_id=CLOSED_CONNECTION),
    said.SyncStarted(
        sync_id=SYNC,
        artifact_id=ARTIFACT,
        connection_id=CONNECTION,
        operation="save",
        operation_details={"branch": "main"},
        **of_sync,
    ),
    said.SyncSucceeded(
        sync_id=SYNC,
        artifact_id=ARTIFACT,
        connection_id=CONNECTION,
        version_no=3,
        operation_details={"commit": "abc"},
        sync_metadata={"head": "abc"},
        **of_sync,
    ),
    said.SyncStarted(
        sync_id=FAILED_SYNC,
        workspace_id=WORKSPACE,
        artifact_id=ARTIFACT,
        service_type="sharepoint",
        operation="publish",
    ),
    said.SyncFailed(
        sync_id=FAILED_SYNC,
        workspace_id=WORKSPACE,
        artifact_id=ARTIFACT,
        service_type="sharepoint",
        error_message="403",
    ),
    said.SyncStarted(sync_id=OWN_SYNC, operation="sync_from_git", **of_sync),
]
STORY: list[Event] = [*PEOPLE, *SPACES, *WORK, *OUTSIDE]
