"""What agents did that has to be kept for the auditors."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from eventstore.event import Event
from eventstore.vocabulary.fields import AgentId, Json, Word

__all__ = ["ActionAudited", "RiskLevel"]

RiskLevel = Literal["low", "medium", "high", "critical"]


class ActionAudited(Event, event_type="trust.action_audited", retention="audit"):
    """An agent did something that may be asked about later."""

    audit_id: UUID
    agent_id: AgentId
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
