from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from eventstore import Event
from eventstore.vocabulary.trust import (
    AgentActivated,
    AgentDeactivated,
    AgentRegistered,
    AgentUpdated,
    DecisionFeedbackGiven,
    DecisionMade,
    DecisionOutcomeKnown,
    Feedback,
    FindingReported,
    MessageSent,
    Outcome,
    ReflectionRecorded,
    SessionCompleted,
    SessionExpired,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    TrustMetricRecorded,
)
from projections.errors import Contradiction, IllegalTransition, MissingRow, RowExists
from projections.testing import FIRST_MOMENT, given
from projections.trust import (
    Agent,
    AgentDecision,
    AgentSession,
    ConversationHistory,
    LadderRules,
    Trust,
    TrustLevel,
    TrustMetric,
)

SESSION = uuid4()
SUCCESS: tuple[Outcome] = ("success",)
ANN = AgentRegistered(agent_id="ann", name="Ann", persona_type="qa", capabilities={"read": True})
BOB = AgentRegistered(agent_id="bob", name="Bob", persona_type="developer")
STARTED = SessionStarted(session_id=SESSION, agent_id="ann", context={"package": "pip"})


def decided() -> DecisionMade:
    return DecisionMade(
        decision_id=uuid4(),
        session_id=SESSION,
        agent_id="ann",
        decision_type="risk",
        rationale="no native code",
        action={"risk": "low"},
        confidence=0.9,
        execution_time_ms=3,
    )


def feedback(decision: DecisionMade, said: Feedback) -> DecisionFeedbackGiven:
    return DecisionFeedbackGiven(
        decision_id=decision.decision_id, session_id=SESSION, agent_id="ann", feedback=said
    )


def outcome(decision: DecisionMade, known: Outcome) -> DecisionOutcomeKnown:
    return DecisionOutcomeKnown(
        decision_id=decision.decision_id, session_id=SESSION, agent_id="ann", outcome=known
    )


def judged(*verdicts: Outcome) -> list[Event]:
    events: list[Event] = []
    for verdict in verdicts:
        decision = decided()
        events += [decision, outcome(decision, verdict)]
    return events


def test_a_new_agent_starts_at_the_foot_of_the_ladder() -> None:
    given(Trust(), ANN).then(
        Agent(agent_id="ann", name="Ann", persona_type="qa", capabilities={"read": True}),
        TrustLevel(agent_id="ann", level=0, score=0.5, since=FIRST_MOMENT + timedelta(seconds=1)),
    )


def test_an_agent_that_registers_again_keeps_its_standing() -> None:
    again = AgentRegistered(agent_id="ann", name="Ann 2", persona_type="architect")
    decision = decided()
    story = given(Trust(), ANN, STARTED, decision, again)
    agent, level = story.row(Agent), story.row(TrustLevel)
    assert (agent.name, agent.persona_type, agent.capabilities) == ("Ann 2", "architect", {})
    assert agent.version == 2
    assert level.decisions == 1


def test_agents_change() -> None:
    story = given(
        Trust(),
        ANN,
        AgentUpdated(agent_id="ann", name="A", persona_type="qa", config={"model": "m"}),
        AgentDeactivated(agent_id="ann", reason="review"),
    )
    story.then(
        Agent(
            agent_id="ann",
            name="A",
            persona_type="qa",
            config={"model": "m"},
            is_active=False,
            version=3,
        )
    )
    story.refuses(AgentUpdated(agent_id="bob", name="B", persona_type="qa"), MissingRow)
    events = [*story.events, AgentActivated(agent_id="ann")]
    assert given(Trust(), *events).row(Agent).is_active


def test_a_session_takes_the_level_that_the_agent_has() -> None:
    expires = FIRST_MOMENT + timedelta(hours=1)
    rules = LadderRules(start_level=2)
    started = STARTED.model_copy(update={"user_id": "u1", "expires_at": expires})
    given(Trust(rules), ANN, started).then(
        AgentSession(
            session_id=SESSION,
            agent_id="ann",
            user_id="u1",
            trust_level=2,
            context={"package": "pip"},
            started_at=FIRST_MOMENT + timedelta(seconds=2),
            expires_at=expires,
        )
    )
    granted = STARTED.model_copy(update={"trust_level": 1})
    assert given(Trust(rules), ANN, granted).row(AgentSession).trust_level == 1


def test_a_session_needs_its_agent() -> None:
    given(Trust(), BOB).refuses(STARTED, MissingRow)


def test_a_session_pauses_goes_on_and_ends() -> None:
    paused, resumed = SessionPaused(session_id=SESSION), SessionResumed(session_id=SESSION)
    over = SessionCompleted(session_id=SESSION)
    story = given(Trust(), ANN, STARTED)
    story.refuses(resumed, IllegalTransition)
    story = given(Trust(), ANN, STARTED, paused)
    assert story.row(AgentSession).session_state == "paused"
    story.refuses(SessionPaused(session_id=SESSION), IllegalTransition)
    story = given(Trust(), ANN, STARTED, paused, resumed, over)
    session = story.row(AgentSession)
    assert (session.session_state, session.version) == ("completed", 4)
    assert session.ended_at == FIRST_MOMENT + timedelta(seconds=5)
    story.refuses(SessionExpired(session_id=SESSION), IllegalTransition)


def test_a_session_expires() -> None:
    session = given(Trust(), ANN, STARTED, SessionExpired(session_id=SESSION)).row(AgentSession)
    assert session.session_state == "expired"
    assert session.ended_at == FIRST_MOMENT + timedelta(seconds=3)


def test_a_decision_and_what_came_of_it() -> None:
    decision = decided()
    story = given(
        Trust(),
        ANN,
        STARTED,
        decision,
        feedback(decision, "approved"),
        outcome(decision, "failure"),
    )
    story.then(
        AgentDecision(
            decision_id=decision.decision_id,
            session_id=SESSION,
            decision_type="risk",
            decision_rationale="no native code",
            action_taken={"risk": "low"},
            confidence_score=0.9,
            user_feedback="approved",
            outcome="failure",
            execution_time_ms=3,
        )
    )
    level = story.row(TrustLevel)
    assert (level.decisions, level.approved, level.rejected) == (1, 1, 0)
    assert (level.level, level.score, level.streak) == (0, 0.375, 0)


def test_a_decision_that_was_approved_and_succeeds_counts_once() -> None:
    decision = decided()
    events = (ANN, STARTED, decision, feedback(decision, "approved"), outcome(decision, "success"))
    assert given(Trust(), *events).row(TrustLevel).streak == 1


def test_five_successes_in_a_row_raise_the_confidence() -> None:
    four = given(Trust(), ANN, STARTED, *judged(*4 * SUCCESS)).row(TrustLevel)
    assert (four.level, four.score, four.streak) == (0, 0.5, 4)
    five = given(Trust(), ANN, STARTED, *judged(*5 * SUCCESS)).row(TrustLevel)
    assert (five.level, five.score, five.streak) == (0, 0.75, 0)


def test_a_broken_row_does_not() -> None:
    verdicts: list[Outcome] = ["success", "success", "failure", "success", "success", "success"]
    level = given(Trust(), ANN, STARTED, *judged(*verdicts)).row(TrustLevel)
    assert (level.score, level.streak) == (0.375, 3)


def test_levels_rise_and_a_critical_failure_lowers_them() -> None:
    climb = given(Trust(), ANN, STARTED, *judged(*10 * SUCCESS))
    level = climb.row(TrustLevel)
    assert (level.level, level.score) == (1, 0.5)
    assert level.since == FIRST_MOMENT + timedelta(seconds=22), "the event that lifted it"
    fall = given(Trust(), *climb.events, *judged("critical_failure")).row(TrustLevel)
    assert (fall.level, fall.score) == (0, 0.5)
    assert fall.since == FIRST_MOMENT + timedelta(seconds=24)


def test_a_second_thought_replaces_the_first() -> None:
    decision = decided()
    story = given(
        Trust(),
        ANN,
        STARTED,
        decision,
        feedback(decision, "approved"),
        feedback(decision, "rejected"),
        feedback(decision, "rejected"),
    )
    level = story.row(TrustLevel)
    assert (level.approved, level.rejected) == (0, 1)
    assert level.score == 0.375, "rejected twice is one failure"
    assert story.row(AgentDecision).user_feedback == "rejected"


def test_a_modified_decision_is_neither_success_nor_failure() -> None:
    decision = decided()
    level = given(Trust(), ANN, STARTED, decision, feedback(decision, "modified")).row(TrustLevel)
    assert (level.approved, level.rejected, level.streak, level.score) == (0, 0, 0, 0.5)


def test_other_rules_give_other_standings() -> None:
    story = [ANN, STARTED, *judged("success", "success")]
    level = given(Trust(LadderRules(streak=2)), *story).row(TrustLevel)
    assert level.score == 0.75


def test_nobody_gets_another_agent_s_credit() -> None:
    decision = decided()
    story = given(Trust(), ANN, BOB, STARTED, decision)
    story.refuses(decided().model_copy(update={"agent_id": "bob"}), Contradiction)
    for event in (feedback(decision, "approved"), outcome(decision, "success")):
        story.refuses(event.model_copy(update={"agent_id": "bob"}), Contradiction)
    other = SessionStarted(session_id=uuid4(), agent_id="ann")
    wrong = outcome(decision, "success").model_copy(update={"session_id": other.session_id})
    given(Trust(), *story.events, other).refuses(wrong, Contradiction)


def test_a_metric() -> None:
    metric = TrustMetricRecorded(
        metric_id=uuid4(),
        session_id=SESSION,
        agent_id="ann",
        metric_type="accuracy",
        metric_value=97.5,
        measurement_context={"files": 12},
    )
    given(Trust(), ANN, STARTED, metric).then(
        TrustMetric(
            metric_id=metric.metric_id,
            session_id=SESSION,
            agent_id="ann",
            metric_type="accuracy",
            metric_value=97.5,
            measurement_context={"files": 12},
            recorded_at=FIRST_MOMENT + timedelta(seconds=3),
        )
    ).refuses(metric, RowExists)


def test_what_is_said_in_a_session() -> None:
    asked = MessageSent(message_id=uuid4(), session_id=SESSION, role="user", content="Safe?")
    answered = MessageSent(
        message_id=uuid4(),
        session_id=SESSION,
        role="agent",
        content="pip --version",
        message_type="command",
        parent_message_id=asked.message_id,
        tokens_used=12,
        model_used="m1",
    )
    found = FindingReported(message_id=uuid4(), session_id=SESSION, content="No native code.")
    looked_back = ReflectionRecorded(
        message_id=uuid4(), session_id=SESSION, content="Well done.", confidence=0.8
    )
    given(Trust(), ANN, STARTED, asked, answered, found, looked_back).then(
        ConversationHistory(
            message_id=asked.message_id, session_id=SESSION, role="user", content="Safe?"
        ),
        ConversationHistory(
            message_id=answered.message_id,
            session_id=SESSION,
            role="agent",
            content="pip --version",
            message_type="command",
            parent_message_id=asked.message_id,
            tokens_used=12,
            model_used="m1",
        ),
        ConversationHistory(
            message_id=found.message_id, session_id=SESSION, role="agent", content="No native code."
        ),
        ConversationHistory(
            message_id=looked_back.message_id,
            session_id=SESSION,
            role="agent",
            content="Well done.",
        ),
    )


@pytest.mark.parametrize(
    "event",
    [
        MessageSent(message_id=uuid4(), session_id=uuid4(), role="agent", content="x"),
        MessageSent(
            message_id=uuid4(),
            session_id=SESSION,
            role="agent",
            content="x",
            parent_message_id=uuid4(),
        ),
        FindingReported(message_id=uuid4(), session_id=uuid4(), content="x"),
    ],
)
def test_a_message_needs_its_session_and_its_parent(event: Event) -> None:
    given(Trust(), ANN, STARTED).refuses(event, MissingRow)


def test_what_was_said_late_is_kept() -> None:
    late = MessageSent(message_id=uuid4(), session_id=SESSION, role="agent", content="done")
    story = given(Trust(), ANN, STARTED, SessionCompleted(session_id=SESSION), late)
    assert len(story.rows(ConversationHistory)) == 1
