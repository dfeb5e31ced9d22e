from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import Any
from uuid import UUID, uuid4

import pytest

from eventstore import Event
from eventstore.vocabulary.trust import (
    ActionAudited,
    AgentActivated,
    AgentDeactivated,
    AgentRegistered,
    AgentUpdated,
    DecisionFeedbackGiven,
    DecisionMade,
    DecisionOutcomeKnown,
    Feedback,
    FindingReported,
    KnowledgeApplied,
    KnowledgeForgotten,
    KnowledgeLearned,
    KnowledgeRefined,
    MessageSent,
    Outcome,
    ReflectionRecorded,
    SessionCompleted,
    SessionExpired,
    SessionPaused,
    SessionResumed,
    SessionStarted,
    TrustMetricRecorded,
    TrustMetricsRolledUp,
)
from projections.errors import Contradiction, IllegalTransition, MissingRow, RowClosed, RowExists
from projections.row import full_key
from projections.testing import FIRST_MOMENT, Given, given, recorded
from projections.trust import (
    Agent,
    AgentAuditLog,
    AgentDecision,
    AgentKnowledge,
    AgentSession,
    ConversationHistory,
    ConversationMessage,
    LadderRules,
    Trust,
    TrustLevel,
    TrustLevelChange,
    TrustMetric,
    TrustMetricDaily,
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


def changes(story: Given) -> list[TrustLevelChange]:
    return sorted(story.rows(TrustLevelChange), key=lambda each: each.position)


def test_each_change_is_traced_to_the_decisions_that_caused_it() -> None:
    climb = judged(*10 * SUCCESS)
    fall = judged("success", "critical_failure")
    made = [str(event.decision_id) for event in (*climb, *fall) if isinstance(event, DecisionMade)]
    found = changes(given(Trust(), ANN, STARTED, *climb, *fall))
    assert [
        (each.fact, each.from_level, each.from_score, each.to_level, each.to_score)
        for each in found
    ] == [
        ("success", 0, 0.5, 0, 0.75),
        ("success", 0, 0.75, 1, 0.5),
        ("critical_failure", 1, 0.5, 0, 0.5),
    ]
    first, second, third = found
    assert (first.decision_ids, second.decision_ids) == (made[:5], made[5:10])
    assert (third.decision_ids, str(third.decision_id)) == ([made[11]], made[11])
    assert (first.event_id, third.event_id) == (climb[9].event_id, fall[3].event_id)
    assert first.changed_at == FIRST_MOMENT + timedelta(seconds=12)


def test_a_streak_names_its_decisions() -> None:
    climb = judged(*3 * SUCCESS)
    made = [str(event.decision_id) for event in climb if isinstance(event, DecisionMade)]
    story = given(Trust(), ANN, STARTED, *climb)
    assert story.row(TrustLevel).streak_decision_ids == made
    assert not changes(story)
    story = given(Trust(), *story.events, *judged("failure"))
    assert story.row(TrustLevel).streak_decision_ids == []


def test_what_changes_nothing_is_no_change() -> None:
    floor = given(Trust(), ANN, STARTED, *judged("critical_failure", "critical_failure"))
    assert len(changes(floor)) == 1
    assert floor.row(TrustLevel).score == 0
    rules = LadderRules(streak=1, raise_by=1.0, start_level=4)
    top = given(Trust(rules), ANN, STARTED, *judged("success", "success"))
    assert [each.to_score for each in changes(top)] == [1.0]


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


def metric(value: float) -> TrustMetricRecorded:
    return TrustMetricRecorded(
        metric_id=uuid4(),
        session_id=SESSION,
        agent_id="ann",
        metric_type="accuracy",
        metric_value=value,
    )


def rolled_up(*metrics: TrustMetricRecorded, **changed: Any) -> TrustMetricsRolledUp:
    values = [metric.metric_value for metric in metrics]
    facts: dict[str, Any] = {
        "agent_id": "ann",
        "metric_type": "accuracy",
        "day": FIRST_MOMENT.date(),
        "metric_ids": [metric.metric_id for metric in metrics],
        "total": sum(values),
        "minimum": min(values),
        "maximum": max(values),
    }
    return TrustMetricsRolledUp(**facts | changed)


def test_metrics_of_a_day_become_one() -> None:
    low, high, last = metric(50), metric(75), metric(100)
    story = given(Trust(), ANN, STARTED, low, high, last, rolled_up(low, high))
    assert [each.metric_id for each in story.rows(TrustMetric)] == [last.metric_id]
    story.then(
        TrustMetricDaily(
            agent_id="ann",
            metric_type="accuracy",
            day=FIRST_MOMENT.date(),
            metric_count=2,
            total=125.0,
            average=62.5,
            minimum=50.0,
            maximum=75.0,
        )
    )
    story.refuses(rolled_up(low), MissingRow)
    story = given(Trust(), *story.events, rolled_up(last))
    assert not story.rows(TrustMetric)
    day = story.row(TrustMetricDaily)
    assert (day.metric_count, day.total, day.average) == (3, 225.0, 75.0)
    assert (day.minimum, day.maximum, day.roll_ups) == (50.0, 100.0, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"total": 51.0},
        {"minimum": 49.0},
        {"maximum": 51.0},
        {"agent_id": "bob"},
        {"metric_type": "autonomy"},
        {"day": FIRST_MOMENT.date() + timedelta(days=1)},
    ],
)
def test_a_wrong_sum_is_refused(wrong: dict[str, Any]) -> None:
    one = metric(50)
    given(Trust(), ANN, BOB, STARTED, one).refuses(rolled_up(one, **wrong), Contradiction)


def test_what_an_agent_knows() -> None:
    learned = KnowledgeLearned(
        knowledge_id=uuid4(),
        agent_id="ann",
        knowledge_type="solution",
        domain="msi",
        content={"switch": "/qn"},
    )
    known: dict[str, Any] = {"knowledge_id": learned.knowledge_id, "agent_id": "ann"}
    used = [KnowledgeApplied(**known, succeeded=helped) for helped in (True, False, True, True)]
    story = given(Trust(), ANN, learned, *used)
    story.then(
        AgentKnowledge(
            knowledge_id=learned.knowledge_id,
            agent_id="ann",
            knowledge_type="solution",
            domain="msi",
            content={"switch": "/qn"},
            usage_count=4,
            success_count=3,
            success_rate=0.75,
            last_used_at=FIRST_MOMENT + timedelta(seconds=6),
        )
    )
    refined = KnowledgeRefined(**known, knowledge_type="pattern", domain="msi", content={"a": 1})
    row = given(Trust(), *story.events, refined).row(AgentKnowledge)
    assert (row.knowledge_type, row.content, row.usage_count) == ("pattern", {"a": 1}, 4)
    assert not given(Trust(), *story.events, KnowledgeForgotten(**known)).rows(AgentKnowledge)
    not_hers = KnowledgeApplied(**known | {"agent_id": "bob"}, succeeded=True)
    given(Trust(), *story.events, BOB).refuses(not_hers, Contradiction)
    story.refuses(KnowledgeForgotten(knowledge_id=uuid4(), agent_id="ann"), MissingRow)


def audited(**changed: Any) -> ActionAudited:
    facts: dict[str, Any] = {
        "audit_id": UUID(int=1),
        "agent_id": "ann",
        "session_id": SESSION,
        "action_type": "delete",
        "risk_level": "high",
        "ip_address": "10.0.0.1",
    }
    return ActionAudited(**facts | changed)


def test_what_is_kept_for_the_auditors() -> None:
    over = SessionCompleted(session_id=SESSION)
    given(Trust(), ANN, STARTED, over, audited()).then(
        AgentAuditLog(
            audit_id=UUID(int=1),
            agent_id="ann",
            session_id=SESSION,
            action_type="delete",
            risk_level="high",
            user_id=None,
            ip_address=IPv4Address("10.0.0.1"),
            user_agent=None,
        )
    ).refuses(audited(), RowExists)
    story = given(Trust(), ANN, BOB, STARTED)
    story.refuses(audited(agent_id="bob"), Contradiction)
    story.refuses(audited(agent_id="eve", session_id=None), MissingRow)
    assert given(Trust(), ANN, audited(session_id=None)).row(AgentAuditLog).session_id is None


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
    said: tuple[Any, ...] = (asked, answered, found, looked_back)
    story = given(Trust(), ANN, STARTED, *said)
    story.refuses(answered, RowExists)
    story.then(
        *(
            ConversationMessage(
                message_id=each.message_id,
                session_id=SESSION,
                parent_message_id=asked.message_id if each is answered else None,
                sent_at=FIRST_MOMENT + timedelta(seconds=second),
            )
            for second, each in enumerate(said, 3)
        ),
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


def message() -> MessageSent:
    return MessageSent(message_id=uuid4(), session_id=SESSION, role="agent", content="done")


@pytest.mark.parametrize("end", [SessionCompleted, SessionExpired])
@pytest.mark.parametrize("late", [message(), decided()])
def test_nothing_is_said_or_decided_in_a_session_that_is_over(
    end: type[SessionCompleted | SessionExpired], late: Event
) -> None:
    story = given(Trust(), ANN, STARTED, end(session_id=SESSION))
    story.refuses(late, RowClosed)


def test_a_session_is_over_when_its_time_is() -> None:
    short = STARTED.model_copy(update={"expires_at": FIRST_MOMENT + timedelta(seconds=4)})
    story = given(Trust(), ANN, short, message())
    assert len(story.rows(ConversationHistory)) == 1
    story.refuses(message(), RowClosed)


def test_a_decision_may_be_judged_and_measured_after_its_session() -> None:
    decision = decided()
    over = SessionCompleted(session_id=SESSION)
    story = given(Trust(), ANN, STARTED, decision, over, feedback(decision, "approved"), metric(9))
    assert story.row(TrustLevel).approved == 1
    assert len(story.rows(TrustMetric)) == 1


def test_a_message_is_kept_under_its_time() -> None:
    """A message that is known already is refused whatever its time; a partition would not know."""
    at = datetime(2024, 2, 29, 23, 59, tzinfo=UTC)
    said = message()
    story = given(Trust(), ANN, STARTED)
    Trust().apply(story.state, recorded(said, 3)._replace(occurred_at=at))
    assert full_key(story.row(ConversationHistory)) == ("default", said.message_id, at)
    story.refuses(said, RowExists)
