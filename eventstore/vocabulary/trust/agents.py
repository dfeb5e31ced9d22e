"""Agents: what they are, and whether they may work."""

from __future__ import annotations

from pydantic import Field

from eventstore.event import Event
from eventstore.vocabulary.fields import AgentId, Json, Name, Word
from eventstore.vocabulary.secrets import OpenJson

__all__ = ["AgentActivated", "AgentDeactivated", "AgentRegistered", "AgentUpdated"]


class _AgentDescription(Event):
    agent_id: AgentId
    name: Name
    persona_type: Word
    """What the agent is for, such as developer, qa, architect."""
    capabilities: Json = Field(default_factory=dict)
    config: OpenJson = Field(default_factory=dict)


class AgentRegistered(_AgentDescription, event_type="trust.agent_registered", retention="audit"):
    """An agent makes itself known; doing so again, at its next start, renews the description."""


class AgentUpdated(_AgentDescription, event_type="trust.agent_updated", retention="audit"):
    """This is what the agent is now, all of it."""


class AgentActivated(Event, event_type="trust.agent_activated", retention="audit"):
    """An agent may work again."""

    agent_id: AgentId
    reason: str | None = None


class AgentDeactivated(Event, event_type="trust.agent_deactivated", retention="audit"):
    """An agent is to do no work until it is activated."""

    agent_id: AgentId
    reason: str | None = None
