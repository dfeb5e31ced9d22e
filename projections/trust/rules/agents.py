"""How the tables of agents and their sessions follow from the events of trust."""

from __future__ import annotations

from eventstore import Event, RecordedEvent
from eventstore.vocabulary.trust import (
    SESSION_MOVES,
    AgentActivated,
    AgentDeactivated,
    AgentRegistered,
    AgentUpdated,
    SessionCompleted,
    SessionExpired,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    state_after,
)
from projections.errors import IllegalTransition
from projections.projection import Projection, Rows, on
from projections.trust.ladder import LadderRules
from projections.trust.rows import Agent, AgentSession, TrustLevel

__all__ = ["AgentRules"]


class AgentRules(Projection, name="trust", tables=(Agent, AgentSession, TrustLevel)):
    """Agents begin on the level that `rules` give to new ones."""

    rules: LadderRules

    @on(AgentRegistered)
    def registered(self, event: AgentRegistered, recorded: RecordedEvent, rows: Rows) -> None:
        agent = rows.find(Agent)
        if agent is not None:
            _describe(agent, event)
            return
        rows.add(
            Agent(
                agent_id=event.agent_id,
                name=event.name,
                persona_type=event.persona_type,
                capabilities=event.capabilities,
                config=event.config,
            )
        )
        rows.add(
            TrustLevel(
                agent_id=event.agent_id,
                level=self.rules.start_level,
                score=self.rules.start_score,
                since=recorded.occurred_at,
            )
        )

    @on(AgentUpdated)
    def updated(self, event: AgentUpdated, recorded: RecordedEvent, rows: Rows) -> None:
        _describe(rows.get(Agent), event)

    @on(AgentActivated, AgentDeactivated)
    def switched(
        self, event: AgentActivated | AgentDeactivated, recorded: RecordedEvent, rows: Rows
    ) -> None:
        agent = rows.get(Agent)
        agent.is_active = isinstance(event, AgentActivated)
        agent.version += 1

    @on(SessionStarted)
    def session_started(self, event: SessionStarted, recorded: RecordedEvent, rows: Rows) -> None:
        granted = rows.see(TrustLevel).level if event.trust_level is None else event.trust_level
        rows.see(Agent)  # its parent
        rows.add(
            AgentSession(
                session_id=event.session_id,
                agent_id=event.agent_id,
                user_id=event.user_id,
                trust_level=granted,
                context=event.context,
                started_at=recorded.occurred_at,
                expires_at=event.expires_at,
                metadata=event.metadata,
            )
        )

    @on(SessionPaused, SessionResumed, SessionCompleted, SessionExpired)
    def session_moved(self, event: Event, recorded: RecordedEvent, rows: Rows) -> None:
        session = rows.get(AgentSession)
        after = state_after(event)
        assert after is not None, "these events move a session"
        if after not in SESSION_MOVES[session.session_state]:
            raise IllegalTransition(
                "agent_sessions", session.session_id, session.session_state, after
            )
        session.session_state = after
        session.version += 1
        if not SESSION_MOVES[after]:
            session.ended_at = recorded.occurred_at


def _describe(agent: Agent, event: AgentRegistered | AgentUpdated) -> None:
    agent.name = event.name
    agent.persona_type = event.persona_type
    agent.capabilities = event.capabilities
    agent.config = event.config
    agent.version += 1
