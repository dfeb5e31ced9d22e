"""The commands that build, switch, check and compare: what they print and how they end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from eventstore import EventStore
from eventstore.cli.main import main
from eventstore.seed import tell
from eventstore.seed.filling import fill
from projections.catalogue import PROJECTIONS, projection
from projections.session import Connection
from tests.integration.projections.running import catch_up, replayed, stored, until

ROOT = Path(__file__).parents[3]
Call = Callable[..., tuple[int, str, str]]
PACKAGING = projection("packaging")


@pytest.fixture
def call(url: str, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command; returns its exit code, stdout and stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        before = signal.getsignal(signal.SIGTERM)
        try:
            code = main([*map(str, words), "--database-url", url])
        finally:
            signal.signal(signal.SIGTERM, before)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def answer(call: Call, *words: object) -> Any:
    """What a command that succeeds says in JSON."""
    code, out, err = call(*words, "--json")
    assert code == 0, err
    return json.loads(out)


def seed(store: EventStore, number: int, events: int) -> None:
    """Made-up data; that of one number has nothing to do with that of another."""
    fill(store, islice(tell(["packaging", "work"], number), events))


def events_of(name: str, store: EventStore, after: int = 0) -> int:
    """How many events of a projection come after a position."""
    types = projection(name).event_types
    return sum(each.event_type in types for each in store.read_all(after=after))


def rows_of(name: str, conn: Connection) -> int:
    """How many rows the live tables of a projection have."""
    return sum(map(len, stored(conn, projection(name)).values()))


@pytest.fixture
def told(store: EventStore, url: str) -> str:
    seed(store, 0, 400)
    assert catch_up(url, projection("packaging"), projection("work")) == {}
    return url


def test_rebuild_tells_how_far_it_is(
    told: str, call: Call, conn: Connection, store: EventStore
) -> None:
    events, rows = events_of("packaging", store), rows_of("packaging", conn)
    code, out, err = call("projections", "rebuild", "packaging", "--workers", "2")
    assert (code, out) == (0, "")
    lines = [line for line in err.splitlines() if line.startswith("packaging: ")]
    phases = [re.sub(r"packaging: ([a-z ]+).*", r"\1", line) for line in lines[:-1]]
    assert phases == ["fold", "index", "catch up", "switch"]
    assert f"{events} events into {rows} rows" in lines[-1]
    (done,) = answer(call, "projections", "rebuild", "packaging", "--workers", 2)
    assert (done["events"], done["rows"], done["resumed"], done["held"]) == (events, rows, False, 0)
    assert stored(conn, projection("packaging")) == replayed(conn, projection("packaging"))


def test_rebuild_from_a_moment(told: str, call: Call, conn: Connection, store: EventStore) -> None:
    middle = store.watermark()
    seed(store, 1, 200)
    (done,) = answer(call, "projections", "rebuild", "packaging", "--from", middle)
    assert (done["starts_after"], done["held"]) == (middle, 0)
    assert done["events"] == events_of("packaging", store, after=middle)
    rows = rows_of("packaging", conn)
    assert done["rows"] == rows
    code, out, _ = call("projections", "verify", "packaging")
    assert code == 0
    said = f"{rows} rows at position {store.watermark()}, of the events after {middle}: all as"
    assert said in out
    code, _, err = call("projections", "rebuild", "packaging", "--from", "2020-01-01")
    assert code == 0
    rows = rows_of("packaging", conn)
    assert f"{events_of('packaging', store)} events into {rows} rows" in err
    assert answer(call, "projections", "rebuild", "packaging", "--from", "start")[0]["rows"] == rows


def test_switch_back_and_drop_old(told: str, call: Call, store: EventStore) -> None:
    assert call("projections", "switch", "work", "--back")[0] == 3
    assert call("projections", "drop-old", "work")[0] == 3
    assert call("projections", "rebuild", "work")[0] == 0
    before = store.watermark()
    seed(store, 1, 60)
    done = answer(call, "projections", "switch", "work", "--back")
    new = events_of("work", store, after=before)
    assert (done["events"], done["position"]) == (new, store.watermark())
    code, out, err = call("projections", "switch", "work", "--back")
    assert (code, out) == (0, "")
    assert "work: the old build is live up to position" in err
    dropped = answer(call, "projections", "drop-old", "--all")
    assert dropped == {each.name: each.name == "work" for each in PROJECTIONS}
    code, _, err = call("projections", "switch", "work", "--back")
    assert code == 3
    assert "no old build" in err


MISTAKES: list[tuple[tuple[str, ...], int, str]] = [
    (("switch", "work"), 2, "--back"),
    (("switch", "nothing", "--back"), 3, "nothing"),
    (("rebuild", "work", "--from", "yesterday"), 2, "--from"),
    (("rebuild", "work", "--version", "9"), 3, "9"),
    (("rebuild", "work", "--workers", "0"), 2, "workers"),
    (("verify", "work", "--sample", "1/4"), 2, "--continuous"),
    (("verify", "work", "--continuous", "--sample", "2/4"), 2, "1/N"),
    (("compare", "work", "--with", "nonsense"), 3, "module:Class"),
    (("compare", "work", "--with", "no.such:Class"), 3, "ModuleNotFoundError"),
    (("compare", "nothing", "--with", "projections.work:Work"), 3, "nothing"),
]


def test_mistakes(call: Call) -> None:
    for words, code, reason in MISTAKES:
        found, out, err = call("projections", *words)
        assert (words, found, out) == (words, code, "")
        assert reason in err
        assert "Traceback" not in err


def test_compare(
    told: str, call: Call, conn: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted = len({row["package_id"] for row in stored(conn, PACKAGING)["psadt_scripts"].values()})
    (tmp_path / "stricter_rules.py").write_text(
        "from eventstore.vocabulary.packaging import ScriptGenerated\n"
        "from projections.packaging import Packaging\n"
        "from projections.packaging.rows import Package\n"
        "from projections.projection import on\n"
        "class Stricter(Packaging, name='packaging', tables=Packaging.tables, version=2):\n"
        "    @on(ScriptGenerated)\n"
        "    def script_generated(self, event, recorded, rows):\n"
        "        super().script_generated(event, recorded, rows)\n"
        "        rows.get(Package).description = 'scripted'\n"
    )
    monkeypatch.chdir(tmp_path)
    same = ("projections", "compare", "packaging", "--with", "projections.packaging:Packaging")
    code, out, err = call(*same)
    assert code == 0
    assert "the same rows" in err
    assert "process_history" in out
    words = ("projections", "compare", "packaging", "--with", "stricter_rules:Stricter")
    code, out, err = call(*words)
    assert code == 6
    assert "they differ" in err
    assert '"scripted"]' in out
    code, out, _ = call(*words, "--json")
    assert code == 6
    *changes, summary = map(json.loads, out.splitlines())
    assert {(each["table"], each["kind"]) for each in changes} == {("packages", "changed")}
    assert 0 < len(changes) <= scripted
    assert changes[0]["columns"]["description"][1] == "scripted"
    assert summary["equal"] is False
    assert summary["tables"][0]["counts"] == {"changed": len(changes)}


def test_continuously_up_to_the_first_difference(told: str, call: Call, conn: Connection) -> None:
    (name,) = conn.execute("SELECT min(name) FROM packages").fetchone() or ("",)
    conn.execute(
        "UPDATE packages SET name = 'other' WHERE id = (SELECT id FROM packages WHERE name = %s "
        "LIMIT 1)",
        [name],
    )
    words = ("projections", "verify", "packaging", "--continuous", "--every", 0, "--sample", "1/4")
    code, out, _ = call(*words)
    assert code == 6
    assert "1 is wrong" in out
    assert name in out
    code, out, _ = call(*words, "--json")
    assert code == 6
    passes = list(map(json.loads, out.splitlines()))
    assert [each["bucket"] for each in passes] == [[i, 4] for i in range(len(passes))]
    assert [each["wrong"] for each in passes] == [0] * (len(passes) - 1) + [1]


@contextmanager
def command(url: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A command in a process group of its own, as a shell starts it."""
    with subprocess.Popen(
        [sys.executable, "-m", "eventstore", "projections", *words],
        env=os.environ | {"EVENTSTORE_DATABASE_URL": url},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_continuously_until_stopped(told: str, number: signal.Signals) -> None:
    words = ("verify", "--all", "--continuous", "--every", "0.1", "--keep-going")
    with command(told, *words) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert all("all as the events say" in line for line in lines)
    assert "stopped" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_rebuild_and_its_processes(
    store: EventStore, url: str, conn: Connection, number: signal.Signals
) -> None:
    """What is checkpointed stays, and no session goes on."""
    fill(store, islice(tell(["packaging"]), 22_000))
    before = conn.execute("SELECT count(*) FROM pg_stat_activity").fetchone()
    with command(url, "rebuild", "packaging", "--workers", "2") as process:
        until(
            lambda: (
                conn.execute(
                    "SELECT FROM checkpoints WHERE build = 'rebuild' AND holder IS NOT NULL"
                ).fetchone()
                is not None
            ),
            "it has begun",
        )
        os.killpg(process.pid, number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    state = "SELECT state, holder FROM checkpoints WHERE build = 'rebuild'"
    assert conn.execute(state).fetchall() == [("stopped", None)] * 2
    until(
        lambda: conn.execute("SELECT count(*) FROM pg_stat_activity").fetchone() == before,
        "all connections are gone",
    )


def test_audit_diff_and_history(told: str, call: Call, store: EventStore) -> None:
    packages = list(store.read_all(categories=["package"]))
    events = [each for each in packages if each.stream_id == packages[0].stream_id]
    moves = [each for each in events if each.event_type == "packaging.package_status_changed"]
    first, last = events[0], moves[-1]
    key = first.payload["package_id"]
    found = answer(
        call, "audit", "diff", "packaging", "--from", first.position, "--to", last.position
    )
    changes = [each for each in found["changes"] if each["table"] == "packages"]
    (package,) = [each for each in changes if key in each["key"]]
    assert (package["kind"], package["columns"]["status"]) == (
        "changed",
        ["draft", last.payload["to_status"]],
    )
    code, out, _ = call("audit", "diff", "packaging", "--from", 0, "--to", last.position)
    assert code == 0
    assert "added" in out
    cells = answer(call, "audit", "history", "packages", key, "status")
    assert [each["after"] for each in cells][:2] == ["draft", "analyzing"]
    assert cells[0]["event_type"] == "packaging.package_registered"
    assert cells[0]["agent"]
    code, out, _ = call("audit", "history", "packages", key, "--at", first.position)
    assert code == 0
    assert first.payload["name"] in out
    assert call("audit", "history", "packages", key, "colour")[0] == 3
    assert call("audit", "history", "packages", key, "--at", "now")[0] == 2
    assert call("audit", "diff", "packaging", "--from", "x", "--to", "1")[0] == 2
