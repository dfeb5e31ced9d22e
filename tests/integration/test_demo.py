"""The demo as a user runs it, over distributions that the test made, on a database of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import orjson
import psycopg
import pytest
from uuid_utils.compat import uuid7

from eventstore import EventStore, RecordedEvent
from eventstore.vocabulary.packaging import PackageRegistered, PackageStatusChanged
from eventstore.vocabulary.trust import DecisionMade
from projections.catalogue import PROJECTIONS
from projections.demo.desk import record
from projections.demo.package import PackageNow, PackageTaken
from projections.demo.standing import Standings
from projections.demo.team import Team
from projections.demo.turn import Turn
from tests.commands import run_here
from tests.unit.demo.installed import METADATA, install

NATIVE = b"\x7fELF native"
CHANGED = "tampered/core.so differs from its recorded sha256"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Three distributions: one is sound, one was tampered with, one does not say who it is."""
    site = tmp_path / "site"
    install(site, "sound", files={"sound/__init__.py": b"", "sound/fast.so": NATIVE})
    install(site, "tampered", files={"tampered/core.so": NATIVE, "tampered/a.py": b"a"})
    (site / "tampered/core.so").write_bytes(NATIVE[::-1])
    nameless = install(site, "nameless")
    (nameless / "METADATA").write_text("Version: 1.0\n")
    return site


Demo = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def eventstore(
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Demo:
    """Runs `eventstore` with some arguments on the test's database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVENTSTORE_DATABASE_URL", database_url)
    return partial(run_here, capsys)


@pytest.fixture
def start(database_url: str, tmp_path: Path) -> Demo:
    """The same in a process of its own, as a shell runs it."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "eventstore", *arguments],
            env=os.environ | {"EVENTSTORE_DATABASE_URL": database_url},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def tables(admin_url: str) -> Callable[[str], list[tuple[Any, ...]]]:
    """Asks the test's database."""

    def ask(query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(admin_url) as connection:
            return connection.execute(query).fetchall()

    return ask


def events_of(url: str) -> list[RecordedEvent]:
    """The whole log."""
    with EventStore.open(url) as store:
        return list(store.read_all())


def document(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What `--json` printed: one document and nothing else."""
    value = orjson.loads(done.stdout)
    assert isinstance(value, dict)
    return value


def test_a_run(start: Demo, site: Path, tables: Callable[..., list[Any]]) -> None:
    done = start("demo", "--path", str(site), "--json")
    assert done.returncode == 0, done.stderr
    found = document(done)
    assert found["packages"] == {"completed": 1, "failed": 1}
    assert found["work_items"] == {"COMPLETED": 1, "FAILED": 2}
    assert [(item["title"], item["status"], item["reason"]) for item in found["items"][::2]] == [
        (str(site / "nameless-1.0.dist-info"), "FAILED", "its metadata name no name"),
        ("tampered 1.0", "FAILED", CHANGED),
    ]
    assert [each["wrong"] for each in found["verified"]] == [0] * len(PROJECTIONS)

    assert tables(
        "SELECT name, version, publisher, status, installer_id IS NULL, psadt_script_id IS NULL,"
        " wdac_policy_id IS NULL FROM projections.packages ORDER BY name"
    ) == [
        ("sound", "1.0", "The Testers", "completed", False, False, False),
        ("tampered", "1.0", "The Testers", "failed", False, False, False),
    ]
    assert tables(
        "SELECT to_status, agent, reason FROM projections.process_history JOIN projections.packages"
        " AS p ON p.id = package_id WHERE name = 'tampered' ORDER BY process_history.position"
    ) == [
        ("draft", "planner", None),
        ("analyzing", "analyst-1", None),
        ("generating_script", "script-writer", None),
        ("creating_policy", "policy-writer", None),
        ("testing", "tester-1", None),
        ("waiting_approval", "tester-1", None),
        ("failed", "approver", CHANGED),
    ]
    assert tables(
        "SELECT content ->> 'name', i.status, array_agg((a.attempt_no, a.agent_id, a.status,"
        " a.error)::text ORDER BY attempt_no) FILTER (WHERE a.id IS NOT NULL)"
        " FROM projections.work_items AS i LEFT JOIN projections.attempts AS a"
        " ON a.work_item_id = i.id GROUP BY 1, 2 ORDER BY 1"
    ) == [
        (
            "sound",
            "COMPLETED",
            [
                "(1,analyst-2,COMPLETED,)",
                "(2,tester-2,COMPLETED,)",
                "(3,inspector,COMPLETED,)",  # native code, and nobody knows the tester yet
            ],
        ),
        (
            "tampered",
            "FAILED",
            ["(1,analyst-1,COMPLETED,)", f'(2,tester-1,FAILED,"{CHANGED}")'],
        ),
        (None, "FAILED", None),
    ]
    assert tables(
        "SELECT decision, reason FROM projections.approval_events JOIN projections.work_items AS i"
        " ON i.id = work_item_id WHERE content ->> 'name' = 'tampered'"
    ) == [("REJECTED", CHANGED)]
    assert tables("SELECT status, item_count, finished_count FROM projections.work_orders") == [
        ("COMPLETED", 3, 3)
    ]
    assert tables("SELECT session_state, count(*) FROM projections.agent_sessions GROUP BY 1") == [
        ("completed", 9)
    ]


def test_who_vouched_for_a_changed_file_is_trusted_less(
    eventstore: Demo, site: Path, tables: Callable[..., list[Any]]
) -> None:
    assert eventstore("demo", "--path", str(site), "--workers", "1", "--json").returncode == 0
    assert tables(
        "SELECT agent_id, decision_type, user_feedback, outcome FROM projections.agent_decisions"
        " JOIN projections.agent_sessions USING (tenant_id, session_id)"
        " WHERE outcome <> 'success' ORDER BY 1"
    ) == [
        ("analyst-1", "examine", "rejected", "critical_failure"),
        ("policy-writer", "allow", "rejected", "critical_failure"),
    ]
    standing = {
        agent: rest
        for agent, *rest in tables(
            "SELECT agent_id, level, score, approved, rejected FROM projections.trust_levels"
        )
    }
    # A critical failure on the lowest level leaves a score of 0, whatever was good before.
    assert standing["analyst-1"] == [0, 0.0, 1, 1]
    assert standing["policy-writer"] == [0, 0.0, 1, 1]
    assert standing["tester-1"] == [0, 0.5, 2, 0]
    assert standing["script-writer"] == [0, 0.5, 1, 0]
    assert tables(
        "SELECT min(metric_value), max(metric_value) FROM projections.trust_metrics"
        " WHERE agent_id = 'analyst-1' AND metric_type = 'accuracy'"
    ) == [(66.67, 100)]


def test_decisions_follow_the_standing_that_the_table_shows(
    eventstore: Demo, tmp_path: Path, database_url: str
) -> None:
    """Twelve native packages: at first the tester's word is not enough, then it is."""
    for number in range(12):
        install(tmp_path / "site", f"native{number:02}", files={f"n{number}.so": NATIVE})
    again = ("demo", "--path", str(tmp_path / "site"), "--workers", "1", "--json")
    first, second = document(eventstore(*again)), document(eventstore(*again))
    assert first["packages"] == second["packages"] == {"completed": 12}
    assert first["items"][0]["escalated"]
    assert not any(item["escalated"] for item in second["items"])
    with EventStore.open(database_url) as store:
        standings = Standings(store)
        for row in second["trust_levels"]:
            assert standings.level(row["agent_id"]) == row["level"]
        asked = [
            (each.event.input_context["trust_level"], each.event.action["decision"])
            for each in store.read_all(event_types=[DecisionMade.event_type])
            if isinstance(each.event, DecisionMade)
            and each.event.decision_type == "approval"
            and each.event.input_context["asked_by"] == "tester-1"
        ]
    assert asked == sorted(asked)  # in order of the log the level never falls
    assert {level for level, decision in asked if decision == "ESCALATED"} == {0}
    assert 1 in {level for level, decision in asked if decision == "APPROVED"}


def test_one_package_is_one_package(eventstore: Demo, tmp_path: Path, database_url: str) -> None:
    """A second dist-info of the same name and version; a package known by another id."""
    site, package_id = tmp_path / "site", uuid7()
    install(site, "a")
    twin = install(site, "a.twin", "1.0")
    (twin / "METADATA").write_text(METADATA.format(name="a", version="1.0"))
    registered = PackageRegistered(
        package_id=package_id, name="a", version="1.0", publisher="The Testers"
    )
    with EventStore.open(database_url) as store:
        store.append(f"package-{package_id}", [registered], agent="somebody")
    assert eventstore("projections", "run", "--until-caught-up").returncode == 0
    found = document(eventstore("demo", "--path", str(site), "--json"))
    assert [(item["package_id"], item["status"], item["reason"]) for item in found["items"]] == [
        (str(package_id), "COMPLETED", found["items"][0]["reason"]),
        (None, "FAILED", "it is the same package as a-1.0.dist-info"),
    ]
    assert [each["wrong"] for each in found["verified"]] == [0] * len(PROJECTIONS)


def test_every_event_names_its_cause(eventstore: Demo, site: Path, database_url: str) -> None:
    found = document(eventstore("demo", "--path", str(site), "--json"))
    runs = {item["correlation_id"] for item in found["items"]}
    assert len(runs) == 3
    events = events_of(database_url)
    assert len(events) == found["events"]
    positions = {each.event_id: each.position for each in events}
    for each in events:
        if each.causation_id is not None:
            assert positions[each.causation_id] < each.position
    # What nobody asked for: that an agent is there, and that there is an order.
    assert Counter(each.event_type for each in events if each.causation_id is None) == {
        "trust.agent_registered": 9,
        "work.work_order_opened": 1,
    }
    for run in runs:
        of_run = [each for each in events if str(each.correlation_id) == run]
        ids = {each.event_id for each in of_run}
        outside = [each for each in of_run if each.causation_id not in ids]
        assert [each.event_type for each in outside] == ["work.work_item_queued"]

    tree = found["example"]["tree"]
    assert found["example"]["title"] == "tampered 1.0"
    assert [step["event_type"] for step in tree] == ["work.work_item_queued"]
    assert steps(tree) == sum(
        str(each.correlation_id) == found["example"]["correlation_id"] for each in events
    )
    as_of = found["example"]["as_of"]
    assert as_of["table"] == "packages"
    assert as_of["changed"]["status"] == ["waiting_approval", "failed"]


def steps(tree: list[dict[str, Any]]) -> int:
    return sum(1 + steps(step["caused"]) for step in tree)


def test_a_second_run_looks_at_everything_again(
    eventstore: Demo, site: Path, tables: Callable[..., list[Any]]
) -> None:
    first = document(eventstore("demo", "--path", str(site), "--json"))
    (site / "tampered/core.so").write_bytes(NATIVE)
    (site / "sound/fast.so").unlink()
    done = eventstore("demo", "--path", str(site), "--json")
    assert done.returncode == 0, done.stderr
    second = document(done)
    # What was completed stays so; that its files are no longer the same is the item's failure.
    assert second["packages"] == {"completed": 2}
    assert [
        (item["title"], item["status"], item["package_status"]) for item in second["items"]
    ] == [
        (str(site / "nameless-1.0.dist-info"), "FAILED", None),
        ("sound 1.0", "FAILED", "completed"),
        ("tampered 1.0", "COMPLETED", "completed"),
    ]
    assert "sound/fast.so is absent from the disk" in [item["reason"] for item in second["items"]]
    assert [each["wrong"] for each in second["verified"]] == [0] * len(PROJECTIONS)
    assert first["work_order_id"] != second["work_order_id"]
    assert tables("SELECT count(*) FROM projections.packages") == [(2,)]
    assert tables(
        "SELECT from_status, to_status, reason FROM projections.process_history"
        " WHERE from_status = 'failed'"
    ) == [("failed", "draft", "a new try")]


def test_for_people(eventstore: Demo, site: Path) -> None:
    done = eventstore("demo", "--path", str(site))
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    for words in (
        "Packages by status",
        "completed          1",
        CHANGED,
        "its metadata name no name",
        "analyst-1 → script-writer",
        "all as the events say",
    ):
        assert words in done.stdout
    assert re.search(r"^status +waiting_approval +failed", done.stdout, re.MULTILINE)
    commands = done.stdout.partition("Try next\n")[2].splitlines()
    assert len(commands) == 3
    for command in commands:
        tried = eventstore(*re.sub(r"^\S+ -m eventstore ", "", command).split())
        assert (tried.returncode, bool(tried.stdout)) == (0, True), tried.stderr


def test_tables_that_are_wrong_are_a_finding(eventstore: Demo, site: Path, admin_url: str) -> None:
    assert eventstore("demo", "--path", str(site), "--json").returncode == 0
    with psycopg.connect(admin_url) as connection:
        connection.execute("UPDATE projections.packages SET description = 'forged'")
    done = eventstore("demo", "--path", str(site))
    assert done.returncode == 6
    assert "are wrong" in done.stdout


def test_nothing_to_examine(eventstore: Demo, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = eventstore("demo", "--path", str(tmp_path / "empty"))
    assert (done.returncode, done.stdout) == (3, "")
    assert "no *.dist-info" in done.stderr
    assert eventstore("demo", "--path", str(tmp_path / "nowhere")).returncode == 2


@pytest.mark.faults
def test_an_interrupted_run_leaves_nothing_half_way(
    tmp_path: Path, database_url: str, tables: Callable[..., list[Any]]
) -> None:
    """The tester is interrupted while it reads a large file."""
    here = install(tmp_path / "site", "large", files={"large/data.bin": b""})
    with (here.parent / "large/data.bin").open("wb") as file:
        file.truncate(2**30)
    demo = subprocess.Popen(
        [sys.executable, "-m", "eventstore", "demo", "--path", str(here.parent)],
        env=os.environ | {"EVENTSTORE_DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    reading = "SELECT count(*) FROM eventstore.events WHERE event_type = 'work.attempt_started'"
    deadline = monotonic() + 60
    while tables(reading) != [(2,)]:
        assert monotonic() < deadline
        assert demo.poll() is None
        sleep(0.01)
    demo.send_signal(signal.SIGINT)
    _, said = demo.communicate(timeout=60)
    assert demo.returncode == 130, said
    assert "interrupted" in said
    ends = {
        each.event_type: each.payload
        for each in events_of(database_url)
        if each.event_type.endswith(("status_changed", "attempt_ended", "session_completed"))
    }
    reason = "the run was interrupted"
    assert ends["work.work_order_status_changed"]["to_status"] == "FAILED"
    assert ends["work.work_item_status_changed"]["reason"] == reason
    assert ends["packaging.package_status_changed"]["to_status"] == "failed"
    assert ends["packaging.package_status_changed"]["reason"] == reason
    assert "trust.session_completed" in ends


def test_a_turn_is_written_anew_when_somebody_was_faster(database_url: str) -> None:
    planner, package_id = Team(1).planner, uuid7()
    seen: list[int] = []

    def move_on(turn: Turn) -> None:
        assert turn.package is not None
        seen.append(turn.package.stream_version)
        if len(seen) == 1:  # somebody else moves it, after it was read
            record(store, fail, agent=planner, correlation_id=uuid7(), package_id=package_id)
            record(store, draft, agent=planner, correlation_id=uuid7(), package_id=package_id)
        turn.move("draft", "analyzing")

    def fail(turn: Turn) -> None:
        turn.move("draft", "failed")

    def draft(turn: Turn) -> None:
        turn.move("failed", "draft")

    def register(turn: Turn) -> None:
        turn.of_package(
            PackageRegistered(package_id=package_id, name="a", version="1", publisher="p")
        )

    with EventStore.open(database_url) as store:
        run: dict[str, Any] = {
            "agent": planner,
            "correlation_id": uuid7(),
            "package_id": package_id,
        }
        record(store, register, **run)
        record(store, move_on, **run)
        assert seen == [1, 3]
        assert PackageNow.read(store, package_id).status == "analyzing"
        with pytest.raises(PackageTaken, match="it is analyzing, and was draft"):
            record(store, fail, **run)
        moves = [each.event for each in store.read_stream(f"package-{package_id}", 2)]
    assert [move.to_status for move in moves if isinstance(move, PackageStatusChanged)] == [
        "failed",
        "draft",
        "analyzing",
    ]
