"""`eventstore subscriptions`, from create to discard."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eventstore import EventStore
from eventstore.connection.database import Connection
from tests.commands import run_here
from tests.integration.log.facts import said
from tests.integration.log.waiting import until
from tests.integration.subscriptions.consuming import let_time_pass

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(store: EventStore, shared_url: str, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command on the test's tenant."""

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        where = ("--database-url", shared_url, "--tenant", store.tenant)
        return run_here(capsys, "subscriptions", *words, *where)

    return run


def data(ran: subprocess.CompletedProcess[str]) -> Any:
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_from_create_to_discard(run: Run, store: EventStore, admin: Connection) -> None:
    made = ("create", "s", "--type", "log.said", "--start", "now", "--max-attempts", "2", "--json")
    assert data(run(*made)) == {"name": "s", "created": True}
    assert data(run(*made)) == {"name": "s", "created": False}
    other = run("create", "s")
    assert (other.returncode, "another definition" in other.stderr) == (5, True)
    assert run("create", "t", "--start", "soon").returncode == 2
    assert run("create", "t", "--after-parked", "skip").returncode == 2

    [first, second] = store.append("a-1", said(2)).positions
    failing = ("consume", "s", "--once", "--json", "--exec", "cat >&2; echo oh no >&2; exit 3")
    for attempt in (1, 2):
        ran = run(*failing)
        assert data(ran) == {
            "position": first, "event_id": ran.stdout.split('"')[5], "attempt": attempt,
            "outcome": "failed", "exit_code": 3,
        }  # fmt: skip
        assert "0 handled, 1 failed" in ran.stderr
        let_time_pass(admin)
    [status] = data(run("list", "--json"))
    assert (status["name"], status["parked"], status["behind_parked"]) == ("s", 1, 1)
    assert data(run("show", "s", "--json"))["consumers"] == []
    assert "event types" in run("show", "s").stdout

    [parked] = data(run("parked", "list", "s", "--json"))
    assert (parked["position"], parked["waiting"]) == (first, 1)
    assert parked["reason"] == "exit code 3: oh no"
    shown = run("parked", "show", "s", str(first))
    assert '"event_type":"log.said"' in shown.stdout  # the command had it as its stdin
    assert run("parked", "show", "s", str(second)).returncode == 3
    assert run("parked", "retry", "s").returncode == 2
    assert run("parked", "retry", "s", str(second), str(2**64)).returncode == 2
    assert data(run("parked", "retry", "s", "--all", "--json")) == [{"position": first}]
    ran = run("consume", "s", "--once", "--exec", "exit 65")
    assert ran.stdout.startswith("parked")
    earlier = data(run("parked", "show", "s", str(first), "--json"))["earlier"]
    assert [each["resolution"] for each in earlier] == ["retried"]
    words = ("parked", "discard", "s", str(first), "--reason", "no use", "--agent", "anna")
    assert data(run(*words, "--json"))["discarded"]
    assert run(*words).returncode == 3

    key = 'test "$EVENTSTORE_DELIVERY_KEY" = "s/$(cut -d\'"\' -f10)"'
    ran = run("consume", "s", "--once", "--exec", key)
    assert ran.stdout.startswith("acknowledged")
    store.append("a-1", said(1))
    printed = data(run("consume", "s", "--once", "--json"))
    assert printed["stream_version"] == 3
    assert run("drop", "none").returncode == 3
    assert data(run("drop", "s", "--json")) == {"name": "s", "dropped": True}


@pytest.mark.faults
def test_a_signal_lets_the_command_finish(
    store: EventStore, shared_url: str, tmp_path: Path
) -> None:
    store.subscriptions.create("s", start="now")
    store.append("a-1", said(2))
    begun, done = tmp_path / "begun", tmp_path / "done"
    words = [
        "subscriptions", "consume", "s", "--json", "--database-url", shared_url, "--tenant",
        store.tenant, "--exec", f"touch {begun}; while [ ! -e {done} ]; do sleep 0.01; done",
    ]  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "eventstore", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ,
    ) as process:  # fmt: skip
        until(begun.exists)
        process.send_signal(signal.SIGTERM)
        done.touch()
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert json.loads(out)["outcome"] == "acknowledged"
    assert "1 handled" in err
    status = store.subscriptions.show("s")
    assert (status.waiting, status.held, status.consumers) == (1, 0, 0)
