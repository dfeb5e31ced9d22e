"""Files into the log: all of a run or nothing, once, and what is broken is named."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event as Signal
from typing import Any
from uuid import uuid4, uuid5

import pytest

from eventstore import EventStore
from eventstore.cli.main import main
from eventstore.connection.database import connect
from eventstore.ingest import reader as ingest_reader
from eventstore.ingest.agent_trail import NAMESPACE, reader
from eventstore.ingest.files import find_files
from eventstore.ingest.run import Ingest
from eventstore.vocabulary.trust import MessageSent
from projections.catalogue import PROJECTIONS
from projections.live.daemon import run_daemon
from tests.trails import Json, chapter, item, trail

DATA = Path(__file__).parents[2].parent / "shared" / "data"
TRAILS = DATA / "agent-trails"
COPIES = sorted(DATA.glob("agent-trails-*"))
"""Folders with copies of some of them."""

Ingested = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def store(database_url: str) -> Iterator[EventStore]:
    with EventStore.open(database_url) as opened:
        yield opened


@pytest.fixture
def ingest(database_url: str, capsys: pytest.CaptureFixture[str]) -> Ingested:
    """Runs the command; returns its exit code, what it says in JSON, and its stderr."""

    def run(*words: object) -> tuple[int, dict[str, Any], str]:
        command = ["ingest", "agent-trail", "--json", "--database-url", database_url]
        code = main([*command, *map(str, words)])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else {}, said.err

    return run


def write(folder: Path, name: str, document: Json | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(document if isinstance(document, bytes) else json.dumps(document).encode())
    return path


def a_run(number: int = 1, **more: Any) -> Json:
    work = chapter("Build", "coder", 10, 20, item(11, "note"), item(12, "decision"))
    return trail(work, id=f"traj_{number}", **more)


def log(store: EventStore) -> list[tuple[str, int, bytes]]:
    return [(each.stream_id, each.stream_version, each.data) for each in store.read_all()]


def test_a_second_time_adds_nothing(tmp_path: Path, store: EventStore, ingest: Ingested) -> None:
    write(tmp_path, "deep/er/one.json", a_run(1))
    write(tmp_path, "two.json", a_run(2))
    write(tmp_path, "two.trace.json", b"{}")
    write(tmp_path, "README.md", b"")
    code, said, _ = ingest(tmp_path)
    assert (code, said["files"], said["runs_appended"]) == (0, 2, 2)
    assert said["files_skipped"] == {".trace.json": 1, ".md": 1}
    before = log(store)
    assert said["events_appended"] == len(before) == sum(said["event_types"].values())
    code, said, errors = ingest(tmp_path)
    assert (code, said["runs_already_there"], said["events_appended"], errors) == (0, 2, 0, "")
    assert log(store) == before


def test_the_same_run_in_two_places_is_one(tmp_path: Path, ingest: Ingested) -> None:
    write(tmp_path, "a/trajectory.json", a_run())
    write(tmp_path, "b/traj_1.json", a_run())
    code, said, _ = ingest(tmp_path / "b", tmp_path)
    assert (code, said["files"]) == (0, 2)
    assert (said["runs_appended"], said["runs_already_there"]) == (1, 1)


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_run_that_differs_is_a_conflict(
    dry_run: bool, tmp_path: Path, store: EventStore, ingest: Ingested
) -> None:
    write(tmp_path, "a.json", a_run())
    changed = a_run()
    changed["chapters"][0]["events"][0]["content"] = "something else"
    write(tmp_path, "b.json", changed)
    write(tmp_path, "c.json", a_run(2))
    code, said, errors = ingest(tmp_path, *(["--dry-run"] if dry_run else []))
    assert (code, said["runs_appended"], said["failed"]) == (5, 2, 1)
    [failure] = said["failures"]
    assert (Path(failure["file"]).name, failure["error"]) == ("b.json", "RunDiffers")
    assert failure["facts"]["differing"] == 1
    assert "b.json" in errors
    if dry_run:
        assert log(store) == []
    else:
        assert failure["facts"]["recorded_from"] == "a.json"
        assert b"something else" not in b"".join(each.data for each in store.read_all())


def test_a_run_that_went_on_is_continued(
    tmp_path: Path, store: EventStore, ingest: Ingested
) -> None:
    begun = a_run(status="active", agents=a_run()["agents"][:1])
    del begun["completedAt"], begun["retrospective"], begun["chapters"][0]["endedAt"]
    path = write(tmp_path, "one.json", begun)
    assert ingest(path)[0] == 0
    before = log(store)
    begun["chapters"][0]["events"].append(item(13, "finding"))
    write(tmp_path, "one.json", begun)
    code, said, _ = ingest(path)
    assert (code, said["runs_continued"], said["event_types"]) == (
        0, 1, {"trust.finding_reported": 1},
    )  # fmt: skip
    assert log(store)[: len(before)] == before
    assert ingest(path)[1]["runs_already_there"] == 1


def test_an_older_copy_of_a_run_is_already_there(tmp_path: Path, ingest: Ingested) -> None:
    begun = a_run(status="active")
    del begun["completedAt"], begun["retrospective"], begun["chapters"][0]["endedAt"]
    older = write(tmp_path, "older.json", begun)
    begun["chapters"][0]["events"].append(item(13, "finding"))
    newer = write(tmp_path, "newer.json", begun)
    assert ingest(newer)[1]["runs_appended"] == 1
    assert ingest(older)[1]["runs_already_there"] == 1


def test_events_put_into_a_run_that_is_over_are_a_conflict(
    tmp_path: Path, store: EventStore, ingest: Ingested
) -> None:
    path = write(tmp_path, "one.json", a_run())
    ingest(path)
    before = log(store)
    longer = a_run()
    longer["chapters"][0]["events"].append(item(13, "finding"))
    write(tmp_path, "one.json", longer)
    assert ingest(path)[0] == 5
    assert log(store) == before


def test_a_run_from_whose_file_something_was_taken_is_a_conflict(
    tmp_path: Path, store: EventStore, ingest: Ingested
) -> None:
    begun = a_run(status="active")
    del begun["completedAt"], begun["retrospective"], begun["chapters"][0]["endedAt"]
    path = write(tmp_path, "one.json", begun)
    ingest(path)
    before = log(store)
    begun["chapters"][0]["events"].pop()
    begun["chapters"].append(chapter("Next", "coder", 30, None))
    write(tmp_path, "one.json", begun)
    code, said, _ = ingest(path)
    assert (code, said["failures"][0]["facts"]["differing"]) == (5, 0)
    assert log(store) == before


def test_what_others_said_of_a_run_is_no_conflict(
    tmp_path: Path, store: EventStore, ingest: Ingested
) -> None:
    path = write(tmp_path, "one.json", a_run())
    ingest(path)
    session = uuid4()
    said = MessageSent(message_id=uuid4(), session_id=session, role="user", content="well done")
    run = uuid5(NAMESPACE, "traj_1")
    store.append(f"session-{session}", [said], agent="auditor", correlation_id=run)
    assert ingest(path)[1]["runs_already_there"] == 1


def test_a_broken_file_is_named_and_the_rest_goes_on(
    tmp_path: Path, store: EventStore, ingest: Ingested
) -> None:
    write(tmp_path, "1.json", a_run(1))
    write(tmp_path, "2.json", b"{")
    write(tmp_path, "3.json", a_run(3, version=9))
    half = a_run(4)
    half["chapters"][0]["events"].append({**item(13, "note"), "content": "\0"})
    write(tmp_path, "4.json", half)
    write(tmp_path, "5.json", a_run(5))
    (tmp_path / "6.json").symlink_to(tmp_path / "nowhere")
    code, said, errors = ingest(tmp_path)
    assert (code, said["runs_appended"], said["failed"]) == (5, 2, 3)
    assert [Path(each["file"]).name for each in said["failures"]] == ["2.json", "3.json", "4.json"]
    for name in ("2.json: is no JSON", "3.json: version", "4.json: ", "U+0000"):
        assert name in errors
    assert "Traceback" not in errors
    assert said["event_types"]["work.work_order_opened"] == 2
    assert not list(store.read_correlation(uuid5(NAMESPACE, "traj_4")))


def test_a_file_is_read_up_to_a_limit(
    tmp_path: Path, ingest: Ingested, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_reader, "MAX_DOCUMENT_BYTES", 10_000)
    write(tmp_path, "1.json", a_run())
    write(tmp_path, "2.json", b" " * 10_001)
    code, said, errors = ingest(tmp_path)
    assert (code, said["runs_appended"], said["failed"]) == (5, 1, 1)
    assert "larger than 10,000 bytes" in errors


def test_a_dry_run_appends_nothing_and_says_the_same(
    tmp_path: Path, store: EventStore, ingest: Ingested
) -> None:
    write(tmp_path, "1.json", a_run(1))
    write(tmp_path, "2.json", a_run(2))
    write(tmp_path, "2-again.json", a_run(2))
    tried = ingest(tmp_path, "--dry-run")
    assert log(store) == []
    done = ingest(tmp_path)
    assert tried[1].pop("dry_run")
    assert not done[1].pop("dry_run")
    assert tried == done


def test_what_is_not_there_is_not_found(
    tmp_path: Path, store: EventStore, ingest: Ingested
) -> None:
    write(tmp_path, "1.json", a_run(1))
    code, said, errors = ingest(tmp_path, tmp_path / "missing")
    assert (code, said) == (3, {})
    assert "missing" in errors
    assert log(store) == []


def test_a_companion_that_is_named_is_read_and_refused(tmp_path: Path, ingest: Ingested) -> None:
    path = write(tmp_path, "1.trace.json", {"version": "1.0.0", "id": "x", "files": []})
    code, said, _ = ingest(path)
    assert (code, said["failed"]) == (5, 1)


def test_file_names_of_any_bytes_are_told(tmp_path: Path, ingest: Ingested) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.json"))
    path.write_bytes(json.dumps(a_run()).encode())
    code, said, _ = ingest(tmp_path)
    assert (code, said["runs"][0]["file"].endswith("\\xff.json")) == (0, True)


def test_an_unknown_format_is_a_mistake_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ingest", "tape", "x"]) == 2
    assert "tape" in capsys.readouterr().err


def test_the_summary_is_for_people_too(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "1.json", a_run(1))
    assert main(["ingest", "agent-trail", str(tmp_path), "--database-url", database_url]) == 0
    said = capsys.readouterr()
    assert "runs appended         1" in said.out
    assert "trust.decision_made" in said.out
    assert said.err == ""


def counted_by_hand(root: Path) -> Counter[str]:
    """What must be in the log, counted in the raw files without any of the reader's code.

    Of two copies of one trail the first in order of path counts.
    """
    names = {
        "note": "trust.message_sent", "decision": "trust.decision_made",
        "finding": "trust.finding_reported", "reflection": "trust.reflection_recorded",
        "error": "work.error_reported", "completion-evidence": "work.evidence_given",
        "completion-marker": "work.evidence_given",
    }  # fmt: skip
    count: Counter[str] = Counter()
    seen: set[str] = set()
    agents: set[tuple[str, str]] = set()
    for path in sorted(root.rglob("*.json"), key=lambda each: (each.parent.parts, each.name)):
        if path.name.endswith(".trace.json"):
            continue
        run = json.loads(path.read_text(encoding="utf-8"))
        if run["id"] in seen:
            continue
        seen.add(run["id"])
        over = run["status"] != "active"
        team = {each["name"]: each["role"] for each in run["agents"]} or {"unnamed": "unknown"}
        agents |= set(team.items())
        titles = {each["title"] for each in run["chapters"]}
        ended = {each["title"] for each in run["chapters"] if "endedAt" in each}
        count["work.work_order_opened"] += 1
        count["work.work_order_status_changed"] += 2 if over else 1
        count["work.work_order_details_changed"] += bool(
            over and {"retrospective", "commits", "filesChanged", "_trace"} & run.keys()
        )
        count["trust.trust_metric_recorded"] += "confidence" in run.get("retrospective", {})
        count["trust.session_started"] += len(team)
        count["trust.session_completed"] += len(team) if over else 0
        count["work.work_item_queued"] += len(titles)
        count["work.work_item_status_changed"] += len(titles) + len(ended)
        count["work.attempt_started"] += len(run["chapters"])
        count["work.attempt_ended"] += sum("endedAt" in each for each in run["chapters"])
        count.update(names[each["type"]] for c in run["chapters"] for each in c["events"])
    count["trust.agent_registered"] = len(agents)
    return count


@pytest.mark.skipif(not TRAILS.is_dir(), reason="the recorded trails are not here")
def test_real_trails_are_all_there_once_and_the_tables_follow(
    database_url: str, store: EventStore, ingest: Ingested
) -> None:
    code, said, errors = ingest(TRAILS)
    # One trail lies there in two versions, of which the first is taken.
    assert (code, said["files"], said["runs_appended"], said["failed"]) == (5, 267, 266, 1)
    assert said["files_skipped"][".trace.json"] == 23
    assert errors.count("\n") == 1
    assert "2026-05/traj_3b3p1z4y7qlo.json" in errors

    by_hand = counted_by_hand(TRAILS)
    events = list(store.read_all())
    assert Counter(each.event_type for each in events) == by_hand
    assert said["event_types"] == by_hand

    code, said, _ = ingest(TRAILS, *COPIES)
    assert (code, said["events_appended"], said["failed"]) == (5, 0, 1)
    assert said["runs_already_there"] == said["files"] - 1
    assert store.watermark() == events[-1].position

    assert run_daemon(database_url, PROJECTIONS, Signal(), until_caught_up=True) == {}
    with connect(database_url, role="projector") as connection:

        def count(table: str) -> int:
            row = connection.execute(f"SELECT count(*) FROM projections.{table}").fetchone()
            assert row is not None
            return int(row[0])

        assert count("work_orders") == by_hand["work.work_order_opened"]
        assert count("work_items") == by_hand["work.work_item_queued"]
        assert count("attempts") == by_hand["work.attempt_started"]
        assert count("agent_decisions") == by_hand["trust.decision_made"]
        assert count("trust_metrics") == by_hand["trust.trust_metric_recorded"]
        assert count("conversation_history") == sum(
            by_hand[f"trust.{name}"]
            for name in ("message_sent", "finding_reported", "reflection_recorded")
        )
        statuses = connection.execute(
            "SELECT status, count(*) FROM projections.work_orders GROUP BY 1 ORDER BY 1"
        ).fetchall()
        assert statuses == [("COMPLETED", 229), ("FAILED", 36), ("PROCESSING", 1)]


@pytest.mark.skipif(not COPIES, reason="the recorded trails are not here")
def test_in_a_real_run_every_cause_is_in_the_run_and_before_its_effect(store: EventStore) -> None:
    ingest = Ingest(store, reader)
    for path in find_files(COPIES, reader).paths:
        assert [each.outcome for each in ingest.file(path)] == ["appended"]
    roots = 0
    for each in store.read_all(event_types=["work.work_order_opened"]):
        positions: dict[Any, int] = {}
        for recorded in store.read_correlation(each.correlation_id):
            if recorded.causation_id is None:
                roots += 1
            else:
                assert positions[recorded.causation_id] < recorded.position
            positions[recorded.event_id] = recorded.position
    assert roots == 40
