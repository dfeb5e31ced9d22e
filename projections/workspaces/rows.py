"""The tables of workspaces. Each class is a table, each field a column."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from eventstore.vocabulary import workspaces as said
from eventstore.vocabulary.workspaces import (
    CHAT_HISTORY_DAYS,
    ArtifactStatus,
    IntegrationStatus,
    PhaseStatus,
    Role,
    SessionEnd,
    SyncOperation,
    WorkflowStatus,
)
from projections.row import Row, table

__all__ = [
    "Artifact",
    "ArtifactVersion",
    "AuthToken",
    "ExternalConnection",
    "IntegrationConfig",
    "Phase",
    "SyncLog",
    "SyncStatus",
    "User",
    "UserProfile",
    "UserSession",
    "Workflow",
    "Workspace",
    "WorkspaceConfig",
    "WorkspaceIntegration",
    "WorkspaceMember",
    "WorkspaceSettings",
]

SyncState = Literal["not_synced", "pending", "synced", "outdated", "failed"]


@table("users", key="id", named_by=("user_id", "owner_id"))
class User(Row):
    """A person."""

    id: str
    azure_id: str
    email: str
    display_name: str
    role: Role
    last_login: datetime | None = None


@table(
    "user_profiles",
    key="user_id",
    named_by=("user_id",),
    named_only_by=(said.UserRegistered, said.UserProfileChanged),
)
class UserProfile(Row):
    """How a person likes it."""

    user_id: str
    preferences: dict[str, Any] = field(default_factory=dict)
    avatar: str | None = None
    timezone: str = "UTC"


@table("auth_tokens", key="id", named_by=("token_id",))
class AuthToken(Row):
    """A token to sign in with, by its hash."""

    id: UUID
    user_id: str
    token_hash: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None


@table("workspaces", key="id", named_by=("workspace_id",))
class Workspace(Row):
    """Where people and agents work together."""

    id: UUID
    name: str
    description: str | None
    owner_id: str
    github_repo_url: str | None
    sharepoint_config: dict[str, Any] = field(default_factory=dict)
    ignis_config: dict[str, Any] = field(default_factory=dict)
    config_version: int = 0
    deleted_at: datetime | None = None


@table("user_sessions", key="session_id", named_by=("session_id",))
class UserSession(Row):
    """A time in which a person is at work."""

    session_id: UUID
    user_id: str
    workspace_id: UUID | None
    started_at: datetime
    expires_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None = None
    end_reason: SessionEnd | None = None


@table(
    "workspace_members",
    key=("workspace_id", "user_id"),
    named_by=(("workspace_id", "user_id"), ("workspace_id", "owner_id")),
    named_only_by=(
        said.WorkspaceCreated,
        said.WorkspaceOwnerChanged,
        said.MemberAdded,
        said.MemberRoleChanged,
        said.MemberRemoved,
    ),
)
class WorkspaceMember(Row):
    """That a person belongs to a workspace."""

    workspace_id: UUID
    user_id: str
    role: Role


@table(
    "workspace_configs",
    key=("workspace_id", "config_version"),
    named_by=(("workspace_id", "config_version"),),
)
class WorkspaceConfig(Row):
    """A version of how a workspace is configured."""

    workspace_id: UUID
    config_version: int
    config: dict[str, Any]
    changed_by: str | None
    reason: str | None


@table(
    "workspace_settings",
    key="workspace_id",
    named_by=("workspace_id",),
    named_only_by=(said.WorkspaceCreated, said.WorkspaceSettingsChanged),
)
class WorkspaceSettings(Row):
    """What a workspace has chosen."""

    workspace_id: UUID
    chat_history_days: int = CHAT_HISTORY_DAYS
    settings: dict[str, Any] = field(default_factory=dict)


@table("workflows", key="id", named_by=("workflow_id",))
class Workflow(Row):
    """What is gone through in a workspace."""

    id: UUID
    workspace_id: UUID
    name: str
    status: WorkflowStatus = "pending"


@table("phases", key="id", named_by=("phase_id",))
class Phase(Row):
    """A part of a workflow."""

    id: UUID
    workflow_id: UUID
    ordinal: int
    name: str
    status: PhaseStatus = "pending"


@table("artifacts", key="id", named_by=("artifact_id",))
class Artifact(Row):
    """What is worked at in a workspace."""

    id: UUID
    workspace_id: UUID
    name: str
    artifact_type: str
    file_path: str | None
    status: ArtifactStatus = "draft"
    github_sync_status: SyncState = "not_synced"
    sharepoint_sync_status: SyncState = "not_synced"
    latest_version: int = 0
    deleted_at: datetime | None = None


@table("artifact_versions", key="id", named_by=("version_id", "version_ids"))
class ArtifactVersion(Row):
    """A version of an artifact, by the hash of its content."""

    id: UUID
    artifact_id: UUID
    version_no: int
    content_hash: str
    author: str
    added_at: datetime


@table("integration_configs", key="id", named_by=("integration_id",))
class IntegrationConfig(Row):
    """A service outside."""

    id: UUID
    service_type: str
    name: str
    service_config: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, str] | None
    status: IntegrationStatus = "active"


@table("external_connections", key="id", named_by=("connection_id",))
class ExternalConnection(Row):
    """An account at a service outside."""

    id: UUID
    integration_id: UUID
    user_id: str | None
    service_type: str
    service_config: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, str] | None
    status: IntegrationStatus = "active"
    closed_at: datetime | None = None


@table(
    "workspace_integrations",
    key=("workspace_id", "connection_id"),
    named_by=(("workspace_id", "connection_id"),),
)
class WorkspaceIntegration(Row):
    """That a workspace uses an account at a service."""

    workspace_id: UUID
    connection_id: UUID
    integration_status: IntegrationStatus = "active"
    last_sync_at: datetime | None = None
    sync_metadata: dict[str, Any] = field(default_factory=dict)


@table(
    "sync_status",
    key=("artifact_id", "service_type"),
    named_by=(("artifact_id", "service_type"),),
)
class SyncStatus(Row):
    """How far an artifact is synchronised with a service."""

    artifact_id: UUID
    service_type: str
    state: Literal["pending", "synced", "failed"] = "pending"
    synced_version: int | None = None
    last_sync_at: datetime | None = None
    error_message: str | None = None


@table("sync_logs", key="id", named_by=("sync_id",))
class SyncLog(Row):
    """An operation between a workspace and a service outside."""

    id: UUID
    workspace_id: UUID
    artifact_id: UUID | None
    connection_id: UUID | None
    service_type: str
    operation: SyncOperation
    status: Literal["pending", "success", "failed"] = "pending"
    operation_details: dict[str, Any] = field(default_factory=dict)
    error_message: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
