"""Event streams of OpenHands as events, and the real one counted."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from eventstore.ingest.openhands import AGENT, reader
from eventstore.ingest.reader import BrokenFile
from eventstore.vocabulary.trust import (
    DecisionMade,
    DecisionOutcomeKnown,
    MessageSent,
    SessionCompleted,
    SessionPaused,
    SessionResumed,
    SessionStarted,
)
from eventstore.vocabulary.work import ErrorReported, WorkOrderOpened, WorkOrderStatusChanged
from tests.recorded_runs import DATA, Read, happening, state_changed, stream

FILE = DATA / "openhands-events" / "demo1.json"


def test_the_first_message_of_the_user_is_the_task() -> None:
    read = Read(reader, stream())
    assert read.all(WorkOrderOpened)[0].title == "make a page"
    said = [each for each in read.appends if isinstance(each.events[0], MessageSent)]
    assert [(each.agent, each.target_agent) for each in said] == [
        ("user", AGENT), ("environment", AGENT), (AGENT, "user"),
    ]  # fmt: skip


def test_an_action_is_a_decision_and_its_observation_follows_from_it() -> None:
    read = Read(reader, stream())
    [decision], [outcome] = read.all(DecisionMade), read.all(DecisionOutcomeKnown)
    assert (decision.decision_type, decision.rationale) == ("run", "look")
    assert decision.action == {"command": "ls"}
    assert (outcome.decision_id, outcome.outcome) == (decision.decision_id, "success")
    seen = next(each for each in read.appends if each.agent == "environment")
    assert seen.causation_id == decision.event_id
    assert seen.metadata["derived"] == ["time_zone"]
    assert seen.metadata["source"]["other"]["extras"] == {"exit_code": 0}


def test_a_time_without_a_zone_is_utc_and_that_is_said() -> None:
    started = Read(reader, stream()).only(SessionStarted)
    assert started.occurred_at == datetime(2025, 1, 20, 20, 29, 1, 500_000, UTC)
    assert all("time_zone" in each.metadata["derived"] for each in Read(reader, stream()).appends)


def test_a_session_waits_and_goes_on() -> None:
    said = happening(7, 8, "user", action="message", args={"content": "more"})
    more = [said, state_changed(8, 9, "running"), state_changed(9, 10, "awaiting_user_input")]
    read = Read(reader, [*stream(), *more])
    assert [type(each.events[0]) for each in read.appends if "paused" in each.events[0].event_type
            or "resumed" in each.events[0].event_type] == [
        SessionPaused, SessionResumed, SessionPaused
    ]  # fmt: skip
    assert len(read.all(WorkOrderOpened)) == 1, "only the first message is the task"


def test_a_stream_that_went_on_begins_as_it_began() -> None:
    begun, later = Read(reader, stream()[:5]), Read(reader, stream())
    assert begun.runs[0].correlation_id == later.runs[0].correlation_id
    events = [each.events[0] for each in later.appends]
    assert [each.events[0] for each in begun.appends] == events[: len(begun.appends)]


@pytest.mark.parametrize(
    ("state", "more", "status", "reason"),
    [
        ("finished", {}, "COMPLETED", None),
        ("error", {"reason": "no budget"}, "FAILED", "no budget"),
        ("stopped", {}, "FAILED", "agent state: stopped"),
    ],
)
def test_the_last_state_says_how_it_ended(
    state: str, more: dict[str, Any], status: str, reason: str | None
) -> None:
    read = Read(reader, [*stream(), state_changed(7, 8, state, **more)])
    over = read.all(WorkOrderStatusChanged)[-1]
    assert (over.to_status, over.reason) == (status, reason)
    assert len(read.all(SessionCompleted)) == 1


def test_what_is_finished_may_be_taken_up_again() -> None:
    again = happening(8, 9, "user", action="message", args={"content": "and now blue"})
    read = Read(reader, [*stream()[:5], state_changed(7, 8, "finished"), again])
    assert not read.all(SessionCompleted)
    assert len(read.all(SessionPaused)) == 1


def test_an_error_is_an_error_of_the_attempt() -> None:
    failed = happening(7, 8, "agent", cause=2, observation="error", content="no such tool")
    [error] = Read(reader, [*stream(), failed]).all(ErrorReported)
    assert error.error == "no such tool"


def changed(number: int, **more: Any) -> list[dict[str, Any]]:
    given = stream()
    given[number] = {**given[number], **more}
    return given


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"[", "is no JSON"),
        ([], "is no array of events"),
        ({"history": []}, "is no array of events"),
        (["text"], "0: is a JSON string"),
        (changed(3, timestamp="yesterday"), "3.timestamp: "),
        (changed(3, id=1), "3.id: the id 1 stands twice"),
        (changed(3, cause=9), "3.cause: no event 9 stands before it"),
        (changed(3, observation=None), "3: is neither"),
        (changed(3, source="robot"), "3.source: "),
    ],
)
def test_a_broken_stream_says_where(document: Any, reason: str) -> None:
    with pytest.raises(BrokenFile, match=reason):
        Read(reader, document)


@pytest.mark.skipif(not FILE.is_file(), reason="the recorded runs are not here")
def test_the_real_stream_is_all_told() -> None:
    given = json.loads(FILE.read_bytes())
    actions = [each.get("action") for each in given if each["source"] == "agent"]
    observed = [each for each in given if "observation" in each]
    states = [each["extras"]["agent_state"] for each in observed
              if each["observation"] == "agent_state_changed"]  # fmt: skip
    read = Read(reader, FILE.read_bytes())
    messages = sum(each.get("action") == "message" for each in given)
    seen = [e for e in observed if e["observation"] not in ("null", "agent_state_changed")]
    assert len(given) == 18
    assert states == ["loading", "init", "running", "awaiting_user_input"]
    assert read.types == Counter(
        {
            "trust.session_started": 1,
            "trust.session_paused": 1,
            "trust.message_sent": messages + len(seen),
            "trust.decision_made": sum(each not in (None, "message") for each in actions),
            "trust.decision_outcome_known": sum("success" in each for each in seen),
            "work.work_order_opened": 1,
            "work.work_order_status_changed": 1,
            "work.work_item_queued": 1,
            "work.work_item_status_changed": 1,
            "work.attempt_started": 1,
        }
    )
    stated = [
        e for e in read.appends if e.causation_id and "causation" not in e.metadata["derived"]
    ]
    assert len(stated) == sum("cause" in each for each in seen) == 4
