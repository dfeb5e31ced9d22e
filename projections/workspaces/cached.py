"""The questions about workspaces that are asked all the time, answered by the cache where it can.

What an entry is made of, and so which rows end it, stands in `DEPENDENTS`.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from eventstore import EventStore
from projections.cache.invalidation import Dependents
from projections.cache.read_through import Cache, Kind
from projections.workspaces.answers import (
    ArtifactWithParts,
    Configuration,
    Profile,
    Service,
    Session,
)
from projections.workspaces.queries import WorkspaceQueries
from projections.workspaces.rows import (
    Artifact,
    ArtifactVersion,
    IntegrationConfig,
    SyncStatus,
    User,
    UserProfile,
    UserSession,
    Workspace,
    WorkspaceConfig,
    WorkspaceSettings,
)

__all__ = ["DEPENDENTS", "CachedWorkspaceQueries"]

_SESSION: Final = Kind("session", Session)
_CONFIGURATION: Final = Kind("configuration", Configuration)
_PROFILE: Final = Kind("profile", Profile)
_SERVICE: Final = Kind("service", Service)
_ARTIFACT: Final = Kind("artifact", ArtifactWithParts)


def _own_id(row: Any) -> object:
    return row.id


def _of_workspace(row: Any) -> object:
    return row.workspace_id


def _of_artifact(row: Any) -> object:
    return row.artifact_id


DEPENDENTS: Final[Dependents] = {
    UserSession: ((_SESSION.name, lambda row: row.session_id),),
    User: ((_PROFILE.name, _own_id),),
    UserProfile: ((_PROFILE.name, lambda row: row.user_id),),
    Workspace: ((_CONFIGURATION.name, _own_id),),
    WorkspaceConfig: ((_CONFIGURATION.name, _of_workspace),),
    WorkspaceSettings: ((_CONFIGURATION.name, _of_workspace),),
    IntegrationConfig: ((_SERVICE.name, _own_id),),
    Artifact: ((_ARTIFACT.name, _own_id),),
    ArtifactVersion: ((_ARTIFACT.name, _of_artifact),),
    SyncStatus: ((_ARTIFACT.name, _of_artifact),),
}


class CachedWorkspaceQueries(WorkspaceQueries):
    """As WorkspaceQueries; sessions, configurations, profiles, services and artifacts are kept."""

    def __init__(self, store: EventStore, cache: Cache) -> None:
        super().__init__(store)
        self.cache = cache

    def session(self, session_id: UUID) -> Session | None:
        """As WorkspaceQueries.session."""
        ask = super().session
        return self.cache.read(_SESSION, str(session_id), lambda: ask(session_id))

    def configuration(self, workspace_id: UUID) -> Configuration | None:
        """As WorkspaceQueries.configuration."""
        ask = super().configuration
        return self.cache.read(_CONFIGURATION, str(workspace_id), lambda: ask(workspace_id))

    def profile(self, user_id: str) -> Profile | None:
        """As WorkspaceQueries.profile."""
        ask = super().profile
        return self.cache.read(_PROFILE, user_id, lambda: ask(user_id))

    def service(self, integration_id: UUID) -> Service | None:
        """As WorkspaceQueries.service."""
        ask = super().service
        return self.cache.read(_SERVICE, str(integration_id), lambda: ask(integration_id))

    def artifact(self, artifact_id: UUID) -> ArtifactWithParts | None:
        """As WorkspaceQueries.artifact."""
        ask = super().artifact
        return self.cache.read(_ARTIFACT, str(artifact_id), lambda: ask(artifact_id))
