"""Connectors to other systems, and whether these can be reached."""

from __future__ import annotations

from typing import Final, Literal, Self
from uuid import UUID

from pydantic import Field, ValidationInfo, model_validator

from eventstore.event import Event
from eventstore.vocabulary.fields import Json, Name
from eventstore.vocabulary.moves import check_move
from eventstore.vocabulary.secrets import OpenJson

__all__ = [
    "CONNECTOR_MOVES",
    "ConnectorConfigured",
    "ConnectorHealthChecked",
    "ConnectorRegistered",
    "ConnectorStatus",
    "ConnectorStatusChanged",
    "ConnectorType",
]

ConnectorType = Literal["SLACK", "EMAIL", "API", "DATABASE"]
ConnectorStatus = Literal["ACTIVE", "INACTIVE", "ERROR"]

CONNECTOR_MOVES: Final[dict[ConnectorStatus, frozenset[ConnectorStatus]]] = {
    "INACTIVE": frozenset({"ACTIVE", "ERROR"}),
    "ACTIVE": frozenset({"INACTIVE", "ERROR"}),
    "ERROR": frozenset({"ACTIVE", "INACTIVE"}),
}
"""Which status may follow which: any other one."""


class ConnectorRegistered(Event, event_type="work.connector_registered", retention="audit"):
    """There is a connector to another system, INACTIVE at first; its name tells it from others."""

    connector_id: UUID
    name: Name
    type: ConnectorType
    config: OpenJson = Field(default_factory=dict)
    """How the other system is reached; no place for a secret, which would stay in the log."""


class ConnectorConfigured(Event, event_type="work.connector_configured", retention="audit"):
    """This is how the other system is reached now, all of it; no place for a secret."""

    connector_id: UUID
    config: OpenJson


class ConnectorStatusChanged(Event, event_type="work.connector_status_changed", retention="audit"):
    """A connector moved from one status to another."""

    connector_id: UUID
    from_status: ConnectorStatus
    to_status: ConnectorStatus
    reason: str | None = None

    @model_validator(mode="after")
    def _legal(self, info: ValidationInfo) -> Self:
        check_move(CONNECTOR_MOVES, self.from_status, self.to_status, info)
        return self


class ConnectorHealthChecked(Event, event_type="work.connector_health_checked"):
    """Somebody looked whether the other system can be reached; that alone changes no status."""

    connector_id: UUID
    health: Json
    """What was found."""
