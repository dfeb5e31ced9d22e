"""Tools that connectors offer, and the capabilities that tools are granted."""

from __future__ import annotations

from uuid import UUID

from eventstore.event import Event
from eventstore.vocabulary.fields import JsonSchema, Name, Release

__all__ = [
    "CapabilityDefined",
    "CapabilityGranted",
    "CapabilityRevoked",
    "CapabilityScopesChanged",
    "ToolRegistered",
]


class ToolRegistered(Event, event_type="work.tool_registered", retention="audit"):
    """A connector offers a tool, in a version that never changes; another one is another tool."""

    tool_id: UUID
    connector_id: UUID
    name: Name
    version: Release
    input_schema: JsonSchema
    output_schema: JsonSchema


class CapabilityDefined(Event, event_type="work.capability_defined", retention="audit"):
    """There is something that tools may be allowed to do; its name tells it from others."""

    capability_id: UUID
    name: Name
    scopes: list[Name]
    """What it reaches, such as `mail:send`."""


class CapabilityScopesChanged(
    Event, event_type="work.capability_scopes_changed", retention="audit"
):
    """These are the scopes of a capability now, all of them."""

    capability_id: UUID
    scopes: list[Name]


class CapabilityGranted(Event, event_type="work.capability_granted", retention="audit"):
    """A tool has a capability from now on."""

    tool_id: UUID
    capability_id: UUID


class CapabilityRevoked(Event, event_type="work.capability_revoked", retention="audit"):
    """A tool does not have a capability any longer."""

    tool_id: UUID
    capability_id: UUID
    reason: str | None = None
