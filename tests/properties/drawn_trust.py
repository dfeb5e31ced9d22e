"""Events of trust, drawn so that they meet."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from eventstore import Event
from eventstore.vocabulary import trust
from projections.testing import FIRST_MOMENT
from tests.properties.drawn import agents, ids, objects, texts

sessions, decisions, messages = ids(6, 3), ids(7, 4), ids(8, 6)
metrics, known = ids(9, 4), ids(10, 2)
of_agent: dict[str, Any] = {"agent_id": agents, "session_id": sessions}

EVENTS: tuple[st.SearchStrategy[Event], ...] = (
    st.builds(
        trust.AgentRegistered,
        agent_id=agents,
        name=st.just("n"),
        persona_type=st.just("qa"),
        capabilities=objects,
    ),
    st.builds(trust.SessionStarted, session_id=sessions, agent_id=agents, context=objects),
    st.builds(trust.SessionPaused, session_id=sessions),
    st.builds(trust.SessionResumed, session_id=sessions),
    st.builds(trust.SessionCompleted, session_id=sessions),
    st.builds(
        trust.DecisionMade,
        decision_id=decisions,
        decision_type=st.just("try"),
        rationale=texts,
        confidence=st.none() | st.floats(0, 1),
        **of_agent,
    ),
    st.builds(
        trust.DecisionFeedbackGiven,
        decision_id=decisions,
        feedback=st.sampled_from(["approved", "rejected", "modified"]),
        **of_agent,
    ),
    st.builds(
        trust.DecisionOutcomeKnown,
        decision_id=decisions,
        outcome=st.sampled_from(["success", "failure", "critical_failure"]),
        **of_agent,
    ),
    st.builds(
        trust.TrustMetricRecorded,
        metric_id=metrics,
        metric_type=st.just("accuracy"),
        metric_value=st.just(1.0) | st.floats(0, 100),
        **of_agent,
    ),
    st.builds(
        trust.MessageSent,
        message_id=messages,
        session_id=sessions,
        role=st.just("agent"),
        content=texts,
        parent_message_id=st.none() | messages,
    ),
    st.builds(
        trust.KnowledgeLearned,
        knowledge_id=known,
        agent_id=agents,
        knowledge_type=st.just("pattern"),
        domain=st.just("d"),
        content=objects,
    ),
    st.builds(trust.KnowledgeApplied, knowledge_id=known, agent_id=agents, succeeded=st.booleans()),
    st.builds(trust.KnowledgeForgotten, knowledge_id=known, agent_id=agents),
    st.builds(
        trust.ActionAudited,
        audit_id=ids(11, 3),
        session_id=st.none() | sessions,
        agent_id=agents,
        action_type=st.just("read"),
        risk_level=st.sampled_from(["low", "critical"]),
        ip_address=st.none() | st.ip_addresses(),
    ),
    st.builds(
        trust.TrustMetricsRolledUp,
        agent_id=agents,
        metric_type=st.just("accuracy"),
        day=st.just(FIRST_MOMENT.date()),
        metric_ids=st.lists(metrics, min_size=1, max_size=3, unique=True),
        total=st.just(1.0),
        minimum=st.just(1.0),
        maximum=st.just(1.0),
    ),
)
