"""Artifacts of a workspace: documents and code, version after version."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import Field, StringConstraints, ValidationInfo, model_validator

from eventstore.event import Event
from eventstore.vocabulary.fields import Moment, Name, Sha256, UserId, Word
from eventstore.vocabulary.moves import check_move
from eventstore.vocabulary.workspaces.clean_up import CleanUpRule

__all__ = [
    "ARTIFACT_MOVES",
    "ArtifactCreated",
    "ArtifactDeleted",
    "ArtifactDetailsChanged",
    "ArtifactRestored",
    "ArtifactStatus",
    "ArtifactStatusChanged",
    "ArtifactVersionAdded",
    "ArtifactVersionsCleanedUp",
]

ArtifactStatus = Literal["draft", "in_review", "approved", "published", "archived"]

ARTIFACT_MOVES: Final[dict[ArtifactStatus, frozenset[ArtifactStatus]]] = {
    "draft": frozenset({"in_review", "archived"}),
    "in_review": frozenset({"approved", "draft"}),
    "approved": frozenset({"published", "draft"}),
    "published": frozenset({"draft", "archived"}),
    "archived": frozenset({"draft"}),
}
"""Which status may follow which: what is to be changed once more becomes a draft."""

FilePath = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
"""Path of the artifact's file in the workspace's repository."""

VersionNo = Annotated[int, Field(ge=1, le=2**31 - 1)]
"""Number of a version of its artifact: from 1, without gaps, in log order."""


class ArtifactCreated(Event, event_type="workspaces.artifact_created"):
    """A workspace has an artifact; it is a draft without a version yet."""

    artifact_id: UUID
    workspace_id: UUID
    name: Name
    artifact_type: Word
    """Such as prd, architecture, user_story."""
    file_path: FilePath | None = None


class ArtifactDetailsChanged(Event, event_type="workspaces.artifact_details_changed"):
    """These are the artifact's name, type and file now."""

    artifact_id: UUID
    name: Name
    artifact_type: Word
    file_path: FilePath | None


class ArtifactStatusChanged(Event, event_type="workspaces.artifact_status_changed"):
    """An artifact moved from one status to the next; illegal moves can't be said."""

    artifact_id: UUID
    from_status: ArtifactStatus
    to_status: ArtifactStatus
    reason: str | None = None

    @model_validator(mode="after")
    def _legal(self, info: ValidationInfo) -> Self:
        check_move(ARTIFACT_MOVES, self.from_status, self.to_status, info)
        return self


class ArtifactVersionAdded(Event, event_type="workspaces.artifact_version_added"):
    """An artifact has new content, kept elsewhere under its hash; versions count in log order."""

    version_id: UUID
    artifact_id: UUID
    content_hash: Sha256
    author: UserId
    """A person or an agent."""
    added_at: Moment
    """When the content was made, by which it is old enough to be cleaned up."""


class ArtifactVersionsCleanedUp(
    Event, event_type="workspaces.artifact_versions_cleaned_up", retention="audit"
):
    """Old versions of an artifact are gone, by a rule; the newest always stays."""

    artifact_id: UUID
    version_ids: Annotated[list[UUID], Field(min_length=1, max_length=1_000)]
    """The versions that are gone, each once."""
    rule: CleanUpRule

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.version_ids)) < len(self.version_ids):
            raise ValueError("version_ids names a version twice")
        return self


class ArtifactDeleted(Event, event_type="workspaces.artifact_deleted", retention="audit"):
    """An artifact is out of use; it can be restored."""

    artifact_id: UUID
    reason: str | None = None


class ArtifactRestored(Event, event_type="workspaces.artifact_restored", retention="audit"):
    """A deleted artifact is in use again."""

    artifact_id: UUID
    reason: str | None = None
