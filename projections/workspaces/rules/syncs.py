"""How sync_logs and sync_status, and what artifacts say of them, follow from events."""

from __future__ import annotations

from eventstore import RecordedEvent
from eventstore.vocabulary.workspaces import SyncFailed, SyncStarted, SyncSucceeded
from projections.errors import Contradiction, IllegalTransition
from projections.projection import Projection, Rows, on
from projections.workspaces.rows import (
    Artifact,
    ExternalConnection,
    SyncLog,
    SyncState,
    SyncStatus,
    Workspace,
    WorkspaceIntegration,
)
from projections.workspaces.rules.checks import workspace_in_use

__all__ = ["Syncs"]

_SAME = ("workspace_id", "artifact_id", "connection_id", "service_type")
"""What the end of an operation says as its start did."""


class Syncs(
    Projection,
    name="workspaces",
    tables=(Workspace, Artifact, ExternalConnection, WorkspaceIntegration, SyncStatus, SyncLog),
):
    """What was synchronised with services outside, and how far it came."""

    @on(SyncStarted)
    def sync_started(self, event: SyncStarted, recorded: RecordedEvent, rows: Rows) -> None:
        workspace_in_use(rows)
        if event.connection_id is not None:
            rows.see(WorkspaceIntegration)
        if event.artifact_id is not None:
            artifact = rows.get(Artifact)
            if artifact.workspace_id != event.workspace_id:
                raise Contradiction(
                    "artifacts",
                    artifact.id,
                    "workspace_id",
                    artifact.workspace_id,
                    event.workspace_id,
                )
            _show(artifact, event.service_type, "pending")
            status = rows.find(SyncStatus)
            if status is None:
                rows.add(SyncStatus(artifact_id=artifact.id, service_type=event.service_type))
            else:
                status.state, status.error_message = "pending", None
        rows.add(
            SyncLog(
                id=event.sync_id,
                workspace_id=event.workspace_id,
                artifact_id=event.artifact_id,
                connection_id=event.connection_id,
                service_type=event.service_type,
                operation=event.operation,
                operation_details=event.operation_details,
                started_at=recorded.occurred_at,
            )
        )

    @on(SyncSucceeded)
    def sync_succeeded(self, event: SyncSucceeded, recorded: RecordedEvent, rows: Rows) -> None:
        _ended(event, recorded, rows).status = "success"
        if event.artifact_id is not None:
            artifact, status = rows.get(Artifact), rows.get(SyncStatus)
            synced = event.version_no or artifact.latest_version
            if synced > artifact.latest_version:
                raise Contradiction(
                    "artifacts", artifact.id, "latest_version", artifact.latest_version, synced
                )
            current = synced == artifact.latest_version
            _show(artifact, event.service_type, "synced" if current else "outdated")
            status.state, status.error_message = "synced", None
            status.synced_version = synced or None
            status.last_sync_at = recorded.occurred_at
        link = _link(event, rows)
        if link is not None:
            link.last_sync_at = recorded.occurred_at
            if event.sync_metadata is not None:
                link.sync_metadata = event.sync_metadata
            if link.integration_status == "error":
                link.integration_status = "active"

    @on(SyncFailed)
    def sync_failed(self, event: SyncFailed, recorded: RecordedEvent, rows: Rows) -> None:
        log = _ended(event, recorded, rows)
        log.status, log.error_message = "failed", event.error_message
        if event.artifact_id is not None:
            _show(rows.get(Artifact), event.service_type, "failed")
            status = rows.get(SyncStatus)
            status.state, status.error_message = "failed", event.error_message
        link = _link(event, rows)
        if link is not None and link.integration_status == "active":
            link.integration_status = "error"


def _ended(event: SyncSucceeded | SyncFailed, recorded: RecordedEvent, rows: Rows) -> SyncLog:
    """The operation that has come to its end, with what was said of it at both."""
    log = rows.get(SyncLog)
    if log.status != "pending":
        raise IllegalTransition("sync_logs", log.id, log.status, "ended")
    for name in _SAME:
        if getattr(log, name) != getattr(event, name):
            raise Contradiction("sync_logs", log.id, name, getattr(log, name), getattr(event, name))
    log.operation_details = {**log.operation_details, **event.operation_details}
    log.ended_at = recorded.occurred_at
    return log


def _link(event: SyncSucceeded | SyncFailed, rows: Rows) -> WorkspaceIntegration | None:
    """The integration that was used, unless the workspace has given it up meanwhile."""
    return None if event.connection_id is None else rows.find(WorkspaceIntegration)


def _show(artifact: Artifact, service_type: str, state: SyncState) -> None:
    """Shows the state in the artifact itself, for the two services that it has columns for."""
    if service_type == "github":
        artifact.github_sync_status = state
    elif service_type == "sharepoint":
        artifact.sharepoint_sync_status = state
