"""Agent trails as events: what each entry becomes, and what a broken file is answered with."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import uuid5

import pytest

from eventstore.append import Append, prepare
from eventstore.errors import EventStoreError, InvalidEvent
from eventstore.ingest.agent_trail import NAMESPACE, read, reader
from eventstore.ingest.reader import BrokenFile
from eventstore.vocabulary.trust import (
    AgentRegistered,
    DecisionMade,
    FindingReported,
    MessageSent,
    ReflectionRecorded,
    SessionCompleted,
    SessionStarted,
    TrustMetricRecorded,
)
from eventstore.vocabulary.work import (
    AttemptEnded,
    AttemptStarted,
    ErrorReported,
    EvidenceGiven,
    WorkItemQueued,
    WorkItemStatusChanged,
    WorkOrderDetailsChanged,
    WorkOrderOpened,
    WorkOrderStatusChanged,
)
from tests.trails import START, Json, chapter, item, trail


def told(document: Any) -> list[Append]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    appends = list(read(BytesIO(data), "some.json"))
    prepare(appends)
    return appends


def only(appends: list[Append], kind: type) -> Any:
    [found] = [append for append in appends if type(append.events[0]) is kind]
    return found


def events(appends: list[Append], kind: type) -> list[Any]:
    return [append.events[0] for append in appends if type(append.events[0]) is kind]


def test_a_trail_is_a_work_order_from_its_start_to_its_end() -> None:
    appends = told(trail(commits=["abc"], projectId="p", _trace={"startRef": "x"}))
    opened, done = only(appends, WorkOrderOpened), events(appends, WorkOrderStatusChanged)
    assert opened.events[0].title == "do it"
    assert opened.events[0].metadata["task"]["source"] == {"system": "plain", "id": "7"}
    assert opened.correlation_id == uuid5(NAMESPACE, "traj_1")
    assert opened.causation_id is None
    assert [(each.from_status, each.to_status, each.reason) for each in done] == [
        ("PENDING", "PROCESSING", None),
        ("PROCESSING", "COMPLETED", "done"),
    ]
    details = only(appends, WorkOrderDetailsChanged).events[0].metadata
    assert details["commits"] == ["abc"]
    assert details["_trace"] == {"startRef": "x"}
    assert details["retrospective"]["approach"] == "direct"


def test_confidence_in_retrospect_is_accuracy_in_percent_of_the_lead() -> None:
    metric = only(told(trail()), TrustMetricRecorded).events[0]
    assert (metric.metric_type, metric.metric_value, metric.agent_id) == ("accuracy", 86.0, "boss")
    assert metric.measurement_context["confidence"] == 0.86


def test_an_abandoned_trail_has_failed_where_it_was_at_work() -> None:
    appends = told(
        trail(
            chapter("Planning", "boss", 1, 2),
            chapter("Work", "coder", 10, 20),
            chapter("Retrospective", "boss", 30, 31, item(30, "error", "Workflow abandoned")),
            status="abandoned",
        )
    )
    assert events(appends, WorkOrderStatusChanged)[-1].to_status == "FAILED"
    assert [each.status for each in events(appends, AttemptEnded)] == [
        "COMPLETED",
        "FAILED",
        "COMPLETED",
    ]


def test_an_active_trail_has_no_end() -> None:
    document = trail(chapter("Work", "coder", 10, None), status="active", commits=["abc"])
    del document["completedAt"], document["retrospective"]
    appends = told(document)
    assert [each.to_status for each in events(appends, WorkOrderStatusChanged)] == ["PROCESSING"]
    for kind in (AttemptEnded, SessionCompleted, WorkOrderDetailsChanged):
        assert not events(appends, kind)


def test_chapters_of_one_title_are_attempts_at_one_item() -> None:
    broken = item(45, "error", "exit 1", raw={"cause": "exit_nonzero", "attempt": 2})
    appends = told(
        trail(
            chapter("Build", "coder", 10, 20),
            chapter("Build", "coder", 20, 30, item(29, "completion-evidence")),
            chapter("Build", "coder", 40, 50, broken),
        )
    )
    [queued] = events(appends, WorkItemQueued)
    started, ended = events(appends, AttemptStarted), events(appends, AttemptEnded)
    assert {each.work_item_id for each in started} == {queued.work_item_id}
    assert len({each.attempt_id for each in started}) == 3
    assert [(each.status, each.error) for each in ended] == [
        ("FAILED", "it was tried again"),
        ("COMPLETED", None),
        ("FAILED", "exit 1"),
    ]
    moves = events(appends, WorkItemStatusChanged)
    assert [each.to_status for each in moves] == ["PROCESSING", "FAILED"]
    assert ended[0].duration_ms == 10_000


def test_the_lead_gives_the_work_and_the_agent_does_it() -> None:
    note = item(11, "note", "Build: do so", raw={"agent": "coder"})
    appends = told(trail(chapter("Build", "coder", 10, 20, note, item(12, "note", "doing"))))
    queued = only(appends, WorkItemQueued)
    assert (queued.agent, queued.target_agent) == ("boss", "coder")
    assert queued.metadata["derived"] == ["causation", "agent"]
    given, doing = [each for each in appends if type(each.events[0]) is MessageSent]
    assert (given.agent, given.target_agent) == ("boss", "coder")
    assert (doing.agent, doing.target_agent) == ("coder", None)
    assert given.stream_id != doing.stream_id


ENTRIES: list[tuple[Json, Callable[[Append], bool]]] = [
    (
        item(11, "note", significance="high", tags=["t"]),
        lambda a: (
            isinstance(e := a.events[0], MessageSent)
            and (e.role, e.message_type, e.content) == ("agent", "text", "said")
            and a.metadata["source"]["other"]
            == {"type": "note", "significance": "high", "tags": ["t"]}
        ),
    ),
    (item(11, "prompt"), lambda a: a.events[0].role == "user"),  # type: ignore[attr-defined]
    (item(11, "tool_call"), lambda a: a.events[0].message_type == "command"),  # type: ignore[attr-defined]
    (item(11, "tool_result"), lambda a: a.events[0].role == "system"),  # type: ignore[attr-defined]
    (
        item(
            11,
            "decision",
            "Whether to skip x → skip: y failed",
            significance="medium",
            raw={
                "question": "Whether to skip x",
                "chosen": "skip",
                "reasoning": "y failed",
                "alternatives": ["run"],
                "cost": 3,
            },
        ),
        lambda a: (
            isinstance(e := a.events[0], DecisionMade)
            and (e.decision_type, e.rationale, e.agent_id) == ("skip", "y failed", "coder")
            and e.action == {"chosen": "skip"}
            and e.input_context["question"] == "Whether to skip x"
            and e.input_context["alternatives"] == ["run"]
            and a.metadata["source"]["other"]["raw"] == {"cost": 3}
        ),
    ),
    (
        item(11, "decision", "Use A"),
        lambda a: (
            isinstance(e := a.events[0], DecisionMade)
            and (e.decision_type, e.rationale, e.action) == ("choice", "Use A", {})
        ),
    ),
    (
        item(11, "finding", significance="critical", raw={"k": 1}),
        lambda a: (
            isinstance(e := a.events[0], FindingReported)
            and (e.significance, e.details) == ("critical", {"k": 1})
        ),
    ),
    (
        item(11, "reflection", raw={"confidence": 1, "focalPoints": ["ci"], "adjustments": "no"}),
        lambda a: (
            isinstance(e := a.events[0], ReflectionRecorded)
            and (e.confidence, e.focal_points, e.adjustments) == (1.0, ["ci"], "no")
        ),
    ),
    (
        item(
            11,
            "completion-evidence",
            raw={"completionMode": "verification", "evidence": {"exitCode": 0}},
        ),
        lambda a: (
            isinstance(e := a.events[0], EvidenceGiven)
            and (e.kind, e.summary, e.details["evidence"])
            == ("verification", "said", {"exitCode": 0})
            and a.stream_id == f"work_item-{e.work_item_id}"
        ),
    ),
    (item(11, "completion-marker"), lambda a: a.events[0].kind == "marker"),  # type: ignore[attr-defined]
    (
        item(11, "error", raw={"cause": "exit_nonzero", "rawError": "code 1"}),
        lambda a: (
            isinstance(e := a.events[0], ErrorReported)
            and (e.error, e.cause, e.details["rawError"]) == ("said", "exit_nonzero", "code 1")
        ),
    ),
]


@pytest.mark.parametrize(
    ("entry", "becomes"), ENTRIES, ids=[f"{n}-{e['type']}" for n, (e, _) in enumerate(ENTRIES)]
)
def test_an_entry_becomes(entry: Json, becomes: Callable[[Append], bool]) -> None:
    appends = told(trail(chapter("Build", "coder", 10, 20, entry)))
    [append] = [
        each for each in appends if each.metadata["source"].get("place") == "chapters/0/events/0"
    ]
    assert append.occurred_at == datetime.fromtimestamp(START / 1000 + 11, UTC)
    assert append.agent == "coder"
    assert becomes(append), append


def test_agents_are_the_same_fact_in_every_trail() -> None:
    one, other = told(trail()), told(trail(id="traj_2"))
    first, second = (
        [each for each in appends if type(each.events[0]) is AgentRegistered]
        for appends in (one, other)
    )
    assert [each.events[0].event_id for each in first] == [e.events[0].event_id for e in second]
    assert [each.events for each in first] == [each.events for each in second]
    assert {each.correlation_id for each in first} == {None}
    rest = {each.events[0].event_id for each in one} & {each.events[0].event_id for each in other}
    assert rest == {each.events[0].event_id for each in first}


def test_an_agent_that_is_not_listed_is_known_by_its_chapter() -> None:
    appends = told(trail(chapter("Build", "extra", 10, 20)))
    assert "extra" in {each.agent_id for each in events(appends, AgentRegistered)}
    assert "extra" in {each.agent_id for each in events(appends, SessionStarted)}


def test_a_trail_without_agents_is_told_by_one_without_a_name() -> None:
    appends = told(trail(agents=[]))
    assert only(appends, TrustMetricRecorded).agent == "unnamed"


def test_no_event_comes_before_its_cause_whatever_the_clocks_say() -> None:
    appends = told(
        trail(
            chapter("Build", "coder", 10, 5, item(3, "note"), item(30, "finding"), item(1, "note")),
            chapter("Build", "coder", 2, 1),
            chapter("Other", "boss", 12, 300, item(13, "note"), item(13, "decision")),
        )
    )
    place = {each.events[0].event_id: n for n, each in enumerate(appends)}
    run = [each for each in appends if each.correlation_id is not None]
    assert [each.causation_id for each in run].count(None) == 1
    for number, append in enumerate(appends):
        assert append.causation_id is None or place[append.causation_id] < number
        if append.causation_id is not None:
            assert "causation" in append.metadata["derived"]
    assert type(run[-1].events[0]) is SessionCompleted


def test_what_happened_at_once_stays_in_the_order_of_the_file() -> None:
    items = [item(11, "note", str(n)) for n in range(20)]
    appends = told(trail(chapter("Build", "coder", 11, 11, *items)))
    assert [each.content for each in events(appends, MessageSent)] == [str(n) for n in range(20)]


def test_the_same_bytes_tell_the_same_events() -> None:
    document = trail(chapter("Build", "coder", 10, 20, *(entry for entry, _ in ENTRIES)))
    once, again = told(document), told(document)
    assert once == again
    assert [e.events[0].event_id for e in once] == [e.events[0].event_id for e in again]


def test_metadata_names_the_file_and_the_place() -> None:
    source = told(trail())[-1].metadata["source"]
    assert (source["format"], source["trail"], source["file"]) == (
        "agent-trail",
        "traj_1",
        "some.json",
    )


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def one(entry: Json) -> Json:
    return trail(chapter("Build", "coder", 10, 20, entry))


BROKEN: dict[str, tuple[Any, str]] = {
    "nothing": (b"", "is no JSON"),
    "cut off": (json.dumps(trail()).encode()[:-10], "is no JSON"),
    "no UTF-8": (b'{"id": "\xff"}', "is no JSON"),
    "UTF-16": (json.dumps(trail()).encode("utf-16"), "is no JSON"),
    "NaN": (b'{"id": NaN}', "is no JSON"),
    "lone surrogate": (json.dumps(trail(id="\ud800")).encode(), "is no JSON"),
    "a list": (b"[]", "not an object"),
    "another format": ({"version": "1.0.0", "trajectory": "traj_1"}, "id: Field required"),
    "another version": (trail(version=2), "version"),
    "no chapters": ({k: v for k, v in trail().items() if k != "chapters"}, "chapters: Field"),
    "unknown status": (trail(status="paused"), "status"),
    "no time": (one({"type": "note", "content": "x"}), "chapters.0.events.0.ts: Field required"),
    "time as text": (one({**item(1, "note"), "ts": "now"}), "chapters.0.events.0.ts: is no time"),
    "time as float": (one({**item(1, "note"), "ts": 1.5}), "events.0.ts"),
    "time as bool": (one({**item(1, "note"), "ts": True}), "events.0.ts"),
    "negative time": (one({**item(1, "note"), "ts": -1}), "events.0.ts"),
    "time in microseconds": (one({**item(1, "note"), "ts": START * 1000}), "events.0.ts"),
    "enormous time": (one({**item(1, "note"), "ts": 10**30}), "events.0.ts"),
    "no time zone": (trail(startedAt="2026-01-01T00:00:00"), "startedAt: has no time zone"),
    "year 1": (trail(startedAt="0001-01-01T00:00:00+14:00"), "startedAt: is not in the years"),
    "unknown type": (one(item(1, "guess")), "chapters.0.events.0.type"),
    "content is no text": (one({**item(1, "note"), "content": 7}), "events.0.content"),
    "raw is a list": (one(item(1, "note", raw=[])), "events.0.raw"),
    "significance": (one(item(1, "note", significance="huge")), "events.0.significance"),
    "confidence over 1": (one(item(1, "reflection", raw={"confidence": 1.5})), "events.0"),
    "reasoning is a list": (one(item(1, "decision", raw={"reasoning": []})), "events.0.rationale"),
    "retrospective over 1": (
        trail(retrospective={"summary": "s", "confidence": 2}),
        "retrospective.confidence",
    ),
    "the same agent twice": (trail(agents=[trail()["agents"][0]] * 2), "stands twice"),
    "agent without a name": (trail(chapter("Build", "", 10, 20)), "chapters.0.agentName"),
    "agent's name can't be printed": (trail(chapter("Build", "a\nb", 10, 20)), "can't be printed"),
    "long agent": (trail(chapter("Build", "a" * 129, 10, 20)), "chapters.0.agentName"),
    "long title": (trail(task={"title": "t" * 256}), "title"),
    "NUL": (one(item(1, "note", "a\0b")), "U+0000"),
    "giant entry": (one(item(1, "note", "x" * 2_000_000)), "bytes"),
    "too many entries": (
        trail(chapter("Build", "coder", 10, 20, *[item(1, "note")] * 10_001)),
        "the limit is 10,000",
    ),
    "deep": (one(item(1, "finding", raw={"x": nested(200)})), "nested deeper"),
    "deep retrospective": (
        trail(retrospective={"summary": "s", "x": nested(200)}),
        "nested deeper",
    ),
    "deeper than JSON readers go": (b'{"a":' * 100_000, "is no JSON"),
    "enormous integer": (one(item(1, "finding", raw={"x": 2**63})), "beyond"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_trail_is_refused_with_the_way_to_the_flaw(name: str) -> None:
    document, reason = BROKEN[name]
    with pytest.raises((BrokenFile, InvalidEvent)) as refused:
        told(document)
    assert reason in str(refused.value)
    assert isinstance(refused.value, EventStoreError)
    assert refused.value.exit_code == 5
    assert len(str(refused.value)) < 500


@pytest.mark.parametrize(
    ("name", "reads"),
    [("a.json", True), ("a.trace.json", False), ("README.md", False), ("a.JSON", False)],
)
def test_which_files_of_a_directory_are_read(name: str, reads: bool) -> None:
    assert reader.reads(name) is reads
