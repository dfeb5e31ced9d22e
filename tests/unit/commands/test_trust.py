"""What may be said in trust, and what is refused."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from eventstore import Event
from eventstore.command import Timed
from eventstore.commands import trust as ask
from eventstore.commands.trust.ids import NO_IDS, Ids
from eventstore.refusals import (
    AlreadyExists,
    CommandRefused,
    DoesNotExist,
    IllegalMove,
    InvalidCommand,
    NotAllowed,
    SessionEnded,
)
from eventstore.testing import When, given
from eventstore.vocabulary import trust
from projections.errors import IllegalTransition
from projections.testing import FIRST_MOMENT
from projections.testing import given as told
from projections.trust import Trust

SESSION, DECISION, METRIC, KNOWN = (UUID(int=n) for n in range(1, 5))
NOON = FIRST_MOMENT
LATER = NOON + timedelta(hours=1)
ANN = trust.AgentRegistered(agent_id="ann", name="Ann", persona_type="qa")
OFF, ON = trust.AgentDeactivated(agent_id="ann"), trust.AgentActivated(agent_id="ann")
STARTED = trust.SessionStarted(session_id=SESSION, agent_id="ann")
LIMITED = trust.SessionStarted(session_id=SESSION, agent_id="ann", expires_at=LATER)
PAUSED = trust.SessionPaused(session_id=SESSION)
RESUMED = trust.SessionResumed(session_id=SESSION)
COMPLETED = trust.SessionCompleted(session_id=SESSION)
EXPIRED = trust.SessionExpired(session_id=SESSION)
IN_SESSION: dict[str, Any] = {"session_id": SESSION}
LEARNED = trust.KnowledgeLearned(
    knowledge_id=KNOWN, agent_id="ann", knowledge_type="pattern", domain="msi"
)
OF_ANN = {"agent-ann": [ANN]}


def start(**more: Any) -> ask.StartSession:
    return ask.StartSession(**{"agent_id": "ann", "at": NOON, **IN_SESSION, **more})


def send(content: str = "x", **more: Any) -> ask.SendMessage:
    return ask.SendMessage(**{"role": "agent", "at": NOON, **IN_SESSION, **more}, content=content)


def decide(**more: Any) -> ask.MakeDecision:
    about = {"agent_id": "ann", "decision_type": "risk", "rationale": "pure Python", "at": NOON}
    return ask.MakeDecision(**{**about, **IN_SESSION, **more})


def measure(value: float, kind: trust.MetricType = "accuracy", **more: Any) -> ask.RecordMetric:
    return ask.RecordMetric(**IN_SESSION, metric_type=kind, metric_value=value, **more)


def sent(message_id: UUID | None = None) -> trust.MessageSent:
    return trust.MessageSent(
        message_id=message_id or uuid4(), **IN_SESSION, role="agent", content="x"
    )


MADE = trust.DecisionMade(
    decision_id=DECISION,
    **IN_SESSION,
    agent_id="ann",
    decision_type="risk",
    rationale="pure Python",
)


def test_an_agent_is_known_before_it_is_changed() -> None:
    described: dict[str, Any] = {"agent_id": "ann", "name": "Ann", "persona_type": "qa"}
    given().when(ask.RegisterAgent(**described)).then(ANN)
    given(ANN).when(ask.RegisterAgent(**described)).then(ANN)
    given(ANN).when(ask.UpdateAgent(**described)).then(trust.AgentUpdated(**described))
    for command in (
        ask.UpdateAgent(**described), ask.ActivateAgent(agent_id="ann"),
        ask.DeactivateAgent(agent_id="ann"),
    ):  # fmt: skip
        given().when(command).refused(DoesNotExist)


def test_an_agent_is_switched_on_and_off() -> None:
    given(ANN).when(ask.DeactivateAgent(agent_id="ann")).then(OFF)
    given(ANN, OFF).when(ask.ActivateAgent(agent_id="ann")).then(ON)
    given(ANN, OFF, ON).when(ask.ActivateAgent(agent_id="ann")).refused(NotAllowed)
    given(ANN, OFF, ANN).when(ask.DeactivateAgent(agent_id="ann")).refused(NotAllowed)


@pytest.mark.parametrize("name", ["", "line\nbreak", "x" * 129])
def test_the_name_of_an_agent_can_be_that_of_a_stream(name: str) -> None:
    with pytest.raises(InvalidCommand) as caught:
        start(agent_id=name)
    assert caught.value.path == "agent_id"


def test_a_session_is_of_an_agent_that_may_work() -> None:
    given(others=OF_ANN).when(start()).then(STARTED)
    given().when(start()).refused(DoesNotExist)
    given(others={"agent-ann": [ANN, OFF]}).when(start()).refused(NotAllowed)
    given(STARTED, others=OF_ANN).when(start()).refused(AlreadyExists)
    given(STARTED, COMPLETED, others=OF_ANN).when(start()).refused(AlreadyExists)


@pytest.mark.parametrize("ends", [NOON, NOON - timedelta(days=1)])
def test_a_session_ends_after_it_begins(ends: datetime) -> None:
    with pytest.raises(InvalidCommand, match="not after"):
        start(expires_at=ends)


MOVES: dict[type[Timed], Event] = {
    ask.PauseSession: PAUSED,
    ask.ResumeSession: RESUMED,
    ask.CompleteSession: COMPLETED,
    ask.ExpireSession: EXPIRED,
}
PATHS: dict[str, tuple[Event, ...]] = {
    "active": (),
    "paused": (PAUSED,),
    "resumed": (PAUSED, RESUMED),
    "completed": (COMPLETED,),
    "expired while paused": (PAUSED, EXPIRED),
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("command", MOVES)
def test_a_session_moves_as_its_table_does(path: tuple[Event, ...], command: type[Timed]) -> None:
    """What the decider refuses the read model refuses, and the other way round."""
    event = MOVES[command]
    decided = given(STARTED, *path).when(command(**IN_SESSION, at=NOON))
    folded = told(Trust(), ANN, STARTED, *path)
    if PATHS["completed"] == path or EXPIRED in path:
        decided.refused(SessionEnded)
        folded.refuses(event, IllegalTransition)
    elif event == (path[-1] if path else RESUMED):
        refusal = decided.refused(IllegalMove)
        assert refusal.allowed
        folded.refuses(event, IllegalTransition)
    else:
        decided.then(event)
        told(Trust(), ANN, STARTED, *path, event)


def test_a_session_that_was_not_started_is_not_moved() -> None:
    for command in MOVES:
        given().when(command(**IN_SESSION)).refused(DoesNotExist)


def test_a_session_expires_when_its_time_is_over_and_not_before() -> None:
    early, late = (ask.ExpireSession(**IN_SESSION, at=at) for at in (NOON, LATER))
    assert "complete it" in str(given(LIMITED).when(early).refused(NotAllowed))
    given(LIMITED).when(late).then(EXPIRED)
    given(LIMITED, COMPLETED).when(late).refused(SessionEnded)
    given(STARTED).when(early).then(EXPIRED)


SAYS: list[tuple[type[Timed], dict[str, Any]]] = [
    (ask.SendMessage, {"role": "user", "content": "x"}),
    (ask.ReportFinding, {"content": "x"}),
    (ask.RecordReflection, {"content": "x"}),
    (ask.MakeDecision, {"agent_id": "ann", "decision_type": "risk", "rationale": "r"}),
    (ask.PauseSession, {}),
    (ask.CompleteSession, {}),
]


@pytest.mark.parametrize(("command", "fields"), SAYS, ids=[each.__name__ for each, _ in SAYS])
def test_nothing_more_is_said_in_a_session_that_is_over(
    command: type[Timed], fields: dict[str, Any]
) -> None:
    def when(*events: Event, at: datetime = NOON) -> When:
        others = OF_ANN if command is ask.MakeDecision else {}
        return given(*events, others=others).when(command(**IN_SESSION, **fields, at=at))

    refusal = when(LIMITED, at=LATER).refused(SessionEnded)
    assert (refusal.session_id, refusal.state, refusal.since) == (
        str(SESSION), "expired", LATER.isoformat(),
    )  # fmt: skip
    for ended, state in ((COMPLETED, "completed"), (EXPIRED, "expired")):
        assert when(STARTED, ended).refused(SessionEnded).state == state
    when().refused(DoesNotExist)
    with pytest.raises(AssertionError, match="no CommandRefused"):
        when(LIMITED, at=LATER - timedelta(microseconds=1)).refused(CommandRefused)


def test_what_is_said_in_a_session_has_the_id_of_its_command() -> None:
    message, finding = send(), ask.ReportFinding(**IN_SESSION, content="x", details={"n": 1})
    given(STARTED).when(message).then(sent(message.command_id))
    found = trust.FindingReported(
        message_id=finding.command_id, **IN_SESSION, content="x", details={"n": 1}
    )
    given(STARTED, PAUSED).when(finding).then(found)
    looked_back = ask.RecordReflection(**IN_SESSION, content="x", focal_points=["msi"])
    given(STARTED).when(looked_back).then(
        trust.ReflectionRecorded(
            message_id=looked_back.message_id, **IN_SESSION, content="x", focal_points=["msi"]
        )
    )
    given(STARTED, sent(message.message_id)).when(message).refused(AlreadyExists)


def test_a_message_answers_one_of_its_session() -> None:
    question = sent()
    answer = send(parent_message_id=question.message_id)
    said = trust.MessageSent(
        message_id=answer.message_id,
        parent_message_id=question.message_id,
        **IN_SESSION,
        role="agent",
        content="x",
    )
    given(STARTED, question).when(answer).then(said)
    given(STARTED, sent()).when(answer).refused(DoesNotExist)


def test_a_decision_is_made_by_the_agent_whose_session_it_is() -> None:
    command = decide(command_id=DECISION)
    given(STARTED, others=OF_ANN).when(command).then(MADE)
    given(STARTED, MADE, others=OF_ANN).when(command).refused(AlreadyExists)
    given(STARTED, others={"agent-ann": [ANN, OFF]}).when(command).refused(NotAllowed)
    bob = {"agent-bob": [trust.AgentRegistered(agent_id="bob", name="Bob", persona_type="qa")]}
    refusal = given(STARTED, others=bob).when(decide(agent_id="bob")).refused(NotAllowed)
    assert "ann" in refusal.reason


def test_a_decision_may_be_judged_when_its_session_is_over() -> None:
    about: dict[str, Any] = {**IN_SESSION, "decision_id": DECISION, "reason": "read it"}
    feedback = ask.GiveFeedback(**about, feedback="approved")
    outcome = ask.RecordOutcome(**about, outcome="critical_failure")
    for events in ((STARTED, MADE), (STARTED, MADE, COMPLETED)):
        given(*events).when(feedback).then(
            trust.DecisionFeedbackGiven(**about, agent_id="ann", feedback="approved")
        )
        given(*events).when(outcome).then(
            trust.DecisionOutcomeKnown(**about, agent_id="ann", outcome="critical_failure")
        )
    for command in (feedback, outcome):
        given(STARTED).when(command).refused(DoesNotExist)
        given(STARTED, COMPLETED, MADE).when(command).refused(DoesNotExist)
        given().when(command).refused(DoesNotExist)


def test_a_metric_is_recorded_once_for_ever() -> None:
    command = measure(91.5, command_id=METRIC)
    event = trust.TrustMetricRecorded(
        metric_id=METRIC, **IN_SESSION, agent_id="ann", metric_type="accuracy", metric_value=91.5
    )
    given(STARTED, COMPLETED).when(command).then(event)
    given().when(command).refused(DoesNotExist)
    given(STARTED, event).when(command).refused(AlreadyExists)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("accuracy", 100.5), ("autonomy", -0.1), ("complexity", 10.01), ("complexity", float("nan"))],
)
def test_a_metric_is_in_the_range_of_its_type(kind: trust.MetricType, value: float) -> None:
    with pytest.raises(InvalidCommand):
        measure(value, kind)


def test_knowledge_belongs_to_the_agent_that_learned_it() -> None:
    own: dict[str, Any] = {"knowledge_id": KNOWN, "agent_id": "ann"}
    about: dict[str, Any] = {"knowledge_type": "pattern", "domain": "msi"}
    learn = ask.LearnKnowledge(**own, **about)
    given(others=OF_ANN).when(learn).then(LEARNED)
    given(LEARNED, others=OF_ANN).when(learn).refused(AlreadyExists)
    given(others={"agent-ann": [ANN, OFF]}).when(learn).refused(NotAllowed)
    for command, event in (
        (ask.RefineKnowledge(knowledge_id=KNOWN, **about), trust.KnowledgeRefined(**own, **about)),
        (
            ask.ApplyKnowledge(knowledge_id=KNOWN, succeeded=True),
            trust.KnowledgeApplied(**own, succeeded=True),
        ),
        (ask.ForgetKnowledge(knowledge_id=KNOWN), trust.KnowledgeForgotten(**own)),
    ):
        given(LEARNED).when(command).then(event)
        given().when(command).refused(DoesNotExist)
        given(LEARNED, trust.KnowledgeForgotten(**own)).when(command).refused(DoesNotExist)
    forgotten = trust.KnowledgeForgotten(**own)
    given(LEARNED, forgotten, others=OF_ANN).when(learn).then(LEARNED)


def test_what_is_audited_is_an_agents_own() -> None:
    did: dict[str, Any] = {"agent_id": "ann", "action_type": "read_file", "risk_level": "low"}
    outside, inside = ask.AuditAction(**did), ask.AuditAction(**did, **IN_SESSION)
    given(others=OF_ANN).when(outside).then(trust.ActionAudited(**did, audit_id=outside.command_id))
    given().when(outside).refused(DoesNotExist)
    event = trust.ActionAudited(**did, **IN_SESSION, audit_id=inside.command_id)
    given(STARTED, COMPLETED).when(inside).then(event)
    given().when(inside).refused(DoesNotExist)
    of_bob = trust.SessionStarted(**IN_SESSION, agent_id="bob")
    given(of_bob).when(inside).refused(NotAllowed)


def test_ids_are_found_where_they_begin() -> None:
    """Not where the end of one and the beginning of the next look like one."""
    first, second = UUID(bytes=bytes(8) + b"\1" * 8), UUID(bytes=b"\2" * 8 + bytes(8))
    across = UUID(bytes=b"\1" * 8 + b"\2" * 8)
    ids: Ids = NO_IDS.and_also(first).and_also(second)
    assert first in ids
    assert second in ids
    assert across not in ids
    assert across in ids.and_also(across)
    assert UUID(int=0) not in ids
    assert UUID(int=0) in NO_IDS.and_also(UUID(int=0)).and_also(UUID(int=0))
    assert first not in NO_IDS
