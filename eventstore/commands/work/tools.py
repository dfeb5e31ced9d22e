"""Tools that connectors offer, and the capabilities that tools are granted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from eventstore.command import Command, Decision, State
from eventstore.commands.event_of import event_of
from eventstore.commands.unique import unique
from eventstore.commands.work.connectors import Connector, connector_stream
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, NotAllowed
from eventstore.vocabulary.fields import JsonSchema, Name, Release
from eventstore.vocabulary.work import (
    CapabilityDefined,
    CapabilityGranted,
    CapabilityRevoked,
    CapabilityScopesChanged,
    ToolRegistered,
)

__all__ = [
    "Capability",
    "ChangeCapabilityScopes",
    "DefineCapability",
    "GrantCapability",
    "RegisterTool",
    "RevokeCapability",
    "Tool",
]


@dataclass(frozen=True, slots=True)
class Tool:
    """Whether there is the tool, and what it is granted."""

    exists: bool = False
    capabilities: frozenset[UUID] = frozenset()

    def after(self, event: Event) -> Self:
        match event:
            case ToolRegistered():
                return replace(self, exists=True)
            case CapabilityGranted():
                return replace(self, capabilities=self.capabilities | {event.capability_id})
            case CapabilityRevoked():
                return replace(self, capabilities=self.capabilities - {event.capability_id})
        return self

    def require(self, tool_id: UUID) -> None:
        """Raises DoesNotExist."""
        if not self.exists:
            raise DoesNotExist("tool", tool_id)


@dataclass(frozen=True, slots=True)
class Capability:
    """Whether there is the capability."""

    exists: bool = False

    def after(self, event: Event) -> Self:
        return replace(self, exists=True) if isinstance(event, CapabilityDefined) else self

    def require(self, capability_id: UUID) -> None:
        """Raises DoesNotExist."""
        if not self.exists:
            raise DoesNotExist("capability", capability_id)


class _OfTool(Command):
    tool_id: UUID

    def reads(self) -> dict[str, State]:
        return {f"tool-{self.tool_id}": Tool()}


class _OfCapability(Command):
    capability_id: UUID

    def reads(self) -> dict[str, State]:
        return {f"capability-{self.capability_id}": Capability()}


class RegisterTool(_OfTool):
    """Makes a tool of a connector; name and version are its own there, and it never changes."""

    connector_id: UUID
    name: Name
    version: Release
    input_schema: JsonSchema
    output_schema: JsonSchema

    def reads(self) -> dict[str, State]:
        return {**super().reads(), connector_stream(self.connector_id): Connector()}

    def decide(self, tool: Tool, connector: Connector) -> Decision:
        """Refused as AlreadyExists, DoesNotExist (the connector)."""
        if tool.exists:
            raise AlreadyExists("tool", self.tool_id)
        connector.require(self.connector_id)
        claim = unique("work.tool.name", self.connector_id, self.name, self.version)
        return Decision([event_of(ToolRegistered, self)], claims=[claim])


class DefineCapability(_OfCapability):
    """Makes a capability, under a name of its own."""

    name: Name
    scopes: list[Name]
    """What it reaches, such as `mail:send`."""

    def decide(self, capability: Capability) -> Decision:
        """Refused as AlreadyExists."""
        if capability.exists:
            raise AlreadyExists("capability", self.capability_id)
        claim = unique("work.capability.name", self.name)
        return Decision([event_of(CapabilityDefined, self)], claims=[claim])


class ChangeCapabilityScopes(_OfCapability):
    """Gives a capability these scopes, all of them."""

    scopes: list[Name]

    def decide(self, capability: Capability) -> Event:
        """Refused as DoesNotExist."""
        capability.require(self.capability_id)
        return event_of(CapabilityScopesChanged, self)


class GrantCapability(_OfTool):
    """Lets a tool have a capability."""

    capability_id: UUID

    def reads(self) -> dict[str, State]:
        return {**super().reads(), f"capability-{self.capability_id}": Capability()}

    def decide(self, tool: Tool, capability: Capability) -> Event:
        """Refused as DoesNotExist (either), NotAllowed (it has it)."""
        tool.require(self.tool_id)
        capability.require(self.capability_id)
        if self.capability_id in tool.capabilities:
            raise NotAllowed(f"tool {self.tool_id} has capability {self.capability_id} already")
        return event_of(CapabilityGranted, self)


class RevokeCapability(_OfTool):
    """Takes a capability from a tool."""

    capability_id: UUID
    reason: str | None = None

    def decide(self, tool: Tool) -> Event:
        """Refused as DoesNotExist (the tool), NotAllowed (it does not have it)."""
        tool.require(self.tool_id)
        if self.capability_id not in tool.capabilities:
            raise NotAllowed(f"tool {self.tool_id} does not have capability {self.capability_id}")
        return event_of(CapabilityRevoked, self)
