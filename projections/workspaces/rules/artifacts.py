"""How artifacts and their versions follow from events."""

from __future__ import annotations

from eventstore import RecordedEvent
from eventstore.vocabulary.workspaces import (
    ArtifactCreated,
    ArtifactDeleted,
    ArtifactDetailsChanged,
    ArtifactRestored,
    ArtifactStatusChanged,
    ArtifactVersionAdded,
    ArtifactVersionsCleanedUp,
)
from projections.errors import Contradiction, IllegalTransition
from projections.projection import Projection, Rows, on
from projections.workspaces.rows import Artifact, ArtifactVersion, Workspace
from projections.workspaces.rules.checks import check_move_from, workspace_in_use

__all__ = ["Artifacts"]


class Artifacts(Projection, name="workspaces", tables=(Workspace, Artifact, ArtifactVersion)):
    """What is worked at in workspaces, version after version."""

    @on(ArtifactCreated)
    def artifact_created(self, event: ArtifactCreated, recorded: RecordedEvent, rows: Rows) -> None:
        workspace_in_use(rows)
        rows.add(
            Artifact(
                id=event.artifact_id,
                workspace_id=event.workspace_id,
                name=event.name,
                artifact_type=event.artifact_type,
                file_path=event.file_path,
            )
        )

    @on(ArtifactDetailsChanged)
    def artifact_details_changed(
        self, event: ArtifactDetailsChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        artifact = _in_use(rows)
        artifact.name, artifact.artifact_type = event.name, event.artifact_type
        artifact.file_path = event.file_path

    @on(ArtifactStatusChanged)
    def artifact_status_changed(
        self, event: ArtifactStatusChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        artifact = _in_use(rows)
        check_move_from(artifact, event)
        artifact.status = event.to_status

    @on(ArtifactVersionAdded)
    def version_added(
        self, event: ArtifactVersionAdded, recorded: RecordedEvent, rows: Rows
    ) -> None:
        artifact = _in_use(rows)
        artifact.latest_version += 1
        if artifact.github_sync_status == "synced":
            artifact.github_sync_status = "outdated"
        if artifact.sharepoint_sync_status == "synced":
            artifact.sharepoint_sync_status = "outdated"
        rows.add(
            ArtifactVersion(
                id=event.version_id,
                artifact_id=event.artifact_id,
                version_no=artifact.latest_version,
                content_hash=event.content_hash,
                author=event.author,
                added_at=event.added_at,
            )
        )

    @on(ArtifactVersionsCleanedUp)
    def versions_cleaned_up(
        self, event: ArtifactVersionsCleanedUp, recorded: RecordedEvent, rows: Rows
    ) -> None:
        newest = rows.see(Artifact).latest_version
        for version_id in event.version_ids:
            version = rows.see(ArtifactVersion, version_id)
            if version.artifact_id != event.artifact_id:
                raise Contradiction(
                    "artifact_versions",
                    version_id,
                    "artifact_id",
                    version.artifact_id,
                    event.artifact_id,
                )
            if version.version_no == newest:
                raise IllegalTransition("artifact_versions", version_id, "the newest", "cleaned up")
            rows.remove(ArtifactVersion, version_id)

    @on(ArtifactDeleted)
    def artifact_deleted(self, event: ArtifactDeleted, recorded: RecordedEvent, rows: Rows) -> None:
        artifact = rows.get(Artifact)
        if artifact.deleted_at is None:  # said twice, it is deleted since the first time
            artifact.deleted_at = recorded.occurred_at

    @on(ArtifactRestored)
    def artifact_restored(
        self, event: ArtifactRestored, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.get(Artifact).deleted_at = None


def _in_use(rows: Rows) -> Artifact:
    """The artifact, to be changed; raises IllegalTransition if it is deleted."""
    artifact = rows.get(Artifact)
    if artifact.deleted_at is not None:
        raise IllegalTransition("artifacts", artifact.id, "deleted", "changed")
    return artifact
