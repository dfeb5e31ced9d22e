"""The workspaces context: people, workspaces, what is worked at there, and services outside."""

from projections.workspaces.projection import Workspaces
from projections.workspaces.rows import (
    Artifact,
    ArtifactVersion,
    AuthToken,
    ExternalConnection,
    IntegrationConfig,
    Phase,
    SyncLog,
    SyncStatus,
    User,
    UserProfile,
    UserSession,
    Workflow,
    Workspace,
    WorkspaceConfig,
    WorkspaceIntegration,
    WorkspaceMember,
    WorkspaceSettings,
)

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
    "Workspaces",
]
