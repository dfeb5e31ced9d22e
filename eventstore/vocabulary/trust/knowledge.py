"""What agents have learned, and how well it served them."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from eventstore.event import Event
from eventstore.vocabulary.fields import AgentId, Json, Name

__all__ = [
    "KnowledgeApplied",
    "KnowledgeForgotten",
    "KnowledgeLearned",
    "KnowledgeRefined",
    "KnowledgeType",
]

KnowledgeType = Literal["pattern", "solution", "preference"]


class KnowledgeLearned(Event, event_type="trust.knowledge_learned"):
    """An agent learned something that it can use again."""

    knowledge_id: UUID
    agent_id: AgentId
    knowledge_type: KnowledgeType
    domain: Name
    """What it is about."""
    content: Json = Field(default_factory=dict)


class KnowledgeRefined(Event, event_type="trust.knowledge_refined"):
    """An agent knows better: this is what it knows now, all of it."""

    knowledge_id: UUID
    agent_id: AgentId
    knowledge_type: KnowledgeType
    domain: Name
    content: Json = Field(default_factory=dict)


class KnowledgeApplied(Event, event_type="trust.knowledge_applied"):
    """An agent used what it had learned."""

    knowledge_id: UUID
    agent_id: AgentId
    succeeded: bool
    """Whether it helped."""


class KnowledgeForgotten(Event, event_type="trust.knowledge_forgotten"):
    """What an agent had learned is of no use any more."""

    knowledge_id: UUID
    agent_id: AgentId
    reason: str | None = None
