"""`eventstore projections` and `eventstore audit`: what they print and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from eventstore import EventStore
from eventstore.cli.main import main
from eventstore.connection.database import connect
from eventstore.vocabulary.work import (
    WorkItemQueued,
    WorkItemStatusChanged,
    WorkOrderOpened,
)
from projections.packaging import Packaging
from projections.session import Connection
from tests.integration.projections.running import number, running, until

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(url: str, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command; returns its exit code, stdout and stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*map(str, words), "--database-url", url])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def answer(call: Call, *words: object) -> Any:
    """What a command that succeeds says in JSON."""
    code, out, err = call(*words, "--json")
    assert code == 0, err
    return json.loads(out)


@pytest.fixture
def positions(store: EventStore) -> list[int]:
    """A work order with an item on its way."""
    order, item = number(1), number(2)
    said = [
        WorkOrderOpened(work_order_id=order, title="first"),
        WorkItemQueued(work_item_id=item, work_order_id=order, type="TICKET"),
        WorkItemStatusChanged(
            work_item_id=item, work_order_id=order, from_status="QUEUED", to_status="PROCESSING"
        ),
    ]
    return [store.append("work_order-1", [event], agent="a").positions[0] for event in said]


def test_list_names_tables_and_events(call: Call) -> None:
    found = {each["projection"]: each for each in answer(call, "projections", "list")}
    assert list(found) == ["packaging", "projects", "trust", "work", "workspaces"]
    assert found["work"]["tables"][:2] == ["work_orders", "work_items"]
    assert "work.work_order_opened" in found["work"]["event_types"]
    assert found["work"]["projection_version"] == 2
    code, out, _ = call("projections", "list")
    assert code == 0
    assert "work_items" in out


def test_run_until_caught_up(call: Call, conn: Connection, positions: list[int]) -> None:
    assert answer(call, "projections", "run", "--once") == {}
    assert conn.execute("SELECT status FROM work_items").fetchall() == [("PROCESSING",)]
    states = {
        each["projection"]: each for each in answer(call, "projections", "status")["projections"]
    }
    assert states["work"]["position"] == positions[-1]
    assert {each["lag_events"] for each in states.values()} == {0}


def test_run_only_what_is_named(call: Call, positions: list[int]) -> None:
    assert answer(call, "projections", "run", "--until-caught-up", "work") == {}
    found = answer(call, "projections", "status")
    states = {each["projection"]: each["state"] for each in found["projections"]}
    assert states == {
        "packaging": "never ran",
        "projects": "never ran",
        "trust": "never ran",
        "work": "stopped",
        "workspaces": "never ran",
    }
    assert found["watermark"] == positions[-1]
    only = answer(call, "projections", "status", "work")["projections"]
    assert [each["projection"] for each in only] == ["work"]


def test_status_is_a_table(call: Call, positions: list[int]) -> None:
    code, out, _ = call("projections", "status")
    assert code == 0
    assert "never ran" in out
    assert "3 events" in out
    assert "watermark" in out


def test_rebuild_and_verify(call: Call, conn: Connection, positions: list[int]) -> None:
    done = answer(call, "projections", "rebuild", "work")
    assert [(each["projection"], each["events"], each["rows"]) for each in done] == [("work", 3, 2)]
    code, out, err = call("projections", "rebuild", "--all")
    assert (code, out) == (0, "")
    assert "work: 3 events into 2 rows" in err
    assert [each["wrong"] for each in answer(call, "projections", "verify", "--all")] == [0] * 5
    conn.execute("UPDATE work_items SET status = 'FAILED'")
    code, out, _ = call("projections", "verify", "work")
    assert code == 6
    assert "1 is wrong" in out
    assert "work_items" in out
    code, out, _ = call("projections", "verify", "work", "--json")
    assert code == 6
    (difference,) = json.loads(out)[0]["differences"]
    assert difference["columns"] == {"status": ["FAILED", "PROCESSING"]}


def test_rebuild_of_a_version(call: Call, positions: list[int]) -> None:
    (done,) = answer(call, "projections", "rebuild", "work", "--version", "1")
    assert (done["projection_version"], done["rows"]) == (1, 2)
    assert call("projections", "rebuild", "work", "--version", "9")[0] == 3


MISTAKES: list[tuple[tuple[str, ...], int]] = [
    (("projections", "run", "nothing"), 3),
    (("projections", "status", "nothing"), 3),
    (("projections", "rebuild", "nothing"), 3),
    (("projections", "rebuild"), 2),
    (("projections", "verify"), 2),
    (("projections", "rebuild", "work", "--all"), 2),
    (("audit", "as-of", "nothing", "x", "--at", "1"), 3),
    (("audit", "as-of", "work_items", "x", "--at", "1"), 2),
    (("audit", "as-of", "work_items", str(number(2)), "--at", "yesterday"), 2),
    (("audit", "as-of", "work_items", str(number(2))), 2),
    (("audit", "as-of", "work_items", str(number(404)), "--at", "3"), 3),
    (("audit", "as-of", "work_items", str(number(2)), "--at", "1"), 3),
    (("audit", "as-of", "work_items", str(number(2)), "--at", "2020-01-01"), 3),
]


def test_mistakes(call: Call, positions: list[int]) -> None:
    for words, code in MISTAKES:
        found, out, err = call(*words)
        assert (words, found, out) == (words, code, "")
        assert err
        assert "Traceback" not in err


def test_as_of(call: Call, store: EventStore, positions: list[int]) -> None:
    item = str(number(2))
    found = answer(call, "audit", "as-of", "work_items", item, "--at", positions[1])
    assert (found["row"]["status"], found["row"]["id"]) == ("QUEUED", item)
    assert [each["event_type"] for each in found["events"]] == ["work.work_item_queued"]
    assert found["position"] == positions[1]
    now = answer(call, "audit", "as-of", "work_items", item, "--at", positions[2])
    assert now["row"]["status"] == "PROCESSING"
    assert [each["position"] for each in now["events"]] == positions[1:]
    assert {each["agent"] for each in now["events"]} == {"a"}
    *_, queued, _ = store.read_all()
    then = queued.recorded_at.isoformat()
    assert answer(call, "audit", "as-of", "work_items", item, "--at", then) == found
    code, out, _ = call("audit", "as-of", "work_items", item, "--at", positions[1])
    assert code == 0
    assert "QUEUED" in out
    assert "work.work_item_queued" in out


def test_as_of_for_another_tenant(call: Call, positions: list[int]) -> None:
    words = ("audit", "as-of", "work_items", str(number(2)), "--at", "3", "--tenant", "other")
    assert call(*words)[0] == 3


@pytest.mark.parametrize("number_of_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(
    url: str, conn: Connection, positions: list[int], number_of_signal: signal.Signals
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "eventstore", "projections", "run"],
        env=os.environ | {"EVENTSTORE_DATABASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            until(
                lambda: (
                    conn.execute(
                        "SELECT FROM checkpoints WHERE state = 'running' AND projection = 'work' "
                        "AND position > 0"
                    ).fetchone()
                    is not None
                ),
                "it runs",
            )
            process.send_signal(number_of_signal)
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 0
    assert out == b""
    assert b"event=stopped" in err
    assert b"Traceback" not in err
    held = conn.execute("SELECT projection FROM checkpoints WHERE holder IS NOT NULL").fetchall()
    assert held == []


def test_reshard(call: Call, conn: Connection) -> None:
    done = answer(call, "projections", "reshard", "packaging", "--shards", "4")
    assert (done["before"], done["shards"], done["position"]) == (1, 4, 0)
    rows = conn.execute("SELECT shard, shards FROM checkpoints WHERE projection = 'packaging'")
    assert sorted(rows.fetchall()) == [(0, 4), (1, 4), (2, 4), (3, 4)]
    code, out, err = call("projections", "reshard", "packaging", "--shards", "1")
    assert (code, out) == (0, "")
    assert "4 to 1 shards" in err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("projections", "reshard", "work", "--shards", "2"), 5),
        (("projections", "reshard", "nothing", "--shards", "2"), 3),
        (("projections", "reshard", "packaging", "--shards", "0"), 2),
        (("projections", "reshard", "packaging"), 2),
    ],
)
def test_mistakes_in_shards(call: Call, words: tuple[str, ...], code: int) -> None:
    found, out, err = call(*words)
    assert (found, out) == (code, "")
    assert err
    assert "Traceback" not in err


def test_daemons(call: Call, url: str) -> None:
    assert answer(call, "projections", "daemons") == []
    with running(url, Packaging()):
        until(lambda: answer(call, "projections", "daemons"), "it is there")
        until(lambda: answer(call, "projections", "daemons")[0]["holds"] == 1, "it has its share")
        (only,) = answer(call, "projections", "daemons")
    assert only["runs"] == {"packaging": [Packaging.version]}


def test_a_second_signal_ends_it_at_once(url: str, conn: Connection, positions: list[int]) -> None:
    """In the middle of a batch that waits for a lock, which the first signal waits for as well."""
    process = subprocess.Popen(
        [sys.executable, "-m", "eventstore", "projections", "run", "work"],
        env=os.environ | {"EVENTSTORE_DATABASE_URL": url},
        stderr=subprocess.PIPE,
    )
    with process, connect(url, role="owner") as owner, owner.transaction():
        try:
            owner.execute("LOCK TABLE work_items")
            until(
                lambda: (
                    conn.execute("SELECT FROM pg_locks WHERE NOT granted").fetchone() is not None
                ),
                "a batch waits",
            )
            process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == -signal.SIGTERM
        finally:
            process.kill()
