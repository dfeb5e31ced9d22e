"""Connectors to other systems."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from pydantic import Field

from eventstore.command import Command, Decision, State
from eventstore.commands.event_of import event_of
from eventstore.commands.unique import unique
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, require_move
from eventstore.vocabulary.fields import Json, Name
from eventstore.vocabulary.secrets import OpenJson
from eventstore.vocabulary.work import (
    CONNECTOR_MOVES,
    ConnectorConfigured,
    ConnectorHealthChecked,
    ConnectorRegistered,
    ConnectorStatus,
    ConnectorStatusChanged,
    ConnectorType,
)

__all__ = [
    "ConfigureConnector",
    "Connector",
    "MoveConnector",
    "RecordConnectorHealth",
    "RegisterConnector",
    "connector_stream",
]


@dataclass(frozen=True, slots=True)
class Connector:
    """How a connector is."""

    status: ConnectorStatus | None = None
    """None when there is no such connector."""

    def after(self, event: Event) -> Self:
        match event:
            case ConnectorRegistered() if self.status is None:
                return replace(self, status="INACTIVE")
            case ConnectorStatusChanged(from_status=self.status):
                return replace(self, status=event.to_status)
        return self

    def require(self, connector_id: UUID) -> ConnectorStatus:
        """Its status; raises DoesNotExist."""
        if self.status is None:
            raise DoesNotExist("connector", connector_id)
        return self.status


def connector_stream(connector_id: UUID) -> str:
    """The stream of a connector; its tools have streams of their own."""
    return f"connector-{connector_id}"


class _OfConnector(Command):
    connector_id: UUID

    def reads(self) -> dict[str, State]:
        return {connector_stream(self.connector_id): Connector()}


class RegisterConnector(_OfConnector):
    """Makes a connector, INACTIVE, under a name of its own."""

    name: Name
    type: ConnectorType
    config: OpenJson = Field(default_factory=dict)

    def decide(self, connector: Connector) -> Decision:
        """Refused as AlreadyExists."""
        if connector.status is not None:
            raise AlreadyExists("connector", self.connector_id)
        claim = unique("work.connector.name", self.name)
        return Decision([event_of(ConnectorRegistered, self)], claims=[claim])


class ConfigureConnector(_OfConnector):
    """Says how the other system is reached from now on, all of it; without secrets."""

    config: OpenJson

    def decide(self, connector: Connector) -> Event:
        """Refused as DoesNotExist."""
        connector.require(self.connector_id)
        return event_of(ConnectorConfigured, self)


class MoveConnector(_OfConnector):
    """Moves a connector to another status, by CONNECTOR_MOVES."""

    to_status: ConnectorStatus
    reason: str | None = None

    def decide(self, connector: Connector) -> Event:
        """Refused as DoesNotExist, IllegalMove."""
        status = connector.require(self.connector_id)
        require_move("connector", self.connector_id, CONNECTOR_MOVES, status, self.to_status)
        return event_of(ConnectorStatusChanged, self, from_status=status)


class RecordConnectorHealth(_OfConnector):
    """States what was found when somebody looked whether the other system can be reached."""

    health: Json

    def decide(self, connector: Connector) -> Event:
        """Refused as DoesNotExist."""
        connector.require(self.connector_id)
        return event_of(ConnectorHealthChecked, self)
