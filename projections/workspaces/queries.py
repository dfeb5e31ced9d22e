"""What people ask about people, workspaces, artifacts and services outside."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from eventstore.connection.queries import load
from eventstore.vocabulary.workspaces import IntegrationStatus
from projections.questions import Questions
from projections.workspaces.answers import (
    ArtifactFound,
    ArtifactWithParts,
    Configuration,
    ConfigurationVersion,
    MemberShown,
    NotSynced,
    Overview,
    Profile,
    Service,
    Session,
    SignIn,
    SyncLogged,
    Token,
    WorkspaceFound,
)

__all__ = ["WorkspaceQueries"]

PARTS: Final = 50
"""Of each kind of parts that come with a thing, that many at most."""


class WorkspaceQueries(Questions, sql=load("projections.workspaces", "queries.sql")):
    """What people ask. A time that matters is given: no answer hangs on a clock."""

    def overview(self, workspace_id: UUID) -> Overview | None:
        """A workspace with what people want to see of it first."""
        return self._one(Overview, "overview", workspace_id=workspace_id, parts=PARTS)

    def configuration(self, workspace_id: UUID) -> Configuration | None:
        """What is in force in a workspace; None when it was deleted."""
        return self._one(Configuration, "configuration", workspace_id=workspace_id)

    def workspaces_of(
        self, user_id: str, *, after: UUID | None = None, limit: int = 50
    ) -> list[WorkspaceFound]:
        """The workspaces that a person belongs to, by id, from `after` on."""
        return self._many(
            WorkspaceFound, "workspaces_of", user_id=user_id, after=after, limit=limit
        )

    def sign_in(
        self, *, email: str | None = None, azure_id: str | None = None, at: datetime
    ) -> SignIn | None:
        """A person by e-mail address, in any case, or by the directory's id."""
        return self._one(SignIn, "sign_in", email=email, azure_id=azure_id, at=at, parts=PARTS)

    def token(self, token_hash: str, *, at: datetime) -> Token | None:
        """Whose token has this SHA-256, if it is valid at that time."""
        return self._one(Token, "token", token_hash=token_hash, at=at)

    def session(self, session_id: UUID) -> Session | None:
        """A person's session, over or not."""
        return self._one(Session, "user_session", session_id=session_id)

    def profile(self, user_id: str) -> Profile | None:
        """A person, and how the person likes it."""
        return self._one(Profile, "profile", user_id=user_id)

    def service(self, integration_id: UUID) -> Service | None:
        """How a service outside is configured."""
        return self._one(Service, "service", integration_id=integration_id)

    def services(
        self,
        service_type: str,
        status: IntegrationStatus = "active",
        *,
        after: UUID | None = None,
        limit: int = 50,
    ) -> list[Service]:
        """The services outside of a type that are configured and in a status, by id."""
        return self._many(
            Service, "services", service_type=service_type, status=status, after=after, limit=limit
        )

    def members(
        self, workspace_id: UUID, *, after: str | None = None, limit: int = 50
    ) -> list[MemberShown]:
        """Who belongs to a workspace, by user_id."""
        return self._many(
            MemberShown, "members", workspace_id=workspace_id, after=after, limit=limit
        )

    def configurations(
        self, workspace_id: UUID, *, before: int | None = None, limit: int = 50
    ) -> list[ConfigurationVersion]:
        """How a workspace was configured, the newest version first, those before a number."""
        return self._many(
            ConfigurationVersion,
            "configurations",
            workspace_id=workspace_id,
            before=before,
            limit=limit,
        )

    def artifact(self, artifact_id: UUID) -> ArtifactWithParts | None:
        """An artifact, its newest versions, and how far services have it."""
        return self._one(ArtifactWithParts, "artifact", artifact_id=artifact_id, parts=PARTS)

    def artifacts(
        self, workspace_id: UUID, *, after: ArtifactFound | None = None, limit: int = 50
    ) -> list[ArtifactFound]:
        """The artifacts of a workspace that are in use, by type, status and id, from `after` on."""
        return self._many(
            ArtifactFound,
            "artifacts",
            workspace_id=workspace_id,
            after_type=after and after.artifact_type,
            after_status=after and after.status,
            after_id=after and after.id,
            limit=limit,
        )

    def sync_log(
        self, workspace_id: UUID, *, before: SyncLogged | None = None, limit: int = 50
    ) -> list[SyncLogged]:
        """The operations of a workspace with services outside, the newest first."""
        return self._many(
            SyncLogged,
            "sync_log",
            workspace_id=workspace_id,
            before_started=before and before.started_at,
            before_id=before and before.id,
            limit=limit,
        )

    def not_synced(
        self,
        state: Literal["pending", "failed"],
        *,
        after: NotSynced | None = None,
        limit: int = 50,
    ) -> list[NotSynced]:
        """What failed to synchronise, or hangs, the longest first."""
        return self._many(
            NotSynced,
            "not_synced",
            state=state,
            after_since=after and after.since,
            after_artifact=after and after.artifact_id,
            after_service=after and after.service_type,
            limit=limit,
        )
