"""Agents: what they are, and whether they may work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from pydantic import Field

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.commands.fields import AgentName
from eventstore.event import Event
from eventstore.refusals import DoesNotExist, NotAllowed
from eventstore.vocabulary.fields import Json, Name, Word
from eventstore.vocabulary.trust import (
    AgentActivated,
    AgentDeactivated,
    AgentRegistered,
    AgentUpdated,
)

__all__ = [
    "ActivateAgent",
    "Agent",
    "DeactivateAgent",
    "RegisterAgent",
    "UpdateAgent",
    "agent",
]


@dataclass(frozen=True, slots=True)
class Agent:
    """Whether there is such an agent, and whether it may work."""

    registered: bool = False
    active: bool = True

    def after(self, event: Event) -> Self:
        if isinstance(event, AgentRegistered):
            return replace(self, registered=True)
        if self.registered and isinstance(event, AgentActivated | AgentDeactivated):
            return replace(self, active=isinstance(event, AgentActivated))
        return self

    def require(self, agent_id: str) -> None:
        """Raises DoesNotExist unless it was registered."""
        if not self.registered:
            raise DoesNotExist("agent", agent_id)

    def require_active(self, agent_id: str) -> None:
        """Raises DoesNotExist, or NotAllowed when it was deactivated."""
        self.require(agent_id)
        if not self.active:
            raise NotAllowed(f"agent {agent_id} is deactivated; activate it first")


def agent(agent_id: str) -> dict[str, State]:
    """The stream of an agent."""
    return {f"agent-{agent_id}": Agent()}


class _OfAgent(Command):
    agent_id: AgentName

    def reads(self) -> dict[str, State]:
        return agent(self.agent_id)


class _DescribeAgent(_OfAgent):
    name: Name
    persona_type: Word
    """What the agent is for, such as developer, qa, architect."""
    capabilities: Json = Field(default_factory=dict)
    config: Json = Field(default_factory=dict)


class RegisterAgent(_DescribeAgent):
    """Makes an agent known; doing so again, at its next start, renews the description."""

    def decide(self, agent: Agent) -> Event:
        return event_of(AgentRegistered, self)


class UpdateAgent(_DescribeAgent):
    """Describes an agent that is known anew, all of it."""

    def decide(self, agent: Agent) -> Event:
        agent.require(self.agent_id)
        return event_of(AgentUpdated, self)


class _SwitchAgent(_OfAgent):
    says: ClassVar[type[Event]]
    leads_to: ClassVar[bool]
    reason: str | None = None

    def decide(self, agent: Agent) -> Event:
        agent.require(self.agent_id)
        if agent.active == self.leads_to:
            now = "active" if agent.active else "deactivated"
            raise NotAllowed(f"agent {self.agent_id} is {now} already")
        return event_of(self.says, self)


class ActivateAgent(_SwitchAgent):
    """Lets an agent work again."""

    says, leads_to = AgentActivated, True


class DeactivateAgent(_SwitchAgent):
    """Keeps an agent from starting sessions, deciding and learning until it is activated."""

    says, leads_to = AgentDeactivated, False
