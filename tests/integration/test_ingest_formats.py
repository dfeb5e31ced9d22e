"""Every format of recorded runs through the command line, into the log and the tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Event as Signal

import pytest

from eventstore import EventStore
from eventstore.cli import ingest
from eventstore.cli.main import main
from eventstore.connection.database import connect
from projections.catalogue import PROJECTIONS
from projections.live.daemon import run_daemon
from tests.recorded_runs import (
    asked,
    blame,
    inspect_log,
    run_state,
    sample,
    stream,
    trajectory,
    trial,
    zipped,
)

FILES: list[tuple[str, str, object, int]] = [
    ("tau-bench", "trials.json", [trial(number=0), trial(number=1, reward=0)], 2),
    ("who-and-when", "blame.json", blame(), 1),
    ("swe-agent", "fix.traj", trajectory(), 1),
    ("openhands", "stream.json", stream(), 1),
    ("inspect", "log.json", inspect_log(sample(1), sample(2)), 2),
    ("inspect", "log.eval", zipped(sample(3), sample(4)), 2),
    ("run-state", "state.json", run_state(*asked("c1"), *asked("c2")), 1),
]
"""Format, name, content and the number of runs."""
THIRD_PARTY = """
from uuid import NAMESPACE_URL, uuid5

from eventstore.append import Append
from eventstore.ingest.reader import BrokenRecord, Reader
from eventstore.vocabulary.trust import AgentRegistered


def read(file, name):
    for number, line in enumerate(file):
        agent = line.decode().strip()
        if not agent:
            yield BrokenRecord("names nobody", f"line {number}")
            continue
        run = uuid5(NAMESPACE_URL, agent)
        event = AgentRegistered(agent_id=agent, name=agent, persona_type="clerk").with_id(run)
        yield Append(f"agent-{agent}", [event], correlation_id=run)


reader = Reader(read, names=("*.roll",))
"""


def write(folder: Path, name: str, content: object) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_every_format_goes_in_once_and_the_tables_follow(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for again in (False, True):
        for name, file, content, runs in FILES:
            path = write(tmp_path, file, content)
            code = main(["ingest", name, str(path), "--json", "--database-url", database_url])
            said = json.loads(capsys.readouterr().out)
            assert (code, said["failed"], said["runs_not_listed"]) == (0, 0, 0), (name, said)
            assert said["runs_already_there" if again else "runs_appended"] == runs, name
            assert bool(said["events_appended"]) is not again
    assert run_daemon(database_url, PROJECTIONS, Signal(), until_caught_up=True) == {}
    with connect(database_url, role="projector") as connection:
        orders = connection.execute(
            "SELECT status, count(*) FROM projections.work_orders GROUP BY 1 ORDER BY 1"
        ).fetchall()
        types = connection.execute(
            "SELECT type, count(*) FROM projections.work_items GROUP BY 1 ORDER BY 1"
        ).fetchall()
        held = connection.execute("SELECT count(*) FROM projections.failures").fetchone()
    assert orders == [("COMPLETED", 6), ("FAILED", 2), ("PROCESSING", 2)]
    assert types == [("TASK", 9), ("TOOL_CALL", 2)]
    assert held == (0,)


def test_a_broken_record_is_told_and_the_others_go_in(
    tmp_path: Path,
    database_url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ingest, "_LISTED", 1)
    trials = [trial(number=0), trial(number=1, reward=9), trial(number=2)]
    path = write(tmp_path, "trials.json", trials)
    code = main(["ingest", "tau-bench", str(path), "--json", "--database-url", database_url])
    told = capsys.readouterr()
    said = json.loads(told.out)
    assert (code, said["runs_appended"], said["failed"]) == (5, 2, 1)
    assert (len(said["runs"]), said["runs_not_listed"]) == (1, 2), "all are counted, not all listed"
    assert said["failures"][0]["error"] == "BrokenRecord"
    assert said["failures"][0]["facts"]["place"] == "1.reward"
    assert "trials.json: 1.reward: " in told.err
    with EventStore.open(database_url) as store:
        assert sum(1 for _ in store.read_all(event_types=["work.work_order_opened"])) == 2


def test_a_format_of_a_third_party_is_found_by_its_entry_point(
    tmp_path: Path, database_url: str
) -> None:
    package = tmp_path / "package"
    about = package / "roll_call-1.0.dist-info"
    about.mkdir(parents=True)
    (package / "roll_call.py").write_text(THIRD_PARTY)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: roll-call\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[eventstore.ingest]\nroll-call = roll_call:reader\n")
    write(tmp_path, "team.roll", b"ann\nbob\n\ncid\n")
    path = os.pathsep.join([str(package), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "eventstore", "ingest", "roll-call", str(tmp_path), "--json",
         "--database-url", database_url],
        env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = json.loads(done.stdout)
    assert (done.returncode, said["runs_appended"], said["failed"]) == (5, 3, 1), done.stderr
    assert "line 2: names nobody" in done.stderr


@pytest.mark.faults
def test_a_file_of_100_mb_takes_no_more_memory_than_one_of_5(
    tmp_path: Path, database_url: str
) -> None:
    program = (
        "import os, sys; from benchmarks.memory import peak_megabytes; "
        "from eventstore.cli.main import main; "
        "code = main(['ingest', 'tau-bench', *sys.argv[1:]]); "
        "print(code, peak_megabytes(os.getpid()), file=sys.stderr)"
    )
    peaks = []
    for number, megabytes in enumerate((5, 100)):
        path = tmp_path / f"{megabytes}.json"
        text = {"role": "user", "content": "x" * 100_000}
        with path.open("w", encoding="utf-8") as file:
            for each in range(10 * megabytes):
                file.write("," if each else "[")
                json.dump(trial(text, number=each, batch=number), file)
            file.write("]")
        assert path.stat().st_size > megabytes * 1_000_000
        done = subprocess.run(
            [sys.executable, "-c", program, str(path), "--json", "--database-url", database_url],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        code, peak = done.stderr.split()[-2:]
        assert (int(code), json.loads(done.stdout)["runs_appended"]) == (0, 10 * megabytes), (
            done.stderr
        )
        peaks.append(float(peak))
    assert peaks[1] < peaks[0] + 20, f"{peaks[0]:.0f} MB and {peaks[1]:.0f} MB"
