"""Artifacts of a workspace in use, version after version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Self
from uuid import UUID

from pydantic import AwareDatetime, Field

from eventstore.command import Command, Decision, State, Timed
from eventstore.commands.event_of import event_of
from eventstore.commands.unique import unique
from eventstore.commands.workspaces.spaces import Workspace, workspace
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, NotAllowed, require_move
from eventstore.vocabulary.fields import Name, Sha256, UserId, Word
from eventstore.vocabulary.workspaces.artifacts import (
    ARTIFACT_MOVES,
    ArtifactCreated,
    ArtifactDeleted,
    ArtifactDetailsChanged,
    ArtifactRestored,
    ArtifactStatus,
    ArtifactStatusChanged,
    ArtifactVersionAdded,
    ArtifactVersionsCleanedUp,
    FilePath,
    VersionNo,
)
from eventstore.vocabulary.workspaces.clean_up import CleanUpRule, removable

__all__ = [
    "AddArtifactVersion",
    "Artifact",
    "ChangeArtifactDetails",
    "CleanUpArtifactVersions",
    "CreateArtifact",
    "DeleteArtifact",
    "MoveArtifact",
    "RestoreArtifact",
    "artifact",
]

_AT_ONCE: Final = 1_000
"""Versions that one ArtifactVersionsCleanedUp names at most."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """Of which workspace it is, its status, and its versions, the oldest first."""

    workspace_id: UUID | None = None
    status: ArtifactStatus = "draft"
    deleted: bool = False
    versions: Mapping[UUID, datetime | None] = field(default_factory=dict)
    """When each was added; None for one that was cleaned up."""

    def after(self, event: Event) -> Self:
        match event:
            case ArtifactCreated(workspace_id=workspace_id):
                return replace(self, workspace_id=workspace_id)
            case ArtifactStatusChanged(to_status=status):
                return replace(self, status=status)
            case ArtifactVersionAdded(version_id=version, added_at=added):
                return replace(self, versions={**self.versions, version: added})
            case ArtifactVersionsCleanedUp(version_ids=gone):
                return replace(self, versions={**self.versions, **dict.fromkeys(gone)})
            case ArtifactDeleted() | ArtifactRestored():
                return replace(self, deleted=isinstance(event, ArtifactDeleted))
            case _:
                return self

    def require(self, artifact_id: UUID, workspace_id: UUID) -> None:
        """Raises DoesNotExist unless it is in use in that workspace."""
        if self.workspace_id != workspace_id:
            raise DoesNotExist(f"artifact of workspace {workspace_id}", artifact_id)
        if self.deleted:
            raise DoesNotExist("artifact", artifact_id, deleted=True)


def artifact(artifact_id: UUID) -> dict[str, State]:
    """The stream of an artifact."""
    return {f"artifact-{artifact_id}": Artifact()}


class _OfArtifact(Command):
    artifact_id: UUID
    workspace_id: UUID

    def reads(self) -> dict[str, State]:
        return artifact(self.artifact_id) | workspace(self.workspace_id)

    def require(self, artifact: Artifact, workspace: Workspace) -> None:
        """Raises DoesNotExist unless both are in use."""
        workspace.require(self.workspace_id)
        artifact.require(self.artifact_id, self.workspace_id)


class CreateArtifact(_OfArtifact):
    """Makes an artifact, a draft without a version yet."""

    name: Name
    artifact_type: Word
    file_path: FilePath | None = None

    def decide(self, artifact: Artifact, workspace: Workspace) -> Event:
        if artifact.workspace_id is not None:
            raise AlreadyExists("artifact", self.artifact_id)
        workspace.require(self.workspace_id)
        return event_of(ArtifactCreated, self)


class ChangeArtifactDetails(_OfArtifact):
    """Says anew an artifact's name, type and file."""

    name: Name
    artifact_type: Word
    file_path: FilePath | None

    def decide(self, artifact: Artifact, workspace: Workspace) -> Event:
        self.require(artifact, workspace)
        return event_of(ArtifactDetailsChanged, self)


class MoveArtifact(_OfArtifact):
    """Moves an artifact on, from whatever status it has."""

    to_status: ArtifactStatus
    reason: str | None = None

    def decide(self, artifact: Artifact, workspace: Workspace) -> Event:
        self.require(artifact, workspace)
        key, status = self.artifact_id, artifact.status
        require_move("artifact", key, ARTIFACT_MOVES, status, self.to_status)
        return event_of(ArtifactStatusChanged, self, from_status=status)


class AddArtifactVersion(_OfArtifact):
    """Adds new content, by its hash, as the next version."""

    version_id: UUID
    content_hash: Sha256
    author: UserId
    added_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    version_no: VersionNo | None = None
    """The number that it is to get, for who changes one that they have read; null: the next."""

    def decide(self, artifact: Artifact, workspace: Workspace) -> Decision:
        self.require(artifact, workspace)
        if self.version_id in artifact.versions:
            raise AlreadyExists("artifact version", self.version_id)
        following = len(artifact.versions) + 1
        if self.version_no not in (None, following):
            raise NotAllowed(
                f"the next version of artifact {self.artifact_id} is {following}, not "
                f"{self.version_no}; read what was added and decide again"
            )
        claim = unique("workspaces.artifact_version.id", self.version_id)
        return Decision([event_of(ArtifactVersionAdded, self)], claims=[claim])


class CleanUpArtifactVersions(_OfArtifact, Timed):
    """Removes the versions that a rule no longer keeps then; of a deleted artifact, too."""

    rule: CleanUpRule

    def decide(self, artifact: Artifact, workspace: Workspace) -> list[Event]:
        workspace.require(self.workspace_id)
        if artifact.workspace_id != self.workspace_id:
            raise DoesNotExist(f"artifact of workspace {self.workspace_id}", self.artifact_id)
        there = [(version, added) for version, added in artifact.versions.items() if added]
        gone = removable(there, self.rule, self.at)
        if not gone:
            raise NotAllowed(f"the rule keeps every version of artifact {self.artifact_id}")
        return [
            event_of(ArtifactVersionsCleanedUp, self, version_ids=gone[first : first + _AT_ONCE])
            for first in range(0, len(gone), _AT_ONCE)
        ]


class DeleteArtifact(_OfArtifact):
    """Takes an artifact out of use; it can be restored."""

    reason: str | None = None

    def decide(self, artifact: Artifact, workspace: Workspace) -> Event:
        self.require(artifact, workspace)
        return event_of(ArtifactDeleted, self)


class RestoreArtifact(_OfArtifact):
    """Takes a deleted artifact into use again."""

    reason: str | None = None

    def decide(self, artifact: Artifact, workspace: Workspace) -> Event:
        workspace.require(self.workspace_id)
        if artifact.workspace_id != self.workspace_id:
            raise DoesNotExist(f"artifact of workspace {self.workspace_id}", self.artifact_id)
        if not artifact.deleted:
            raise NotAllowed(f"artifact {self.artifact_id} is not deleted")
        return event_of(ArtifactRestored, self)
