"""Inspect logs as events, in both their forms, and the real ones counted."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from eventstore.ingest import reader as limits
from eventstore.ingest.inspect_log import reader
from eventstore.ingest.reader import BrokenFile
from eventstore.vocabulary.trust import DecisionMade, DecisionOutcomeKnown, MessageSent
from eventstore.vocabulary.trust import TrustMetricRecorded as Metric
from eventstore.vocabulary.work import (
    AttemptEnded,
    ErrorReported,
    EvalRecorded,
    EvidenceGiven,
    WorkOrderOpened,
)
from tests.recorded_runs import DATA, Json, Read, inspect_log, sample, zipped

LOGS = DATA / "inspect-logs"


def at(tenths: int) -> datetime:
    return datetime(2025, 7, 5, 13, 59, 1, tenths * 100_000, UTC)


def test_each_sample_of_each_epoch_is_a_run_of_its_own() -> None:
    read = Read(reader, inspect_log(sample(1), sample(1, 2), sample(2)))
    assert len({run.correlation_id for run in read.runs}) == 3
    assert [each.metadata["epoch"] for each in read.all(WorkOrderOpened)] == [1, 2, 1]
    assert {each.agent for each in read.shared} == {"maker/small"}


def test_both_forms_tell_the_same() -> None:
    samples = sample(1), sample(2)
    plain, packed = Read(reader, inspect_log(*samples)), Read(reader, zipped(*samples), "a.eval")
    assert [each.events for each in plain.appends] == [each.events for each in packed.appends]


def test_a_log_that_was_not_finished_says_at_its_start_what_it_is_about() -> None:
    assert len(Read(reader, zipped(sample(), header="_journal/start.json")).runs) == 1


def test_messages_have_the_time_of_their_model_or_tool() -> None:
    read = Read(reader, inspect_log(sample()))
    said = [each for each in read.appends if isinstance(each.events[0], MessageSent)]
    assert [(each.agent, each.occurred_at) for each in said] == [
        ("user", at(1)), ("tool", at(3)), ("maker/small", at(4)),
    ]  # fmt: skip
    assert "occurred_at" in said[0].metadata["derived"]
    assert "occurred_at" not in said[2].metadata["derived"]
    assert said[0].events[0].content == "is it so?", "attachments are put in their place"  # type: ignore[attr-defined]
    assert read.only(DecisionMade).occurred_at == at(2)
    [ended] = read.all(AttemptEnded)
    assert (ended.status, ended.duration_ms) == ("COMPLETED", 2500)


def test_a_tool_call_is_a_decision_with_an_outcome() -> None:
    read = Read(reader, inspect_log(sample()))
    [decision], [outcome] = read.all(DecisionMade), read.all(DecisionOutcomeKnown)
    assert decision.action == {"tool": "look", "arguments": {"at": "it"}}
    assert (outcome.decision_id, outcome.outcome) == (decision.decision_id, "success")
    answer = next(each for each in read.appends if each.agent == "tool")
    assert answer.causation_id == decision.event_id
    failed = sample()
    failed["messages"][2]["error"] = {"type": "timeout", "message": "too slow"}
    [outcome] = Read(reader, inspect_log(failed)).all(DecisionOutcomeKnown)
    assert (outcome.outcome, outcome.reason) == ("failure", "timeout: too slow")


def test_a_tool_error_without_its_call_is_an_error_of_the_attempt() -> None:
    answer = {"role": "tool", "content": "", "tool_call_id": "t9",
              "error": {"type": "is_a_directory", "message": "no file"}}  # fmt: skip
    [error] = Read(reader, inspect_log(sample(messages=[answer]))).all(ErrorReported)
    assert (error.cause, error.error) == ("is_a_directory", "is_a_directory: no file")


@pytest.mark.parametrize(
    ("value", "share"),
    [("C", 1), ("P", 0.5), ("I", 0), ("N", 0), (0.25, 0.25), (True, 1), (7, None), ("so", None)],
)
def test_a_grade_is_an_evaluation_and_any_other_score_evidence(
    value: object, share: float | None
) -> None:
    read = Read(reader, inspect_log(sample(scores={"judge": {"value": value}})))
    evals, metrics = read.all(EvalRecorded), read.all(Metric)
    if share is None:
        assert not evals
        assert read.all(EvidenceGiven)[0].details == {"scorer": "judge", "value": value}
    else:
        assert (evals[0].evaluator, evals[0].score, evals[0].passed) == ("judge", share, share == 1)
        assert metrics[0].metric_value == 100 * share


def test_a_sample_with_an_error_has_failed() -> None:
    read = Read(reader, inspect_log(sample(error={"message": "broke", "traceback": "at 1"})))
    [ended], [error] = read.all(AttemptEnded), read.all(ErrorReported)
    assert (ended.status, ended.error, error.error) == ("FAILED", "broke", "broke")


def test_parts_of_a_content_that_are_no_words_are_kept_beside_it() -> None:
    parts = [{"type": "text", "text": "see"}, {"type": "image", "image": "attachment://a1"}]
    read = Read(reader, inspect_log(sample(messages=[{"role": "user", "content": parts}])))
    said = read.only(MessageSent)
    assert said.events[0].content == "see\n[image]"  # type: ignore[attr-defined]
    kept = said.metadata["source"]["other"]["content"]
    assert kept[1] == {"type": "image", "image": "is it so?"}


def test_a_sample_without_events_takes_the_time_of_its_evaluation() -> None:
    read = Read(reader, inspect_log(sample(events=[])))
    assert {each.occurred_at for each in read.appends} == {datetime(2025, 7, 5, 13, 59, tzinfo=UTC)}
    assert all("occurred_at" in each.metadata["derived"] for each in read.appends)


def test_an_early_log_has_events_and_attachments_in_a_transcript() -> None:
    given = sample()
    events, attached = given.pop("events"), given.pop("attachments")
    given["transcript"] = {"events": events, "content": attached}
    given["messages"][0]["content"] = "tc://a1"
    read = Read(reader, inspect_log(given))
    assert read.all(MessageSent)[0].content == "is it so?"
    assert read.only(WorkOrderOpened).occurred_at == at(1)


BROKEN: list[tuple[Json, str]] = [
    (sample(messages=[{"role": "user", "content": "attachment://b2"}]), "samples.1.attachments"),
    (sample(messages=[{"role": "robot"}]), "samples.1.messages.0.role"),
    (sample(epoch="first"), "samples.1.epoch"),  # type: ignore[arg-type]
    ({"id": 1}, "samples.1.epoch"),
]


@pytest.mark.parametrize(("broken", "place"), BROKEN)
def test_a_broken_sample_is_named_and_the_others_are_told(broken: Json, place: str) -> None:
    read = Read(reader, inspect_log(sample(1), broken, sample(3)))
    assert len(read.runs) == 2
    assert [each.place for each in read.broken] == [place]


def test_a_damaged_sample_of_a_zipped_log_is_named_and_the_others_are_told() -> None:
    data = bytearray(zipped(sample(1), sample(2), sample(3)))
    with zipfile.ZipFile(BytesIO(data)) as archive:
        second = archive.infolist()[1]
        begin = second.header_offset + 30 + len(second.filename)
    data[begin : begin + 40] = bytes(40)
    read = Read(reader, bytes(data))
    assert len(read.runs) == 2
    [broken] = read.broken
    assert broken.place == "samples.1"
    assert "samples/2_epoch_1.json" in broken.reason


def test_a_sample_is_unpacked_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_DOCUMENT_BYTES", 20_000)
    read = Read(reader, zipped(sample(1), sample(2, filler="x" * 30_000), sample(3)))
    assert len(read.runs) == 2
    assert "larger than 20,000 bytes" in read.broken[0].reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is no JSON"),
        (b"[]", "is no JSON object"),
        (b"{}", "is no Inspect log"),
        (b'{"samples": [], "eval": {}}', "is no Inspect log"),
        (b'{"eval": {"task": "x"}}', r"eval\.run_id"),
        (zipped(sample(), header="else.json"), "has neither header.json nor"),
        (zipped(sample())[:-40], "is no JSON"),
    ],
)
def test_what_is_no_log_says_so(data: bytes, reason: str) -> None:
    with pytest.raises(BrokenFile, match=reason):
        Read(reader, data)


def logs() -> Iterator[Path]:
    yield from sorted(path for path in LOGS.rglob("*") if path.suffix in (".json", ".eval"))


def samples_in(path: Path) -> list[Any]:
    if path.suffix == ".json":
        return list(json.loads(path.read_bytes())["samples"])
    with zipfile.ZipFile(path) as archive:
        return [json.loads(archive.read(n)) for n in archive.namelist() if n.startswith("samples/")]


@pytest.mark.skipif(not LOGS.is_dir(), reason="the recorded runs are not here")
def test_real_logs_are_all_told() -> None:
    types, by_hand, runs, told, events = Counter[str](), Counter[str](), set[object](), 0, 0
    for path in logs():
        read = Read(reader, path.read_bytes(), path.name)
        assert not read.broken
        told += len(read.runs)
        runs.update(run.correlation_id for run in read.runs)
        types += read.types
        for each in samples_in(path):
            messages, scores = each["messages"], each.get("scores", {})
            calls = [call for m in messages for call in m.get("tool_calls") or []]
            events += len(each.get("events", []) or each.get("transcript", {}).get("events", []))
            errors = sum(m.get("error") is not None for m in messages) if not calls else 0
            by_hand.update(
                {
                    "trust.message_sent": sum(
                        bool(m["content"]) or not m.get("tool_calls") for m in messages
                    ),
                    "trust.decision_made": len(calls),
                    "trust.decision_outcome_known": len(calls),
                    "trust.trust_metric_recorded": len(scores),
                    "work.eval_recorded": len(scores),
                    "work.error_reported": errors,
                }
            )
    for name in ("trust.session_started", "trust.session_completed", "work.work_item_queued"):
        by_hand[name] = told
    for name in ("work.work_order_opened", "work.attempt_started", "work.attempt_ended"):
        by_hand[name] = told
    by_hand["work.work_order_status_changed"] = by_hand["work.work_item_status_changed"] = 2 * told
    assert types == by_hand
    # One of the logs lies there in both forms. 11 of the events stand in a transcript.
    assert (len(list(logs())), told, len(runs), events) == (10, 15, 14, 197 + 11)
