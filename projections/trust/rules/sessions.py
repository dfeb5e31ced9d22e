"""What the rules of trust ask of the session that an event names."""

from __future__ import annotations

from eventstore import RecordedEvent
from eventstore.vocabulary.trust import (
    DecisionFeedbackGiven,
    DecisionMade,
    DecisionOutcomeKnown,
    TrustMetricRecorded,
)
from projections.errors import Contradiction, RowClosed
from projections.projection import Rows
from projections.trust.rows import AgentSession

__all__ = ["OfAgent", "own_session", "require_open"]

OfAgent = DecisionMade | DecisionFeedbackGiven | DecisionOutcomeKnown | TrustMetricRecorded
"""Events that name an agent beside its session."""


def own_session(event: OfAgent, rows: Rows) -> AgentSession:
    """The session that an event names; raises Contradiction when it is another agent's."""
    session = rows.see(AgentSession)
    if session.agent_id != event.agent_id:
        raise Contradiction(
            "agent_sessions", session.session_id, "agent_id", session.agent_id, event.agent_id
        )
    return session


def require_open(session: AgentSession, recorded: RecordedEvent) -> None:
    """Raises RowClosed when the session was over at the time of the event.

    What is said about a session (feedback, outcomes, metrics) may come later than its end; what is
    said and decided in it may not.
    """
    if session.ended_at is not None:
        raise RowClosed(
            "agent_sessions", session.session_id, session.session_state, session.ended_at
        )
    if session.expires_at is not None and session.expires_at <= recorded.occurred_at:
        raise RowClosed("agent_sessions", session.session_id, "expired", session.expires_at)
