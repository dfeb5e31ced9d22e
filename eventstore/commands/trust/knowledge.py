"""What agents have learned, and how well it served them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self
from uuid import UUID

from pydantic import Field

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.commands.fields import AgentName
from eventstore.commands.trust.agents import Agent, agent
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist
from eventstore.vocabulary.fields import Json, Name
from eventstore.vocabulary.trust import (
    KnowledgeApplied,
    KnowledgeForgotten,
    KnowledgeLearned,
    KnowledgeRefined,
    KnowledgeType,
)

__all__ = ["ApplyKnowledge", "ForgetKnowledge", "Knowledge", "LearnKnowledge", "RefineKnowledge"]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Who knows it: the agent that learned it, or nobody."""

    agent_id: str | None = None

    def after(self, event: Event) -> Self:
        if isinstance(event, KnowledgeLearned) and self.agent_id is None:
            return replace(self, agent_id=event.agent_id)
        if isinstance(event, KnowledgeForgotten) and self.agent_id == event.agent_id:
            return replace(self, agent_id=None)
        return self


class _OfKnowledge(Command):
    knowledge_id: UUID

    def reads(self) -> dict[str, State]:
        return {f"knowledge-{self.knowledge_id}": Knowledge()}

    def _knower(self, knowledge: Knowledge) -> str:
        """The agent that knows it; raises DoesNotExist."""
        if knowledge.agent_id is None:
            raise DoesNotExist("knowledge", self.knowledge_id)
        return knowledge.agent_id


class LearnKnowledge(_OfKnowledge):
    """Keeps something that an active agent has learned; what was forgotten can be learned again."""

    agent_id: AgentName
    knowledge_type: KnowledgeType
    domain: Name
    """What it is about."""
    content: Json = Field(default_factory=dict)

    def reads(self) -> dict[str, State]:
        return super().reads() | agent(self.agent_id)

    def decide(self, knowledge: Knowledge, agent: Agent) -> Event:
        if knowledge.agent_id is not None:
            raise AlreadyExists("knowledge", self.knowledge_id)
        agent.require_active(self.agent_id)
        return event_of(KnowledgeLearned, self)


class RefineKnowledge(_OfKnowledge):
    """States what its agent knows better now, all of it."""

    knowledge_type: KnowledgeType
    domain: Name
    content: Json = Field(default_factory=dict)

    def decide(self, knowledge: Knowledge) -> Event:
        return event_of(KnowledgeRefined, self, agent_id=self._knower(knowledge))


class ApplyKnowledge(_OfKnowledge):
    """Records that its agent used it, and whether it helped."""

    succeeded: bool

    def decide(self, knowledge: Knowledge) -> Event:
        return event_of(KnowledgeApplied, self, agent_id=self._knower(knowledge))


class ForgetKnowledge(_OfKnowledge):
    """Takes away what is of no use any more."""

    reason: str | None = None

    def decide(self, knowledge: Knowledge) -> Event:
        return event_of(KnowledgeForgotten, self, agent_id=self._knower(knowledge))
