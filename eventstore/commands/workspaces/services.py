"""Services outside, our accounts there, and which workspace uses which."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self
from uuid import UUID

from pydantic import Field

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.commands.workspaces.people import User, user
from eventstore.commands.workspaces.spaces import InWorkspace, Workspace
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, NotAllowed
from eventstore.vocabulary.fields import Name, UserId
from eventstore.vocabulary.secrets import OpenJson, Sealed
from eventstore.vocabulary.workspaces.services import (
    ConnectionChanged,
    ConnectionClosed,
    ConnectionCredentialsChanged,
    ConnectionOpened,
    ConnectionStatusChanged,
    IntegrationChanged,
    IntegrationConfigured,
    IntegrationCredentialsChanged,
    IntegrationStatus,
    IntegrationStatusChanged,
    ServiceType,
    WorkspaceIntegrationAdded,
    WorkspaceIntegrationRemoved,
    WorkspaceIntegrationStatusChanged,
)

__all__ = [
    "AddWorkspaceIntegration",
    "ChangeConnection",
    "ChangeConnectionCredentials",
    "ChangeConnectionStatus",
    "ChangeIntegration",
    "ChangeIntegrationCredentials",
    "ChangeIntegrationStatus",
    "ChangeWorkspaceIntegrationStatus",
    "CloseConnection",
    "ConfigureIntegration",
    "Connection",
    "Integration",
    "OpenConnection",
    "RemoveWorkspaceIntegration",
    "connection",
    "integration",
]


@dataclass(frozen=True, slots=True)
class Integration:
    """The status of a service; None as long as there is no such service."""

    status: IntegrationStatus | None = None

    def after(self, event: Event) -> Self:
        if isinstance(event, IntegrationConfigured):
            return replace(self, status="active")
        if isinstance(event, IntegrationStatusChanged):
            return replace(self, status=event.status)
        return self

    def require(self, integration_id: UUID) -> None:
        """Raises DoesNotExist unless there is such a service."""
        if self.status is None:
            raise DoesNotExist("integration", integration_id)


def integration(integration_id: UUID) -> dict[str, State]:
    """The stream of a service outside."""
    return {f"integration-{integration_id}": Integration()}


@dataclass(frozen=True, slots=True)
class Connection:
    """Whether an account was opened, and closed."""

    opened: bool = False
    closed: bool = False

    def after(self, event: Event) -> Self:
        if isinstance(event, ConnectionOpened):
            return replace(self, opened=True)
        return replace(self, closed=True) if isinstance(event, ConnectionClosed) else self

    def require(self, connection_id: UUID) -> None:
        """Raises DoesNotExist, or NotAllowed for an account that was closed."""
        if not self.opened:
            raise DoesNotExist("connection", connection_id)
        if self.closed:
            raise NotAllowed(f"connection {connection_id} is closed for good; open another one")


def connection(connection_id: UUID) -> dict[str, State]:
    """The stream of an account at a service."""
    return {f"connection-{connection_id}": Connection()}


class _OfIntegration(Command):
    integration_id: UUID

    def reads(self) -> dict[str, State]:
        return integration(self.integration_id)


class ConfigureIntegration(_OfIntegration):
    """Lets a service be connected to."""

    service_type: ServiceType
    name: Name
    service_config: OpenJson = Field(default_factory=dict)
    credentials: Sealed | None = None

    def decide(self, integration: Integration) -> Event:
        if integration.status is not None:
            raise AlreadyExists("integration", self.integration_id)
        return event_of(IntegrationConfigured, self)


class _IntegrationChange(_OfIntegration):
    says: ClassVar[type[Event]]

    def decide(self, integration: Integration) -> Event:
        integration.require(self.integration_id)
        return event_of(self.says, self)


class ChangeIntegration(_IntegrationChange):
    """Says anew how a service is set up; its credentials stay."""

    says = IntegrationChanged
    name: Name
    service_config: OpenJson


class ChangeIntegrationCredentials(_IntegrationChange):
    """Gives a service other credentials, or none."""

    says = IntegrationCredentialsChanged
    credentials: Sealed | None


class ChangeIntegrationStatus(_IntegrationChange):
    """Says whether a service can be used."""

    says = IntegrationStatusChanged
    status: IntegrationStatus
    reason: str | None = None


class OpenConnection(Command):
    """Opens an account at a service that is to be used."""

    connection_id: UUID
    integration_id: UUID
    user_id: UserId | None = None
    """Whose account it is; null: everybody's."""
    service_config: OpenJson = Field(default_factory=dict)
    credentials: Sealed | None = None

    def reads(self) -> dict[str, State]:
        owner = {} if self.user_id is None else user(self.user_id)
        return connection(self.connection_id) | integration(self.integration_id) | owner

    def decide(
        self, connection: Connection, integration: Integration, owner: User | None = None
    ) -> Event:
        if connection.opened:
            raise AlreadyExists("connection", self.connection_id)
        integration.require(self.integration_id)
        if integration.status == "inactive":
            raise NotAllowed(f"integration {self.integration_id} is not to be used: it is inactive")
        if owner is not None and self.user_id is not None:
            owner.require(self.user_id)
        return event_of(ConnectionOpened, self)


class _ConnectionChange(Command):
    says: ClassVar[type[Event]]
    connection_id: UUID

    def reads(self) -> dict[str, State]:
        return connection(self.connection_id)

    def decide(self, connection: Connection) -> Event:
        connection.require(self.connection_id)
        return event_of(self.says, self)


class ChangeConnection(_ConnectionChange):
    """Says anew how an account is set up; its credentials stay."""

    says = ConnectionChanged
    service_config: OpenJson


class ChangeConnectionCredentials(_ConnectionChange):
    """Gives an account other credentials."""

    says = ConnectionCredentialsChanged
    credentials: Sealed


class ChangeConnectionStatus(_ConnectionChange):
    """Says whether an account can be used."""

    says = ConnectionStatusChanged
    status: IntegrationStatus
    reason: str | None = None


class CloseConnection(_ConnectionChange):
    """Uses an account no more, for good."""

    says = ConnectionClosed
    reason: str | None = None


class AddWorkspaceIntegration(InWorkspace):
    """Lets a workspace use an account at a service."""

    connection_id: UUID
    sync_metadata: OpenJson = Field(default_factory=dict)

    def reads(self) -> dict[str, State]:
        return super().reads() | connection(self.connection_id)

    def decide(self, workspace: Workspace, connection: Connection) -> Event:
        workspace.require(self.workspace_id)
        connection.require(self.connection_id)
        if self.connection_id in workspace.integrations:
            raise AlreadyExists(f"integration of workspace {self.workspace_id}", self.connection_id)
        return event_of(WorkspaceIntegrationAdded, self)


class _OfLink(InWorkspace):
    says: ClassVar[type[Event]]
    connection_id: UUID
    reason: str | None = None

    def decide(self, workspace: Workspace) -> Event:
        workspace.require(self.workspace_id)
        if self.connection_id not in workspace.integrations:
            raise DoesNotExist(f"integration of workspace {self.workspace_id}", self.connection_id)
        return event_of(self.says, self)


class ChangeWorkspaceIntegrationStatus(_OfLink):
    """Says whether a workspace synchronises through an account."""

    says = WorkspaceIntegrationStatusChanged
    status: IntegrationStatus


class RemoveWorkspaceIntegration(_OfLink):
    """Lets a workspace use an account no more."""

    says = WorkspaceIntegrationRemoved
