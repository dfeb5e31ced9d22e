"""Services outside: how they are set up, our accounts there, and what is synchronised with them."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from eventstore.event import Event
from eventstore.vocabulary.fields import Name, UserId, Word
from eventstore.vocabulary.secrets import OpenJson, Sealed
from eventstore.vocabulary.workspaces.artifacts import VersionNo

__all__ = [
    "ConnectionChanged",
    "ConnectionClosed",
    "ConnectionCredentialsChanged",
    "ConnectionOpened",
    "ConnectionStatusChanged",
    "IntegrationChanged",
    "IntegrationConfigured",
    "IntegrationCredentialsChanged",
    "IntegrationStatus",
    "IntegrationStatusChanged",
    "SyncFailed",
    "SyncOperation",
    "SyncStarted",
    "SyncSucceeded",
    "WorkspaceIntegrationAdded",
    "WorkspaceIntegrationRemoved",
    "WorkspaceIntegrationStatusChanged",
]

IntegrationStatus = Literal["active", "inactive", "error"]
SyncOperation = Literal["save", "publish", "sync_from_git"]

ServiceType = Word
"""github, sharepoint, ignis_platform, or a further one that a deployment has."""


class IntegrationConfigured(
    Event, event_type="workspaces.integration_configured", retention="audit"
):
    """A kind of service can be connected to; it is active."""

    integration_id: UUID
    service_type: ServiceType
    name: Name
    service_config: OpenJson = Field(default_factory=dict)
    credentials: Sealed | None = None


class IntegrationChanged(Event, event_type="workspaces.integration_changed", retention="audit"):
    """This is how the service is set up now; its credentials stay as they are."""

    integration_id: UUID
    name: Name
    service_config: OpenJson


class IntegrationCredentialsChanged(
    Event, event_type="workspaces.integration_credentials_changed", retention="audit"
):
    """These are the credentials for the service from now on; null: there are none."""

    integration_id: UUID
    credentials: Sealed | None


class IntegrationStatusChanged(
    Event, event_type="workspaces.integration_status_changed", retention="audit"
):
    """The service can be used, is not to be used, or does not answer."""

    integration_id: UUID
    status: IntegrationStatus
    reason: str | None = None


class ConnectionOpened(Event, event_type="workspaces.connection_opened", retention="audit"):
    """There is an account at a service, a person's or everybody's; it is active."""

    connection_id: UUID
    integration_id: UUID
    user_id: UserId | None = None
    """Whose account it is; null: everybody's."""
    service_config: OpenJson = Field(default_factory=dict)
    credentials: Sealed | None = None


class ConnectionChanged(Event, event_type="workspaces.connection_changed", retention="audit"):
    """This is how the account is set up now; its credentials stay as they are."""

    connection_id: UUID
    service_config: OpenJson


class ConnectionCredentialsChanged(
    Event, event_type="workspaces.connection_credentials_changed", retention="audit"
):
    """These are the credentials for the account from now on."""

    connection_id: UUID
    credentials: Sealed


class ConnectionStatusChanged(
    Event, event_type="workspaces.connection_status_changed", retention="audit"
):
    """The account can be used, is not to be used, or is refused by the service."""

    connection_id: UUID
    status: IntegrationStatus
    reason: str | None = None


class ConnectionClosed(Event, event_type="workspaces.connection_closed", retention="audit"):
    """The account is not used any more: it is inactive, and its credentials are dropped."""

    connection_id: UUID
    reason: str | None = None


class WorkspaceIntegrationAdded(
    Event, event_type="workspaces.workspace_integration_added", retention="audit"
):
    """A workspace uses an account at a service."""

    workspace_id: UUID
    connection_id: UUID
    sync_metadata: OpenJson = Field(default_factory=dict)


class WorkspaceIntegrationStatusChanged(
    Event, event_type="workspaces.workspace_integration_status_changed"
):
    """The workspace synchronises with the service, does not for now, or can't."""

    workspace_id: UUID
    connection_id: UUID
    status: IntegrationStatus
    reason: str | None = None


class WorkspaceIntegrationRemoved(
    Event, event_type="workspaces.workspace_integration_removed", retention="audit"
):
    """A workspace does not use an account any more."""

    workspace_id: UUID
    connection_id: UUID
    reason: str | None = None


class _OfSync(Event):
    sync_id: UUID
    workspace_id: UUID
    service_type: ServiceType
    artifact_id: UUID | None = None
    """The artifact that is synchronised; null: the workspace."""
    connection_id: UUID | None = None
    """The workspace's integration through which it goes; null: through none."""
    operation_details: OpenJson = Field(default_factory=dict)


class SyncStarted(_OfSync, event_type="workspaces.sync_started"):
    """Something is being saved to a service, published there, or fetched from it."""

    operation: SyncOperation


class SyncSucceeded(_OfSync, event_type="workspaces.sync_succeeded"):
    """Both sides are the same now; the details add to those of its start."""

    version_no: VersionNo | None = None
    """The version of the artifact that both have; null: the newest."""
    sync_metadata: OpenJson | None = None
    """What the next synchronisation goes on from, such as a commit; null: as before."""


class SyncFailed(_OfSync, event_type="workspaces.sync_failed"):
    """Both sides are as they were, as far as is known; the details add to those of its start."""

    error_message: Annotated[str, StringConstraints(min_length=1)]
