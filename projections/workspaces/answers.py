"""What is answered about people, workspaces, artifacts and services outside."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from eventstore.vocabulary.workspaces import (
    ArtifactStatus,
    IntegrationStatus,
    PhaseStatus,
    Role,
    SessionEnd,
    SyncOperation,
    WorkflowStatus,
)
from projections.questions import Answer

__all__ = [
    "ArtifactFound",
    "ArtifactWithParts",
    "Configuration",
    "ConfigurationVersion",
    "MemberShown",
    "NotSynced",
    "Overview",
    "Profile",
    "Service",
    "Session",
    "SignIn",
    "SyncLogged",
    "Token",
    "WorkspaceFound",
]


class WorkspaceShown(Answer):
    """A workspace itself."""

    id: UUID
    name: str
    description: str | None
    owner_id: str
    github_repo_url: str | None
    config_version: int
    deleted_at: datetime | None
    updated_at: datetime


class MemberShown(Answer):
    """Somebody who belongs to a workspace."""

    user_id: str
    display_name: str
    role: Role


class PhaseShown(Answer):
    """A part of a workflow."""

    id: UUID
    ordinal: int
    name: str
    status: PhaseStatus


class WorkflowShown(Answer):
    """A workflow with its phases in order."""

    id: UUID
    name: str
    status: WorkflowStatus
    phases: list[PhaseShown]


class IntegrationShown(Answer):
    """An account at a service outside that a workspace uses."""

    connection_id: UUID
    service_type: str
    integration_status: IntegrationStatus
    last_sync_at: datetime | None


class SyncLogged(Answer):
    """An operation between a workspace and a service outside."""

    id: UUID
    artifact_id: UUID | None
    connection_id: UUID | None
    service_type: str
    operation: SyncOperation
    status: str
    error_message: str | None
    started_at: datetime
    ended_at: datetime | None


class Overview(Answer):
    """A workspace with what people want to see of it first; of each kind of parts up to fifty."""

    workspace: WorkspaceShown
    owner: str
    configuration: dict[str, Any]
    settings: dict[str, Any]
    chat_history_days: int | None
    members: list[MemberShown]
    artifacts: dict[ArtifactStatus, int]
    """How many are in use, by status."""
    workflows: list[WorkflowShown]
    integrations: list[IntegrationShown]
    last_syncs: list[SyncLogged]
    """The last ten operations, the newest first."""


class Configuration(Answer):
    """What is in force in a workspace."""

    workspace_id: UUID
    config_version: int
    config: dict[str, Any]
    settings: dict[str, Any]
    chat_history_days: int | None
    sharepoint_config: dict[str, Any]
    ignis_config: dict[str, Any]


class ConfigurationVersion(Answer):
    """How a workspace was configured from then on, by whom, and why."""

    config_version: int
    config: dict[str, Any]
    changed_by: str | None
    reason: str | None
    created_at: datetime


class WorkspaceFound(Answer):
    """A workspace that a person belongs to, and as what."""

    id: UUID
    name: str
    description: str | None
    role: Role
    owner_id: str
    updated_at: datetime


class UserShown(Answer):
    """A person."""

    id: str
    azure_id: str
    email: str
    display_name: str
    role: Role
    last_login: datetime | None


class OpenSession(Answer):
    """A session that goes on."""

    session_id: UUID
    workspace_id: UUID | None
    started_at: datetime
    expires_at: datetime
    last_seen_at: datetime


class SignIn(Answer):
    """What has to be known when a person comes."""

    user: UserShown
    preferences: dict[str, Any]
    avatar: str | None
    timezone: str
    sessions: list[OpenSession]
    """Those that are open, the newest first, up to fifty."""


class Token(Answer):
    """A valid token, by its hash."""

    id: UUID
    user_id: str
    role: Role
    issued_at: datetime
    expires_at: datetime


class Session(Answer):
    """A session of a person; it is over when it has an end, or its time is."""

    session_id: UUID
    user_id: str
    workspace_id: UUID | None
    started_at: datetime
    expires_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None
    end_reason: SessionEnd | None


class Profile(Answer):
    """A person, and how the person likes it."""

    user_id: str
    email: str
    display_name: str
    role: Role
    preferences: dict[str, Any]
    avatar: str | None
    timezone: str


class Service(Answer):
    """How a service outside is configured."""

    id: UUID
    service_type: str
    name: str
    service_config: dict[str, Any]
    credentials: dict[str, str] | None
    """An envelope that only its key opens."""
    status: IntegrationStatus


class VersionShown(Answer):
    """A version of an artifact."""

    id: UUID
    version_no: int
    content_hash: str
    author: str
    added_at: datetime


class SyncShown(Answer):
    """How far a service has an artifact."""

    service_type: str
    state: str
    synced_version: int | None
    last_sync_at: datetime | None
    error_message: str | None


class ArtifactWithParts(Answer):
    """An artifact, its newest fifty versions, and how far services have it."""

    id: UUID
    workspace_id: UUID
    name: str
    artifact_type: str
    file_path: str | None
    status: ArtifactStatus
    github_sync_status: str
    sharepoint_sync_status: str
    latest_version: int
    deleted_at: datetime | None
    versions: list[VersionShown]
    syncs: list[SyncShown]


class ArtifactFound(Answer):
    """An artifact in a list."""

    id: UUID
    name: str
    artifact_type: str
    status: ArtifactStatus
    latest_version: int
    github_sync_status: str
    sharepoint_sync_status: str


class NotSynced(Answer):
    """An artifact that a service does not have as it is."""

    artifact_id: UUID
    artifact: str
    workspace_id: UUID
    service_type: str
    state: str
    error_message: str | None
    since: datetime
