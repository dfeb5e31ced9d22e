"""Run states of the OpenAI Agents SDK as events: what waits, what was granted, what was refused."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from eventstore.encoding.codec import encode
from eventstore.ingest.reader import BrokenFile
from eventstore.ingest.run_state import reader
from eventstore.vocabulary.trust import DecisionFeedbackGiven, DecisionMade, MessageSent
from eventstore.vocabulary.work import (
    ApprovalDecided,
    WorkItemQueued,
    WorkItemStatusChanged,
    WorkOrderOpened,
)
from tests.recorded_runs import DATA, Json, Read, asked, run_item, run_state

STATES = DATA / "openai-agents-runstate"


def verdict(**more: Any) -> Json:
    return {"context": {"approvals": {"pay": {"approved": [], "rejected": [], **more}}}}


def output(call: str) -> Json:
    raw = {"type": "function_call_output", "call_id": call, "output": "paid"}
    return run_item("tool_call_output_item", raw, output="paid")


def test_a_call_that_waits_is_a_queued_item() -> None:
    raw = asked("c1")[1]
    step = {"type": "next_step_interruption", "data": {"interruptions": [raw]}}
    read = Read(reader, run_state(*asked("c1"), current_step=step))
    [queued] = read.all(WorkItemQueued)
    assert (queued.type, queued.assigned_agent) == ("TOOL_CALL", "clerk")
    assert queued.content == {"tool": "pay", "call": "c1", "arguments": "{}"}
    assert not read.all(ApprovalDecided)
    assert not read.all(WorkItemStatusChanged)
    assert read.all(WorkOrderOpened)[0].title == "Paying"
    shown = Read(reader, run_state(current_step=step))
    assert len(shown.all(WorkItemQueued)) == 1, "also when only the interruption tells of it"


def test_what_was_granted_and_made_is_completed() -> None:
    read = Read(reader, run_state(*asked("c1"), output("c1"), **verdict(approved=["c1"])))
    [decided], [feedback] = read.all(ApprovalDecided), read.all(DecisionFeedbackGiven)
    assert (decided.decision, feedback.feedback) == ("APPROVED", "approved")
    moves = [each.to_status for each in read.all(WorkItemStatusChanged)]
    assert moves == ["PROCESSING", "COMPLETED"]
    derived = read.only(ApprovalDecided).metadata["derived"]
    assert {"approver", "policy_version"} <= set(derived)


def test_what_was_granted_and_not_made_yet_stays_queued() -> None:
    read = Read(reader, run_state(*asked("c1"), **verdict(approved=["c1"])))
    assert len(read.all(ApprovalDecided)) == 1
    assert not read.all(WorkItemStatusChanged)


def test_what_was_rejected_has_failed_for_that_reason() -> None:
    given = verdict(rejected=["c1"], rejection_messages={"c1": "too dear"})
    read = Read(reader, run_state(*asked("c1"), output("c1"), **given))
    [decided], [moved] = read.all(ApprovalDecided), read.all(WorkItemStatusChanged)
    assert (decided.decision, decided.reason) == ("REJECTED", "too dear")
    assert (moved.to_status, moved.reason) == ("FAILED", "too dear")
    assert read.all(DecisionFeedbackGiven)[0].feedback == "rejected"


def test_an_approval_of_every_call_covers_those_of_the_tool() -> None:
    calls = [*asked("c1"), *asked("c2"), *asked("c3", "post")]
    read = Read(reader, run_state(*calls, **verdict(approved=True, rejected=["c2"])))
    decided = {each.work_item_id: each.decision for each in read.all(ApprovalDecided)}
    found = {
        each.content.get("call", "all"): decided.get(each.work_item_id, "waits")
        for each in read.all(WorkItemQueued)
    }
    assert found == {"c1": "APPROVED", "c2": "REJECTED", "c3": "waits", "all": "APPROVED"}
    by_rule = next(e for e in read.appends if isinstance(e.events[0], ApprovalDecided))
    assert "decision" in by_rule.metadata["derived"]


def test_a_rejection_of_every_call_is_told_with_its_message() -> None:
    given = verdict(rejected=True, sticky_rejection_message="never")
    read = Read(reader, run_state(*asked("c1"), **given))
    assert [(e.decision, e.reason) for e in read.all(ApprovalDecided)] == [
        ("REJECTED", "never")
    ] * 2


def test_tools_of_one_name_on_two_servers_are_two() -> None:
    hosted = [
        {"decision": {"approved": True}, "identity": {"server_label": each, "tool_name": "pay"}}
        for each in ("a", "b")
    ]
    read = Read(reader, run_state(context={"hosted_mcp_approvals": hosted}))
    assert [each.content for each in read.all(WorkItemQueued)] == [
        {"tool": "pay", "server": "a", "calls": "all"},
        {"tool": "pay", "server": "b", "calls": "all"},
    ]


def test_an_approval_of_a_tool_covers_no_tool_of_that_name_on_a_server() -> None:
    raw = {"type": "mcp_approval_request", "id": "m1", "name": "pay", "server_label": "a"}
    on_server = run_item("mcp_approval_request_item", raw)
    read = Read(reader, run_state(on_server, *asked("c1"), **verdict(approved=True)))
    decided = {each.work_item_id for each in read.all(ApprovalDecided)}
    waits = [e.content["call"] for e in read.all(WorkItemQueued) if e.work_item_id not in decided]
    assert waits == ["m1"]


def test_a_decision_about_one_request_is_about_that_call_alone() -> None:
    identity = {"request_id": "m1", "tool_name": "pay", "type": "query"}
    hosted = [{"decision": {"approved": True}, "identity": identity}]
    read = Read(reader, run_state(context={"hosted_mcp_approvals": hosted}))
    assert [each.content for each in read.all(WorkItemQueued)] == [{"tool": "pay", "call": "m1"}]


def test_a_later_state_of_a_run_continues_it() -> None:
    first = Read(reader, run_state(*asked("c1")))
    later = Read(reader, run_state(*asked("c1"), output("c1"), **verdict(approved=["c1"])))
    assert first.runs[0].correlation_id == later.runs[0].correlation_id
    known = [each.events[0] for each in first.appends]
    assert [each.events[0] for each in later.appends][: len(known)] == known
    assert len(later.appends) > len(known)


def test_runs_without_a_trace_are_named_by_conversation_or_content() -> None:
    def name(**more: Any) -> Any:
        return Read(reader, run_state(trace=None, **more)).runs[0].correlation_id

    assert name(conversation_id="c", max_turns=1) == name(conversation_id="c", max_turns=2)
    assert name(max_turns=1) != name(max_turns=2)


def test_what_was_said_and_called_is_told() -> None:
    message = {"type": "message", "id": "m1", "content": [{"type": "output_text", "text": "ok"}]}
    said = run_item("message_output_item", message)
    thought = run_item("reasoning_item", {"type": "reasoning", "summary": [{"text": "hm"}]})
    hand = run_item("handoff_call_item", {"type": "function_call", "call_id": "h", "name": "to_b"})
    read = Read(reader, run_state(said, thought, hand, *asked("c1"), output("c1")))
    assert [each.content for each in read.all(MessageSent)] == ["pay the bill", "ok", "hm", "paid"]
    assert [each.decision_type for each in read.all(DecisionMade)] == ["hand_off", "tool_call"]
    answer = next(each for each in read.appends if each.agent == "tool")
    assert "causation" not in answer.metadata["derived"]


def test_what_the_input_has_already_is_told_once() -> None:
    message = {"type": "message", "id": "m1", "role": "assistant", "content": "ok"}
    read = Read(
        reader, run_state(run_item("message_output_item", message), original_input=[message])
    )
    assert [each.content for each in read.all(MessageSent)] == ["ok"]


def test_agents_of_one_name_are_told_apart_by_identity() -> None:
    twin = {"name": "clerk", "identity": "clerk#2"}
    said = {**run_item("message_output_item", {"content": "ok"}), "agent": twin}
    assert [each.agent for each in Read(reader, run_state(said)).shared] == ["clerk#2", "clerk"]


def test_what_users_keep_in_a_state_is_left_there() -> None:
    read = Read(reader, run_state(*asked("c1")))
    told = b"".join(encode(each.events[0], limit=10**6) for each in read.appends)
    told += repr([each.metadata for each in read.appends]).encode()
    assert b"sesame" not in told
    assert b"hash" not in told


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"{", "is no JSON"),
        ([], "is no run state"),
        (run_state(version="2.0"), r"\$schemaVersion: is not one of 1.0 to 1.17"),
        (run_state(current_agent="sesame"), "current_agent: "),
        (run_state(run_item("dance_item", {})), "items.0.type: is no known type"),
        (run_state(run_item("tool_approval_item", {})), "items.0: asks about no call"),
        (run_state(context={"approvals": {"pay": {"approved": "sesame"}}}), "context.approvals"),
    ],
)
def test_a_broken_state_says_where_and_repeats_nothing(document: Any, reason: str) -> None:
    with pytest.raises(BrokenFile, match=reason) as raised:
        Read(reader, document)
    assert "sesame" not in str(raised.value)


@pytest.mark.skipif(not STATES.is_dir(), reason="the recorded runs are not here")
def test_real_states_of_all_versions_are_told() -> None:
    versions, types = set(), Counter[str]()
    decided: Counter[str] = Counter()
    for path in sorted([*STATES.glob("features/*.json"), *STATES.glob("resume/*.json")]):
        state = json.loads(path.read_bytes())
        versions.add(state["$schemaVersion"])
        read = Read(reader, path.read_bytes(), path.name)
        types += read.types
        decided.update(each.decision for each in read.all(ApprovalDecided))
        items = [each["type"] for each in state["generated_items"]]
        outputs = [each["raw_item"].get("type") for each in state["generated_items"]]
        calls = items.count("tool_call_item") + items.count("tool_search_call_item")
        assert read.types["trust.decision_made"] == calls
        # The input, and all that was said and is not in the input.
        said = len(items) - calls - items.count("tool_approval_item")
        said -= isinstance(state["original_input"], list)
        assert read.types["trust.message_sent"] == 1 + said, (path.name, outputs)
    assert versions == {f"1.{minor}" for minor in range(2, 18)}
    # Pending: 1; granted: by call 2, for every call 2, by such a rule 1; rejected: 2.
    assert types["work.work_item_queued"] == 8
    assert decided == {"APPROVED": 5, "REJECTED": 2}
    assert types["work.work_item_status_changed"] == 2


@pytest.mark.skipif(not STATES.is_dir(), reason="the recorded runs are not here")
def test_real_broken_states_are_refused_and_nothing_of_them_is_repeated() -> None:
    paths = sorted(STATES.glob("negative/*.json"))
    assert len(paths) == 3
    for path in paths:
        with pytest.raises(BrokenFile) as raised:
            Read(reader, path.read_bytes(), path.name)
        assert "SENTINEL" not in str(raised.value) + str(raised.value.facts)
