"""How what agents know, and what is kept of what they do, follow from the events of trust."""

from __future__ import annotations

from eventstore import RecordedEvent
from eventstore.vocabulary.trust import (
    ActionAudited,
    KnowledgeApplied,
    KnowledgeEmbedded,
    KnowledgeForgotten,
    KnowledgeLearned,
    KnowledgeRefined,
)
from projections.embedding import take_embedding
from projections.errors import Contradiction
from projections.projection import Projection, Rows, on
from projections.trust.rows import Agent, AgentAuditLog, AgentKnowledge, AgentSession

__all__ = ["AuditRules", "KnowledgeRules"]


class KnowledgeRules(Projection, name="trust", tables=(AgentKnowledge,)):
    """Knowledge belongs to the agent that learned it."""

    @on(KnowledgeLearned)
    def learned(self, event: KnowledgeLearned, recorded: RecordedEvent, rows: Rows) -> None:
        rows.see(Agent)  # its parent
        rows.add(
            AgentKnowledge(
                knowledge_id=event.knowledge_id,
                agent_id=event.agent_id,
                knowledge_type=event.knowledge_type,
                domain=event.domain,
                content=event.content,
            )
        )

    @on(KnowledgeRefined)
    def refined(self, event: KnowledgeRefined, recorded: RecordedEvent, rows: Rows) -> None:
        knowledge = _own(event, rows)
        knowledge.knowledge_type = event.knowledge_type
        if (knowledge.domain, knowledge.content) != (event.domain, event.content):
            knowledge.domain, knowledge.content = event.domain, event.content
            # It told where the former content lies.
            knowledge.embedding = knowledge.embedding_model = None

    @on(KnowledgeEmbedded)
    def knowledge_embedded(
        self, event: KnowledgeEmbedded, recorded: RecordedEvent, rows: Rows
    ) -> None:
        take_embedding(AgentKnowledge, event, rows)

    @on(KnowledgeApplied)
    def applied(self, event: KnowledgeApplied, recorded: RecordedEvent, rows: Rows) -> None:
        knowledge = _own(event, rows)
        knowledge.usage_count += 1
        knowledge.success_count += event.succeeded
        knowledge.success_rate = knowledge.success_count / knowledge.usage_count
        knowledge.last_used_at = recorded.occurred_at

    @on(KnowledgeForgotten)
    def forgotten(self, event: KnowledgeForgotten, recorded: RecordedEvent, rows: Rows) -> None:
        _own(event, rows)
        rows.remove(AgentKnowledge)


class AuditRules(Projection, name="trust", tables=(AgentAuditLog,)):
    """What is audited is kept, whether its session is over or not."""

    @on(ActionAudited)
    def audited(self, event: ActionAudited, recorded: RecordedEvent, rows: Rows) -> None:
        rows.see(Agent)  # its parent
        if event.session_id is not None:
            session = rows.see(AgentSession)
            _require_own(AgentSession.TABLE, event.session_id, session.agent_id, event.agent_id)
        rows.add(
            AgentAuditLog(
                audit_id=event.audit_id,
                agent_id=event.agent_id,
                session_id=event.session_id,
                action_type=event.action_type,
                action_details=event.action_details,
                risk_level=event.risk_level,
                user_id=event.user_id,
                ip_address=event.ip_address,
                user_agent=event.user_agent,
            )
        )


def _own(
    event: KnowledgeRefined | KnowledgeApplied | KnowledgeForgotten, rows: Rows
) -> AgentKnowledge:
    knowledge = rows.get(AgentKnowledge)
    _require_own(AgentKnowledge.TABLE, event.knowledge_id, knowledge.agent_id, event.agent_id)
    return knowledge


def _require_own(table: str, key: object, owner: str, claimed: str) -> None:
    if owner != claimed:
        raise Contradiction(table, key, "agent_id", owner, claimed)
