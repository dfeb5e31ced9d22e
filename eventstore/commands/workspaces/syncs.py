"""Synchronisations with services outside; each has a stream of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.commands.workspaces.artifacts import Artifact, artifact
from eventstore.commands.workspaces.services import Connection, connection
from eventstore.commands.workspaces.spaces import Workspace, workspace
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, InvalidCommand, NotAllowed
from eventstore.vocabulary.secrets import OpenJson
from eventstore.vocabulary.workspaces.artifacts import VersionNo
from eventstore.vocabulary.workspaces.services import (
    ServiceType,
    SyncFailed,
    SyncOperation,
    SyncStarted,
    SyncSucceeded,
)

__all__ = ["CompleteSync", "FailSync", "StartSync", "Sync", "sync"]


@dataclass(frozen=True, slots=True)
class Sync:
    """What an operation was started with, and whether it has come to its end."""

    started: SyncStarted | None = None
    ended: bool = False

    def after(self, event: Event) -> Self:
        if isinstance(event, SyncStarted):
            return replace(self, started=event)
        return replace(self, ended=True) if isinstance(event, SyncSucceeded | SyncFailed) else self


def sync(sync_id: UUID) -> dict[str, State]:
    """The stream of an operation."""
    return {f"sync-{sync_id}": Sync()}


class StartSync(Command):
    """Begins to synchronise an artifact, or a whole workspace, with a service."""

    sync_id: UUID
    workspace_id: UUID
    service_type: ServiceType
    operation: SyncOperation
    artifact_id: UUID | None = None
    connection_id: UUID | None = None
    """The account through which it goes; null: through none."""
    operation_details: OpenJson = Field(default_factory=dict)

    def reads(self) -> dict[str, State]:
        what = {} if self.artifact_id is None else artifact(self.artifact_id)
        how = {} if self.connection_id is None else connection(self.connection_id)
        return sync(self.sync_id) | workspace(self.workspace_id) | what | how

    def decide(self, sync: Sync, workspace: Workspace, *rest: Artifact | Connection) -> Event:
        if sync.started is not None:
            raise AlreadyExists("sync", self.sync_id)
        workspace.require(self.workspace_id)
        for each in rest:
            if isinstance(each, Artifact) and self.artifact_id is not None:
                each.require(self.artifact_id, self.workspace_id)
            elif isinstance(each, Connection) and self.connection_id is not None:
                self._require_link(workspace, self.connection_id)
                each.require(self.connection_id)
        return event_of(SyncStarted, self)

    def _require_link(self, workspace: Workspace, connection_id: UUID) -> None:
        status = workspace.integrations.get(connection_id)
        if status is None:
            raise DoesNotExist(f"integration of workspace {self.workspace_id}", connection_id)
        if status == "inactive":
            raise NotAllowed(
                f"workspace {self.workspace_id} does not synchronise through connection "
                f"{connection_id} for now; make that integration active first"
            )


class _OfSync(Command):
    sync_id: UUID
    operation_details: OpenJson = Field(default_factory=dict)
    """What is added to the details of its start."""

    def reads(self) -> dict[str, State]:
        return sync(self.sync_id)

    def start(self, sync: Sync) -> dict[str, Any]:
        """What its end says as its start did; raises DoesNotExist, or NotAllowed after an end."""
        if sync.started is None:
            raise DoesNotExist("sync", self.sync_id)
        if sync.ended:
            raise NotAllowed(f"sync {self.sync_id} has come to its end; start another one")
        return sync.started.model_dump(
            include={"workspace_id", "service_type", "artifact_id", "connection_id"}
        )


class CompleteSync(_OfSync):
    """Records that both sides are the same now; of a workspace that was deleted, too."""

    artifact_id: UUID | None = None
    """The artifact, if its version is stated."""
    version_no: VersionNo | None = None
    """The version of the artifact that both have; null: the newest."""
    sync_metadata: OpenJson | None = None

    def reads(self) -> dict[str, State]:
        what = {} if self.artifact_id is None else artifact(self.artifact_id)
        return super().reads() | what

    def decide(self, sync: Sync, artifact: Artifact | None = None) -> Event:
        start = self.start(sync)
        if self.artifact_id not in (None, start["artifact_id"]):
            raise DoesNotExist(f"artifact in sync {self.sync_id}", self.artifact_id)
        if self.version_no is not None:
            if artifact is None:
                raise InvalidCommand(
                    "say of which artifact", path="version_no", command=type(self).__name__
                )
            if self.version_no > len(artifact.versions):
                raise DoesNotExist(f"version of artifact {self.artifact_id}", self.version_no)
        return event_of(SyncSucceeded, self, **start)


class FailSync(_OfSync):
    """Records that it did not work; of a workspace that was deleted, too."""

    error_message: Annotated[str, StringConstraints(min_length=1)]

    def decide(self, sync: Sync) -> Event:
        return event_of(SyncFailed, self, **self.start(sync))
