"""Artifacts of a workspace: versions, reviews, and what is kept in step with services."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from eventstore.event import Event
from eventstore.seed import words
from eventstore.seed.story import Story
from eventstore.vocabulary.workspaces import (
    ArtifactCreated,
    ArtifactDeleted,
    ArtifactDetailsChanged,
    ArtifactRestored,
    ArtifactStatus,
    ArtifactStatusChanged,
    ArtifactVersionAdded,
    ArtifactVersionsCleanedUp,
    CleanUpRule,
    SyncFailed,
    SyncOperation,
    SyncStarted,
    SyncSucceeded,
    removable,
)

__all__ = ["artifact"]

_TYPES: Final = ("prd", "architecture", "user_story", "test_plan")
_WAY: Final[tuple[ArtifactStatus, ...]] = ("in_review", "approved", "published", "archived")


def artifact(
    story: Story, workspace: UUID, author: str, which: int, connections: Mapping[str, UUID]
) -> None:
    """One artifact, written and rewritten; `connections` are the workspace's accounts."""
    _Artifact(story, workspace, author, which).told(connections)


class _Artifact:
    """An artifact, while its story is told."""

    def __init__(self, story: Story, workspace: UUID, author: str, which: int) -> None:
        self.story, self.workspace, self.author, self.which = story, workspace, author, which
        self.id = story.id(f"artifact {which}")
        self.about: dict[str, Any] = {"artifact_id": self.id}
        self.versions: list[tuple[UUID, datetime]] = []
        self.status: ArtifactStatus = "draft"
        self.syncs = 0

    def told(self, connections: Mapping[str, UUID]) -> None:
        story = self.story
        kind = story.one_of(_TYPES)
        described: dict[str, Any] = self.about | {"artifact_type": kind}
        self.say(
            ArtifactCreated(
                **described,
                workspace_id=self.workspace,
                name=words.sentence(story, "team"),
                file_path=f"docs/{kind}-{self.which}.md" if story.chance(0.7) else None,
            )
        )
        for _ in range(story.number_in(1, 6)):
            self.version()
            if connections and story.chance(0.4):
                self.synced(*story.one_of(list(connections.items())))
        if story.chance(0.1):
            path = f"docs/moved-{self.which}.md"
            name = words.sentence(story, "team")
            self.say(ArtifactDetailsChanged(**described, name=name, file_path=path))
        for status in _WAY[: story.number_in(0, len(_WAY))]:
            moved = ArtifactStatusChanged(**self.about, from_status=self.status, to_status=status)
            self.status = status
            self.say(moved, after=3_000)
        self.cleaned_up()
        if story.chance(0.05):
            self.say(ArtifactDeleted(**self.about, reason="It was a try."))
            if story.chance(0.5):
                self.say(ArtifactRestored(**self.about))

    def version(self) -> None:
        story, number = self.story, len(self.versions) + 1
        version = story.id(f"artifact {self.which} version {number}")
        added = ArtifactVersionAdded(
            **self.about,
            version_id=version,
            content_hash=story.digest(f"artifact {self.which} {number}"),
            author=self.author,
            added_at=story.now,
        )
        self.versions.append((version, story.now))
        self.say(added, after=4_000)

    def cleaned_up(self) -> None:
        rule = CleanUpRule(keep_newest=4)
        gone = removable(self.versions, rule, self.story.now)
        if gone:
            self.say(ArtifactVersionsCleanedUp(**self.about, version_ids=gone, rule=rule))

    def synced(self, service: str, connection: UUID) -> None:
        story = self.story
        self.syncs += 1
        sync = story.id(f"sync {self.which} {self.syncs}")
        about: dict[str, Any] = self.about | {
            "sync_id": sync,
            "workspace_id": self.workspace,
            "service_type": service,
            "connection_id": connection,
        }
        operation: SyncOperation = story.one_of(("save", "publish", "sync_from_git"))
        started = SyncStarted(**about, operation=operation, operation_details={"files": 1})
        self.say(started, stream=f"sync-{sync}")
        ended: SyncSucceeded | SyncFailed
        if story.chance(0.9):
            commit = story.digest(f"commit {self.syncs}")[:40]
            ended = SyncSucceeded(**about, sync_metadata={"commit": commit})
        else:
            ended = SyncFailed(**about, error_message="The service did not answer in time.")
        self.say(ended, stream=f"sync-{sync}", after=20)

    def say(self, event: Event, *, stream: str | None = None, after: float = 200) -> None:
        self.story.say(stream or f"artifact-{self.id}", event, agent=self.author, after=after)
