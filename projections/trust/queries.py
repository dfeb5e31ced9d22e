"""What people ask about agents, how far each is trusted, and what they said, knew and did."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from eventstore.connection.queries import load
from eventstore.vocabulary.trust import KnowledgeType, MetricType
from projections.questions import Questions
from projections.trust.answers import (
    ActionShown,
    AgentShown,
    AgentStanding,
    DecisionFound,
    DecisionShown,
    KnowledgeShown,
    LevelChange,
    Measured,
    MessageShown,
    MetricFound,
    SessionShown,
    SessionWithDecisions,
    TrustedAgent,
)

__all__ = ["TrustQueries"]

PARTS: Final = 20
"""Of each kind of parts that come with a thing, that many at most."""
SESSIONS: Final = 10
"""Among that many sessions of an agent, its newest decisions are looked for."""
MEASURED: Final = 1_000
"""Days, and metrics, of one answer at most."""
_ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TrustQueries(Questions, sql=load("projections.trust", "queries.sql")):
    """What people ask. A page of a list goes on after the last answer of the one before."""

    def standing(self, agent_id: str) -> AgentStanding | None:
        """An agent, how far it is trusted, and the changes and decisions which that comes from."""
        return self._one(
            AgentStanding, "standing", agent_id=agent_id, parts=PARTS, sessions=SESSIONS
        )

    def level_changes(
        self, agent_id: str, *, before: int | None = None, limit: int = 50
    ) -> list[LevelChange]:
        """The way of an agent up and down, the newest change first, those before a position."""
        return self._many(
            LevelChange, "level_changes", agent_id=agent_id, before=before, limit=limit
        )

    def agents_at(
        self, level: int, *, after: TrustedAgent | None = None, limit: int = 50
    ) -> list[TrustedAgent]:
        """The agents at a level, 0 to 4, the best proven first."""
        return self._many(
            TrustedAgent,
            "agents_at",
            level=level,
            after_score=after and after.score,
            after_agent=after and after.agent_id,
            limit=limit,
        )

    def agents_of(
        self, persona_type: str, *, after: str | None = None, limit: int = 50
    ) -> list[AgentShown]:
        """The agents of a persona that are in use, by id."""
        return self._many(
            AgentShown, "agents_of", persona_type=persona_type, after=after, limit=limit
        )

    def messages(
        self, session_id: UUID, *, before: int | None = None, limit: int = 50
    ) -> list[MessageShown]:
        """The newest messages of a session, the newest first, those before a position."""
        return self._many(
            MessageShown, "messages", session_id=session_id, before=before, limit=limit
        )

    def replies(
        self, message_id: UUID, *, after: int | None = None, limit: int = 50
    ) -> list[MessageShown]:
        """The messages that answer a message, in the order of the log, those after a position."""
        return self._many(MessageShown, "replies", message_id=message_id, after=after, limit=limit)

    def session(self, session_id: UUID) -> SessionWithDecisions | None:
        """A session, over or not, and what was decided in it."""
        return self._one(SessionWithDecisions, "session", session_id=session_id, parts=PARTS)

    def open_sessions(self, agent_id: str, *, at: datetime, limit: int = 50) -> list[SessionShown]:
        """The active sessions of an agent whose time is not over at that moment.

        Those that expire first come first, and at the end those that never do.
        """
        return self._many(SessionShown, "open_sessions", agent_id=agent_id, at=at, limit=limit)

    def sessions_of(
        self, agent_id: str, *, before: SessionShown | None = None, limit: int = 50
    ) -> list[SessionShown]:
        """The sessions of an agent, the newest first."""
        return self._many(
            SessionShown,
            "sessions_of",
            agent_id=agent_id,
            before_started=before and before.started_at,
            before_id=before and before.session_id,
            limit=limit,
        )

    def decision(self, decision_id: UUID) -> DecisionShown | None:
        """A decision with its reasons, and the changes of levels that it brought about."""
        return self._one(DecisionShown, "decision", decision_id=decision_id, parts=PARTS)

    def waiting_for_feedback(
        self, *, before: DecisionFound | None = None, limit: int = 50
    ) -> list[DecisionFound]:
        """The decisions about which nobody has said anything, the newest first."""
        return self._many(
            DecisionFound,
            "waiting_for_feedback",
            before_created=before and before.created_at,
            before_id=before and before.decision_id,
            limit=limit,
        )

    def decisions_of_type(
        self, decision_type: str, *, before: DecisionFound | None = None, limit: int = 50
    ) -> list[DecisionFound]:
        """The decisions of a type, of any agent, the newest first."""
        return self._many(
            DecisionFound,
            "decisions_of_type",
            decision_type=decision_type,
            before_created=before and before.created_at,
            before_id=before and before.decision_id,
            limit=limit,
        )

    def metrics(
        self, agent_id: str, metric_type: MetricType, *, since: datetime, until: datetime
    ) -> Measured:
        """How an agent measured up from `since` to `until`, both included.

        What is rolled up is told by days in UTC, the first and the last of them whole; the newest
        thousand of each.
        """
        found = self._one(
            Measured,
            "metrics",
            agent_id=agent_id,
            metric_type=metric_type,
            since=since.astimezone(UTC),
            until=until.astimezone(UTC),
            most=MEASURED,
        )
        assert found is not None, "a SELECT without FROM gives a row"
        return found

    def metrics_of_session(
        self, session_id: UUID, *, after: UUID | None = None, limit: int = 50
    ) -> list[MetricFound]:
        """What was measured in a session and is not rolled up yet, by id."""
        return self._many(
            MetricFound, "metrics_of_session", session_id=session_id, after=after, limit=limit
        )

    def knowledge(
        self,
        agent_id: str,
        knowledge_type: KnowledgeType,
        *,
        after: KnowledgeShown | None = None,
        limit: int = 50,
    ) -> list[KnowledgeShown]:
        """What an agent knows of a kind, the best proven first."""
        return self._many(
            KnowledgeShown,
            "knowledge",
            agent_id=agent_id,
            knowledge_type=knowledge_type,
            after_rate=after and after.success_rate,
            after_id=after and after.knowledge_id,
            limit=limit,
        )

    def knowledge_about(
        self, domain: str, *, after: UUID | None = None, limit: int = 50
    ) -> list[KnowledgeShown]:
        """What all agents know about something, by id."""
        return self._many(
            KnowledgeShown, "knowledge_about", domain=domain, after=after, limit=limit
        )

    def actions_of(
        self, agent_id: str, *, before: ActionShown | None = None, limit: int = 50
    ) -> list[ActionShown]:
        """What an agent did that was audited, the newest first."""
        return self._many(
            ActionShown,
            "actions_of",
            agent_id=agent_id,
            before_created=before and before.created_at,
            before_id=before and before.audit_id,
            limit=limit,
        )

    def actions_in(
        self, session_id: UUID, *, after: UUID | None = None, limit: int = 50
    ) -> list[ActionShown]:
        """What was done in a session that was audited, by id."""
        return self._many(
            ActionShown, "actions_in", session_id=session_id, after=after, limit=limit
        )

    def risky_actions(
        self,
        *,
        since: datetime = _ALWAYS,
        before: ActionShown | None = None,
        limit: int = 50,
    ) -> list[ActionShown]:
        """What was done at a high or critical risk, by any agent, since then, the newest first."""
        return self._many(
            ActionShown,
            "risky_actions",
            since=since,
            before_created=before and before.created_at,
            before_id=before and before.audit_id,
            limit=limit,
        )
