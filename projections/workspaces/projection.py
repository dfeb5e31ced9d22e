"""How the tables of workspaces follow from their events."""

from __future__ import annotations

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
from projections.workspaces.rules.artifacts import Artifacts
from projections.workspaces.rules.people import People
from projections.workspaces.rules.services import Services
from projections.workspaces.rules.spaces import Spaces
from projections.workspaces.rules.syncs import Syncs
from projections.workspaces.rules.workflows import Workflows

__all__ = ["Workspaces"]


class Workspaces(
    People,
    Spaces,
    Workflows,
    Artifacts,
    Services,
    Syncs,
    name="workspaces",
    tables=(
        User,
        UserProfile,
        AuthToken,
        Workspace,
        UserSession,
        WorkspaceMember,
        WorkspaceConfig,
        WorkspaceSettings,
        Workflow,
        Phase,
        Artifact,
        ArtifactVersion,
        IntegrationConfig,
        ExternalConnection,
        WorkspaceIntegration,
        SyncStatus,
        SyncLog,
    ),
):
    """People, workspaces, workflows, artifacts, and what is synchronised with services outside."""
