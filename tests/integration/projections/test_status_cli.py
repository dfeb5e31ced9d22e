"""`eventstore projections status`, once and again and again, and `projections hooks`."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from eventstore import EventStore
from eventstore.cli.main import main
from eventstore.connection.server import make_database
from eventstore.embedded import EmbeddedServer
from eventstore.vocabulary.work import WorkOrderOpened
from projections.checkpoint import Lease, acquire
from projections.session import Connection
from projections.work import Work
from tests.integration.log.crash import kill
from tests.integration.projections.hooking import Remembering
from tests.integration.projections.running import catch_up, number, until

Call = Callable[..., tuple[int, str, str]]
ORDER = WorkOrderOpened(work_order_id=number(1), title="first")


@pytest.fixture
def call(url: str, capsys: pytest.CaptureFixture[str]) -> Call:
    """Runs a command; returns its exit code, stdout and stderr."""

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*map(str, words), "--database-url", url])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


class Caching(Remembering):
    projection = "work"


@contextmanager
def watching(
    url: str, *words: str, stdout: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    """`status --watch` in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "eventstore", "projections", "status", *words],
        env=os.environ | {"EVENTSTORE_DATABASE_URL": url, "TERM": "xterm", "COLUMNS": "200"},
        stdout=stdout,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_what_is_wrong_is_said_with_what_to_do(call: Call, store: EventStore) -> None:
    store.append("work_order-1", [ORDER])
    code, out, err = call("projections", "status", "work")
    assert (code, err) == (0, "")
    assert "! work is run by nobody: `eventstore projections run work`" in out
    code, out, _ = call("projections", "status", "work", "--json")
    (advice,) = json.loads(out)["advice"]
    assert advice == {
        "about": "work",
        "problem": "is run by nobody",
        "cure": "`eventstore projections run work`",
    }


def test_a_healthy_one_needs_nothing(
    call: Call, store: EventStore, url: str, conn: Connection
) -> None:
    store.append("work_order-1", [ORDER])
    catch_up(url, Work())
    assert isinstance(acquire(conn, Work(), seconds=60), Lease)
    code, out, _ = call("projections", "status", "work")
    assert code == 0
    assert "!" not in out
    (line,) = [line for line in out.splitlines() if line.startswith("work")]
    assert "running" in line
    assert "0 events, 0.0 s" in line
    assert "0 s " in line


def test_watching_gives_a_line_each_time(url: str, store: EventStore) -> None:
    with watching(url, "--watch", "0.1", "work", "--json") as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert [each["projection"] for each in first["projections"]] == ["work"]
        store.append("work_order-1", [ORDER])
        for line in process.stdout:
            found = json.loads(line)
            if found["projections"][0]["lag_events"] == 1:
                break
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in err


def test_watching_goes_on_when_the_database_comes_back(durable_server: EmbeddedServer) -> None:
    make_database(durable_server, "store")
    with watching(durable_server.url("store"), "--watch", "0.2", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        json.loads(process.stdout.readline())
        kill(durable_server)
        assert b"can't be reached" in process.stderr.readline()
        durable_server.ensure_running()
        for line in process.stdout:
            assert json.loads(line)["watermark"] == 0
            break


def test_on_a_terminal_it_draws_in_place(url: str) -> None:
    ours, theirs = pty.openpty()
    seen = b""
    with watching(url, "--watch", "0.1", stdout=theirs) as process:
        os.close(theirs)
        while seen.count(b"never ran") < 9:  # three of three
            seen += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    os.close(ours)
    assert b"\x1b[1A" in seen, "the cursor goes up again"


def test_a_number_is_a_name_without_watch(call: Call) -> None:
    code, _, err = call("projections", "status", "5")
    assert code == 3
    assert "no projection '5'" in err


def test_hooks_are_listed_and_forgotten(call: Call, store: EventStore, url: str) -> None:
    store.append("work_order-1", [ORDER])
    catch_up(url, Work(), hooks=[Caching("cache")])
    code, out, _ = call("projections", "hooks", "list", "--json")
    (row,) = json.loads(out)
    assert code == 0
    assert (row["projection"], row["shard"], row["hook"], row["told"]) == ("work", 0, "cache", 1)
    code, out, _ = call("projections", "hooks", "list")
    assert code == 0
    assert "cache" in out
    _, out, _ = call("projections", "status", "work")
    assert "cache 0 behind" in out
    code, out, err = call("projections", "hooks", "forget", "work", "cache")
    assert (code, out) == (0, "")
    assert "forgotten" in err
    code, _, err = call("projections", "hooks", "forget", "work", "cache")
    assert code == 3
    assert "no hook 'cache'" in err
    until(lambda: json.loads(call("projections", "hooks", "list", "--json")[1]) == [], "it is gone")
