"""Trials of tau-bench as events, and the real ones counted."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from eventstore.ingest import reader as limits
from eventstore.ingest.reader import BrokenFile
from eventstore.ingest.tau_bench import AGENT, reader
from eventstore.vocabulary.trust import DecisionMade, MessageSent, SessionStarted
from eventstore.vocabulary.trust import TrustMetricRecorded as Metric
from eventstore.vocabulary.work import EvalRecorded, WorkItemQueued, WorkOrderStatusChanged
from tests.recorded_runs import DATA, Read, tool_call, trial

FILE = DATA / "tau-bench" / "gpt-4o-airline.json"


def test_each_trial_is_a_run_of_its_own() -> None:
    read = Read(reader, [trial(number=0), trial(number=1)])
    assert len(read.runs) == 2
    assert len({run.correlation_id for run in read.runs}) == 2
    assert {each.events[0].event_id for each in read.shared} == {read.shared[0].events[0].event_id}
    assert [each.type for each in read.all(WorkItemQueued)] == ["TASK", "TASK"]
    session = read.all(SessionStarted)[0]
    assert (session.agent_id, session.user_id) == (AGENT, "ann")


def test_a_tool_call_is_a_decision_that_its_answer_follows_from() -> None:
    read = Read(reader, [trial()])
    decision = read.only(DecisionMade)
    assert decision.events[0].action == {"tool": "book", "arguments": {}}  # type: ignore[attr-defined]
    assert decision.metadata["source"]["other"]["call"] == "c1"
    answer = next(each for each in read.appends if each.agent == "tool")
    assert answer.causation_id == decision.events[0].event_id
    assert "causation" not in answer.metadata["derived"]
    assert [(each.role, each.content) for each in read.all(MessageSent)] == [
        ("system", "be kind"), ("user", "a seat, please"), ("system", "booked"), ("agent", "done"),
    ]  # fmt: skip


def test_words_beside_a_tool_call_are_a_message_and_its_rationale() -> None:
    said = {"role": "assistant", "content": "I book", "tool_calls": [tool_call("c1", "book", "{")]}
    read = Read(reader, [trial(said)])
    [decision] = read.all(DecisionMade)
    assert decision.rationale == read.all(MessageSent)[0].content == "I book"
    assert decision.action["arguments"] == "{", "what is no JSON stays as it was written"


@pytest.mark.parametrize(("reward", "status"), [(1.0, "COMPLETED"), (0.5, "FAILED")])
def test_the_reward_is_an_evaluation_and_decides_how_it_ended(reward: float, status: str) -> None:
    read = Read(reader, [trial(reward=reward)])
    [recorded] = read.all(EvalRecorded)
    assert (recorded.score, recorded.passed) == (reward, reward == 1)
    assert read.all(Metric)[0].metric_value == 100 * reward
    assert read.all(WorkOrderStatusChanged)[-1].to_status == status


def test_no_time_is_stated_and_that_is_said() -> None:
    for append in Read(reader, [trial()]).appends:
        assert append.occurred_at is None
        assert "occurred_at" in append.metadata["derived"]


def test_the_same_record_is_the_same_run_however_it_is_written() -> None:
    plain, wide = json.dumps([trial()]), json.dumps([dict(reversed(trial().items()))], indent=4)
    first, second = Read(reader, plain.encode(), "a.json"), Read(reader, wide.encode(), "b.json")
    assert first.runs[0].correlation_id == second.runs[0].correlation_id
    assert [e.events for e in first.appends] == [e.events for e in second.appends]


BROKEN: list[tuple[Any, str]] = [
    ({**trial(), "reward": 2}, "1.reward: "),
    ({**trial(), "traj": [{"role": "robot"}]}, "1.traj.0.role: "),
    (trial({"role": "tool", "tool_call_id": "c9", "content": ""}), "1.traj.0.tool_call_id: "),
    ({"task_id": 1}, "1.trial: "),
    ("text", "1: is a JSON string"),
]


@pytest.mark.parametrize(("record", "reason"), BROKEN)
def test_a_broken_trial_is_named_and_the_others_are_told(record: Any, reason: str) -> None:
    read = Read(reader, [trial(number=0), record, trial(number=2)])
    assert len(read.runs) == 2
    assert [str(each).startswith(reason) for each in read.broken] == [True], read.broken[0]


def test_what_stands_before_a_cut_is_told() -> None:
    text = json.dumps([trial(number=0), trial(number=1)]).encode()
    read = Read(reader, text[:-30])
    assert len(read.runs) == 1
    assert [str(each) for each in read.broken] == [
        "after record 0: is no JSON: parse error: premature EOF"
    ]


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"[{]"])
def test_what_is_no_json_is_no_file_of_trials(data: bytes) -> None:
    with pytest.raises(BrokenFile, match="is no JSON"):
        Read(reader, data)


def test_a_record_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_DOCUMENT_BYTES", 200_000)
    small = [trial(number=number) for number in range(300)]
    assert len(Read(reader, small).runs) == 300, "the file may be larger"
    read = Read(reader, [*small[:2], trial(filler="x" * 400_000), *small[2:]])
    assert [each.place for each in read.broken] == ["after record 1"]
    assert "larger than 200,000 bytes" in read.broken[0].reason


@pytest.mark.skipif(not FILE.is_file(), reason="the recorded runs are not here")
def test_real_trials_are_all_told() -> None:
    trials = json.loads(FILE.read_bytes())
    messages = [message for each in trials for message in each["traj"]]
    by_hand = Counter(
        {
            "trust.message_sent": sum(
                bool(m["content"]) or not m.get("tool_calls") for m in messages
            ),
            "trust.decision_made": sum(len(m.get("tool_calls") or []) for m in messages),
            "trust.session_started": len(trials),
            "trust.session_completed": len(trials),
            "trust.trust_metric_recorded": len(trials),
            "work.work_order_opened": len(trials),
            "work.work_order_status_changed": 2 * len(trials),
            "work.work_item_queued": len(trials),
            "work.work_item_status_changed": 2 * len(trials),
            "work.attempt_started": len(trials),
            "work.attempt_ended": len(trials),
            "work.eval_recorded": len(trials),
        }
    )
    read = Read(reader, FILE.read_bytes())
    assert (len(trials), len(messages), len(read.runs), read.broken) == (200, 5308, 200, [])
    assert read.types == by_hand
    passed = sum(each["reward"] == 1 for each in trials)
    ended = [each.to_status for each in read.all(WorkOrderStatusChanged)][1::2]
    assert Counter(ended) == {"COMPLETED": passed, "FAILED": 200 - passed}
    stated = [each for each in read.appends if each.agent == "tool"]
    assert len(stated) == sum(message["role"] == "tool" for message in messages)
    assert not any("causation" in each.metadata["derived"] for each in stated)
