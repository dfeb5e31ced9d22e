"""The first rules of trust, for tables that no rebuild has replaced yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from eventstore import Event, RecordedEvent
from eventstore.vocabulary.trust import (
    AgentActivated,
    AgentDeactivated,
    AgentRegistered,
    AgentUpdated,
    DecisionFeedbackGiven,
    DecisionMade,
    DecisionOutcomeKnown,
    FindingReported,
    MessageRole,
    MessageSent,
    MessageType,
    ReflectionRecorded,
    SessionCompleted,
    SessionExpired,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    SessionState,
    TrustMetricRecorded,
)
from projections.errors import Contradiction, IllegalTransition
from projections.projection import Projection, Rows, on
from projections.row import Row, table
from projections.trust.ladder import (
    DEFAULT,
    Fact,
    LadderRules,
    Standing,
    new_fact,
    standing,
    verdict,
)
from projections.trust.rows import Agent, AgentDecision, AgentSession, TrustMetric

__all__ = ["TrustV1"]

_SESSION_MOVES: Final[Mapping[type[Event], tuple[SessionState, frozenset[SessionState]]]] = {
    SessionPaused: ("paused", frozenset({"active"})),
    SessionResumed: ("active", frozenset({"paused"})),
    SessionCompleted: ("completed", frozenset({"active", "paused"})),
    SessionExpired: ("expired", frozenset({"active", "paused"})),
}
"""The state that each event leads to, and those that it may start from."""

OfAgent = DecisionMade | DecisionFeedbackGiven | DecisionOutcomeKnown | TrustMetricRecorded
"""Events that name an agent beside its session."""


@table("trust_levels", key="agent_id", named_by=("agent_id",))
class TrustLevel(Row):
    """How far an agent is trusted now; see `ladder`."""

    agent_id: str
    level: int
    score: float
    streak: int = 0
    decisions: int = 0
    approved: int = 0
    rejected: int = 0
    since: datetime


@table("conversation_history", key="message_id", named_by=("message_id", "parent_message_id"))
class ConversationHistory(Row):
    """A message in a session."""

    message_id: UUID
    session_id: UUID
    role: MessageRole
    content: str
    message_type: MessageType = "text"
    parent_message_id: UUID | None = None
    tokens_used: int | None = None
    model_used: str | None = None


class TrustV1(
    Projection,
    name="trust",
    tables=(Agent, AgentSession, AgentDecision, TrustMetric, TrustLevel, ConversationHistory),
):
    """Agents, their sessions, what they said and decided, and their standing under `rules`."""

    def __init__(self, rules: LadderRules = DEFAULT) -> None:
        self.rules = rules

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
        after, before = _SESSION_MOVES[type(event)]
        if session.session_state not in before:
            raise IllegalTransition(
                "agent_sessions", session.session_id, session.session_state, after
            )
        session.session_state = after
        session.version += 1
        if after in ("completed", "expired"):
            session.ended_at = recorded.occurred_at

    @on(DecisionMade)
    def decided(self, event: DecisionMade, recorded: RecordedEvent, rows: Rows) -> None:
        _check_agent(event, rows)
        rows.get(TrustLevel).decisions += 1
        rows.add(
            AgentDecision(
                decision_id=event.decision_id,
                session_id=event.session_id,
                decision_type=event.decision_type,
                input_context=event.input_context,
                decision_rationale=event.rationale,
                action_taken=event.action,
                confidence_score=event.confidence,
                execution_time_ms=event.execution_time_ms,
            )
        )

    @on(DecisionFeedbackGiven)
    def feedback_given(
        self, event: DecisionFeedbackGiven, recorded: RecordedEvent, rows: Rows
    ) -> None:
        decision, level = _judged(event, rows)
        earlier, before = decision.user_feedback, verdict(decision.user_feedback, decision.outcome)
        level.approved += (event.feedback == "approved") - (earlier == "approved")
        level.rejected += (event.feedback == "rejected") - (earlier == "rejected")
        decision.user_feedback = event.feedback
        after = verdict(decision.user_feedback, decision.outcome)
        self._count(level, new_fact(before, after), recorded)

    @on(DecisionOutcomeKnown)
    def outcome_known(
        self, event: DecisionOutcomeKnown, recorded: RecordedEvent, rows: Rows
    ) -> None:
        decision, level = _judged(event, rows)
        before = verdict(decision.user_feedback, decision.outcome)
        decision.outcome = event.outcome
        after = verdict(decision.user_feedback, decision.outcome)
        self._count(level, new_fact(before, after), recorded)

    @on(TrustMetricRecorded)
    def measured(self, event: TrustMetricRecorded, recorded: RecordedEvent, rows: Rows) -> None:
        _check_agent(event, rows)
        rows.add(
            TrustMetric(
                metric_id=event.metric_id,
                session_id=event.session_id,
                agent_id=event.agent_id,
                metric_type=event.metric_type,
                metric_value=event.metric_value,
                measurement_context=event.measurement_context,
                recorded_at=recorded.occurred_at,
            )
        )

    @on(MessageSent)
    def message_sent(self, event: MessageSent, recorded: RecordedEvent, rows: Rows) -> None:
        rows.see(AgentSession)  # its parent
        if event.parent_message_id is not None:
            rows.see(ConversationHistory, event.parent_message_id)
        rows.add(
            ConversationHistory(
                message_id=event.message_id,
                session_id=event.session_id,
                role=event.role,
                content=event.content,
                message_type=event.message_type,
                parent_message_id=event.parent_message_id,
                tokens_used=event.tokens_used,
                model_used=event.model_used,
            )
        )

    @on(FindingReported, ReflectionRecorded)
    def said(
        self, event: FindingReported | ReflectionRecorded, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.see(AgentSession)  # its parent
        rows.add(
            ConversationHistory(
                message_id=event.message_id,
                session_id=event.session_id,
                role="agent",
                content=event.content,
            )
        )

    def _count(self, level: TrustLevel, fact: Fact | None, recorded: RecordedEvent) -> None:
        """Takes a fact into an agent's standing."""
        if fact is None:
            return
        after = standing(Standing(level.level, level.score, level.streak), fact, self.rules)
        if after.level != level.level:
            level.since = recorded.occurred_at
        level.level, level.score, level.streak = after.level, after.score, after.streak


def _describe(agent: Agent, event: AgentRegistered | AgentUpdated) -> None:
    agent.name = event.name
    agent.persona_type = event.persona_type
    agent.capabilities = event.capabilities
    agent.config = event.config
    agent.version += 1


def _check_agent(event: OfAgent, rows: Rows) -> None:
    """Raises Contradiction when the session is another agent's."""
    session = rows.see(AgentSession)
    if session.agent_id != event.agent_id:
        raise Contradiction(
            "agent_sessions", session.session_id, "agent_id", session.agent_id, event.agent_id
        )


def _judged(
    event: DecisionFeedbackGiven | DecisionOutcomeKnown, rows: Rows
) -> tuple[AgentDecision, TrustLevel]:
    """The decision that is judged, and the standing of the agent that made it."""
    _check_agent(event, rows)
    decision = rows.get(AgentDecision)
    if decision.session_id != event.session_id:
        raise Contradiction(
            "agent_decisions",
            decision.decision_id,
            "session_id",
            decision.session_id,
            event.session_id,
        )
    return decision, rows.get(TrustLevel)
