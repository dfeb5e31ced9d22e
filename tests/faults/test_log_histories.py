"""Histories at length: callers are cut off, stopped and killed, and the server crashes."""

from __future__ import annotations

import random
import signal
from pathlib import Path
from time import monotonic, sleep

import psycopg
import pytest

from eventstore.embedded import EmbeddedServer
from tests.integration.log.crash import cut_one, kill
from tests.integration.log.histories import recorded, wrong
from tests.integration.log.processes import Child, children
from tests.integration.log.waiting import until
from tests.linearizability import UNKNOWN

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

CALLERS = 6
SECONDS = 15.0
CRASHES = 2
"""Of the server, at times between which connections are cut."""


def test_histories_of_callers_in_trouble_are_linearizable(
    durable_log: EmbeddedServer, tmp_path: Path
) -> None:
    url, choose = durable_log.url("store"), random.Random(5)
    log = str(tmp_path / "calls")
    with children(CALLERS, "history_process", url, log) as callers:
        for caller in callers:
            caller.tell(seconds=SECONDS)
        begun = monotonic()
        for crash in range(1, CRASHES + 1):
            trouble(callers, durable_log, choose, begun + SECONDS * crash / (CRASHES + 1))
            kill(durable_log)
            durable_log.ensure_running()
        victim, *others = callers
        victim.process.kill()
        assert [caller.hear() for caller in others] == ["done"] * len(others)
    histories = recorded(tmp_path.glob("calls.*"))
    calls = [each for history in histories.values() for each in history]
    assert any(each.back == UNKNOWN for each in calls)
    assert sum(each.back != UNKNOWN for each in calls) > 200
    assert wrong(histories) == []


def trouble(
    callers: list[Child], server: EmbeddedServer, choose: random.Random, until_moment: float
) -> None:
    """Cuts connections, and stops a caller for a while now and then, until that moment."""
    stopped: Child | None = None
    with psycopg.connect(server.admin_url("store"), autocommit=True) as admin:
        while monotonic() < until_moment:
            sleep(choose.random() * 0.1)
            until(lambda: cut_one(admin) or monotonic() > until_moment)
            if choose.random() < 0.1:
                if stopped is not None:
                    stopped.process.send_signal(signal.SIGCONT)
                stopped = choose.choice(callers)
                stopped.process.send_signal(signal.SIGSTOP)
    if stopped is not None:
        stopped.process.send_signal(signal.SIGCONT)
