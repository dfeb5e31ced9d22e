"""Logs of who-and-when as events, and the real ones counted."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from eventstore.ingest.reader import BrokenFile
from eventstore.ingest.who_and_when import reader
from eventstore.vocabulary.trust import DecisionMade, DecisionOutcomeKnown, MessageSent
from eventstore.vocabulary.work import ErrorReported, WorkOrderStatusChanged
from tests.recorded_runs import DATA, Read, blame

LOGS = DATA / "who-and-when"


def named(**more: Any) -> dict[str, Any]:
    """The form in which each agent has a name and a prompt."""
    history = [
        {"role": "assistant", "name": "Expert", "content": "run this"},
        {"role": "user", "name": "Computer_terminal", "content": "exitcode: 1"},
        {"role": "user", "name": "Checker", "content": "fine"},
    ]
    prompts = {"Expert": "you know", "Checker": "you check"}
    told = {"history": history, "system_prompt": prompts, "mistake_agent": "Checker",
            "mistake_step": "2", "is_correct": False}  # fmt: skip
    given = {**blame(), **told, **more}
    del given["is_corrected"]
    return given


def test_every_agent_has_a_session_and_says_its_steps_there() -> None:
    read = Read(reader, blame())
    assert [each.events[0].event_type for each in read.shared] == ["trust.agent_registered"] * 2
    assert read.types["trust.session_started"] == read.types["trust.session_completed"] == 2
    said = [each for each in read.appends if isinstance(each.events[0], MessageSent)]
    assert [(each.agent, each.target_agent) for each in said] == [
        ("human", None), ("Boss", None), ("Boss", "Searcher"), ("Searcher", None),
    ]  # fmt: skip
    assert [each.events[0].role for each in said] == ["user", "agent", "agent", "agent"]  # type: ignore[attr-defined]
    assert said[2].stream_id == said[0].stream_id != said[3].stream_id


def test_who_was_spoken_to_answers_that_and_the_file_states_it() -> None:
    read = Read(reader, blame())
    said = [each for each in read.appends if isinstance(each.events[0], MessageSent)]
    assert read.cause_of(said[3]) is said[2]
    assert "causation" not in said[3].metadata["derived"]
    assert "causation" in said[2].metadata["derived"]


def test_the_labelled_mistake_is_a_decision_that_failed() -> None:
    read = Read(reader, blame())
    [decision], [outcome] = read.all(DecisionMade), read.all(DecisionOutcomeKnown)
    assert (decision.agent_id, decision.rationale) == ("Searcher", "it is two")
    assert outcome.decision_id == decision.decision_id
    assert (outcome.outcome, outcome.reason) == ("failure", "it looked at one page")
    assert "decision" in read.only(DecisionMade).metadata["derived"]
    assert read.all(WorkOrderStatusChanged)[-1].to_status == "FAILED"


def test_a_mistake_of_nobody_in_the_team_is_an_error() -> None:
    read = Read(reader, blame(mistake_agent="WebSurfer"))
    assert not read.all(DecisionMade)
    [error] = read.all(ErrorReported)
    assert (error.cause, error.details["mistake_agent"]) == ("mistake", "WebSurfer")


def test_the_terminal_that_runs_code_is_no_agent() -> None:
    read = Read(reader, named())
    assert [each.agent for each in read.shared] == ["Expert", "Checker"]
    said = read.all(MessageSent)
    assert [each.role for each in said] == ["agent", "system", "agent"]
    assert said[1].session_id == said[0].session_id


def test_two_teams_at_one_question_are_two_runs() -> None:
    runs = [Read(reader, each).runs[0].correlation_id for each in (blame(), named())]
    assert runs[0] != runs[1]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"{", "is no JSON"),
        ([], "is a JSON array"),
        (blame(history=[]), "history: "),
        (blame(history=[{"role": "human", "content": "so?"}], mistake_step="0"), "no agent speaks"),
        (blame(mistake_step="4"), "mistake_step: there are 4 steps"),
        (blame(mistake_step="soon"), "mistake_step: "),
        (blame(question_ID=""), "question_ID: "),
    ],
)
def test_a_broken_log_says_where(document: Any, reason: str) -> None:
    with pytest.raises(BrokenFile, match=reason):
        Read(reader, document)


@pytest.mark.skipif(not LOGS.is_dir(), reason="the recorded runs are not here")
def test_real_logs_are_all_told() -> None:
    runs, steps, types, by_hand = set(), 0, Counter[str](), Counter[str]()
    for path in sorted(LOGS.rglob("*.json")):
        log = json.loads(path.read_bytes())
        speakers = {step.get("name") or step["role"].split(" (")[0] for step in log["history"]}
        agents = speakers - {"human", "Computer_terminal"}
        steps += len(log["history"])
        by_hand.update(
            {"trust.session_started": len(agents), "trust.session_completed": len(agents)}
        )
        read = Read(reader, path.read_bytes(), path.name)
        runs.add(read.runs[0].correlation_id)
        types += read.types
        [outcome], wrong = read.all(DecisionOutcomeKnown), log["history"][int(log["mistake_step"])]
        assert (outcome.agent_id, outcome.reason) == (log["mistake_agent"], log["mistake_reason"])
        assert read.all(DecisionMade)[0].rationale == wrong["content"]
    assert (len(runs), steps) == (40, 1314)
    for name in ("trust.decision_made", "trust.decision_outcome_known", "work.attempt_ended"):
        by_hand[name] = 40
    for name in ("work.work_order_opened", "work.work_item_queued", "work.attempt_started"):
        by_hand[name] = 40
    by_hand["trust.message_sent"] = 1314
    by_hand["work.work_order_status_changed"] = by_hand["work.work_item_status_changed"] = 80
    assert types == by_hand
