"""What agents did that has to be kept for the auditors."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, StringConstraints

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.commands.fields import AgentName
from eventstore.commands.trust.agents import Agent, agent
from eventstore.commands.trust.sessions import Session, session
from eventstore.event import Event
from eventstore.vocabulary.fields import Json, Word
from eventstore.vocabulary.trust import ActionAudited, RiskLevel

__all__ = ["AuditAction", "AuditTrail"]


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """What an agent did outside of sessions: nothing of it decides on what comes next."""

    def after(self, event: Event) -> Self:
        return self


class AuditAction(Command):
    """Keeps what an agent did, in a session of its own, open or over, or outside of sessions.

    The entry has the id of this command.
    """

    agent_id: AgentName
    session_id: UUID | None = None
    action_type: Word
    action_details: Json = Field(default_factory=dict)
    risk_level: RiskLevel
    user_id: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = None
    """For whom: a user of workspaces."""
    ip_address: IPv4Address | IPv6Address | None = None
    """From where."""
    user_agent: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = None
    """The program that made the request."""

    @property
    def audit_id(self) -> UUID:
        """The id of the entry: that of the command."""
        return self.command_id

    def reads(self) -> dict[str, State]:
        if self.session_id is not None:
            return session(self.session_id)
        return {f"audit-{self.agent_id}": AuditTrail()} | agent(self.agent_id)

    def decide(self, place: Session | AuditTrail, agent: Agent | None = None) -> Event:
        if isinstance(place, Session) and self.session_id is not None:
            place.require_of(self.session_id, self.agent_id)
        if agent is not None:
            agent.require(self.agent_id)
        return event_of(ActionAudited, self, audit_id=self.audit_id)
