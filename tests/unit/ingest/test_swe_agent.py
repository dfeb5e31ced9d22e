"""Trajectories of SWE-agent as events, and the real ones counted."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from eventstore.ingest.reader import BrokenFile
from eventstore.ingest.swe_agent import reader
from eventstore.vocabulary.trust import DecisionMade, MessageSent
from eventstore.vocabulary.work import AttemptEnded, WorkItemQueued, WorkOrderStatusChanged
from tests.recorded_runs import DATA, Read, trajectory

RUNS = DATA / "swe-agent"


def early(*entries: dict[str, Any]) -> dict[str, Any]:
    """The early form, which is a history only."""
    return {"history": [{"role": "user", "content": "it crashes"}, *entries]}


def test_a_step_is_a_decision_and_what_was_seen_after_it() -> None:
    read = Read(reader, trajectory())
    [decision] = read.all(DecisionMade)
    assert (decision.rationale, decision.action) == ("look", {"command": "ls"})
    assert decision.input_context == {"state": {"open_file": "n/a"}}
    assert decision.execution_time_ms == 250
    seen = [each for each in read.appends if isinstance(each.events[0], MessageSent)][-1]
    assert (seen.agent, seen.causation_id) == ("environment", decision.event_id)
    assert "causation" not in seen.metadata["derived"]


def test_the_issue_is_the_task() -> None:
    read = Read(reader, trajectory())
    assert read.all(WorkItemQueued)[0].content == {"issue": "it crashes"}
    assert [each.content for each in read.all(MessageSent)] == [
        "you fix bugs",
        "it crashes",
        "a.py",
    ]
    assert [each.agent for each in read.shared] == ["swe-agent/main"]


@pytest.mark.parametrize(
    ("info", "status"),
    [
        ({"exit_status": "submitted"}, "COMPLETED"),
        ({"exit_status": "exit_cost"}, "FAILED"),
        ({}, "PROCESSING"),
    ],
)
def test_the_exit_status_says_how_it_ended(info: dict[str, Any], status: str) -> None:
    read = Read(reader, trajectory(info=info))
    assert read.all(WorkOrderStatusChanged)[-1].to_status == status
    assert [each.output for each in read.all(AttemptEnded)] == ([info] if info else [])


def test_an_early_form_has_its_steps_in_the_history() -> None:
    read = Read(
        reader,
        early(
            {"role": "assistant", "content": "I look", "thought": "look", "action": "ls"},
            {"role": "tool", "content": "a.py"},
            {"role": "assistant", "content": "I think"},
        ),
    )
    assert [(each.rationale, each.action) for each in read.all(DecisionMade)] == [
        ("look", {"command": "ls"}), ("I think", {"command": ""}),
    ]  # fmt: skip
    assert [each.content for each in read.all(MessageSent)] == ["it crashes", "a.py"]


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"nothing", "is no JSON"),
        ({"trajectory": []}, "history: "),
        (trajectory(trajectory=[{"thought": "hm", "observation": ""}]), "trajectory.0.action: "),
        (trajectory(trajectory=[{"action": "", "thought": "", "execution_time": -1}]), "execution"),
        ({"history": [{"role": "tool", "content": "x"}]}, "history.0: answers no action"),
        (early(*[{"role": "assistant", "content": "x"}] * 2), "history.1: is no step"),
    ],
)
def test_a_broken_trajectory_says_where(document: Any, reason: str) -> None:
    with pytest.raises(BrokenFile, match=reason):
        Read(reader, document, "some.traj")


@pytest.mark.skipif(not RUNS.is_dir(), reason="the recorded runs are not here")
def test_real_trajectories_are_all_told() -> None:
    types, by_hand, runs = Counter[str](), Counter[str](), set()
    for path in sorted(RUNS.rglob("*.traj")):
        run = json.loads(path.read_bytes())
        roles = [entry["role"] for entry in run["history"]]
        steps = run.get("trajectory", [None] * roles.count("assistant"))
        over = "info" in run
        before = roles.index("assistant")
        by_hand.update(
            {
                "trust.decision_made": len(steps),
                "trust.message_sent": before + len(steps),
                "trust.session_started": 1,
                "trust.session_completed": over,
                "work.work_order_opened": 1,
                "work.work_order_status_changed": 1 + over,
                "work.work_item_queued": 1,
                "work.work_item_status_changed": 1 + over,
                "work.attempt_started": 1,
                "work.attempt_ended": over,
            }
        )
        read = Read(reader, path.read_bytes(), path.name)
        runs.add(read.runs[0].correlation_id)
        types += read.types
    assert len(runs) == 10
    assert types == by_hand
    assert by_hand["trust.decision_made"] == 105, "100 in trajectories, 5 in a history alone"
