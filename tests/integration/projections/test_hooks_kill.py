"""kill -9 in the middle of a hook's call: it is told again, in order, and nothing is left out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby, pairwise
from pathlib import Path

import pytest

from eventstore import EventStore
from projections.checkpoint import position_of
from projections.session import Connection
from tests.integration.projections.killing import ROOT, tell
from tests.integration.projections.running import until
from tests.integration.projections.things import Things


@contextmanager
def telling_to(
    url: str, path: Path, lines: int = 0, then: str = "stop"
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, killed at the end of the block if it still lives."""
    words = ["-m", "tests.integration.projections.hook_process", url, str(path), str(lines), then]
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT)
    with process:
        try:
            yield process
        finally:
            process.kill()


def lives(path: Path) -> list[list[int]]:
    """What each process in turn was told."""
    lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        [int(position) for _, position in group]
        for _, group in groupby(lines, lambda line: line[0])
    ]


def assert_told(store: EventStore, conn: Connection, path: Path, processes: int) -> None:
    """Everything, each process in order, and from where the one before it was at last."""
    told = lives(path)
    assert len(told) == processes
    everything = [recorded.position for recorded in store.read_all()]
    assert sorted({position for life in told for position in life}) == everything
    for life in told:
        assert life == [position for position in everything if life[0] <= position <= life[-1]]
    for before, after in pairwise(told):
        assert after[0] <= before[-1] + 1
    found = conn.execute("SELECT position FROM hooks").fetchall()
    assert found == [(everything[-1],)]


def at_the_end(conn: Connection, store: EventStore) -> bool:
    return conn.execute("SELECT position FROM hooks").fetchall() == [(store.watermark(),)]


@pytest.mark.parametrize("lines", [1, 9, 25])
def test_killed_in_a_call(
    store: EventStore, url: str, conn: Connection, tmp_path: Path, lines: int
) -> None:
    path = tmp_path / "told"
    tell(store, 1, 6)
    for _ in range(2):
        with telling_to(url, path, lines, "die") as process:
            assert process.wait(30) == -signal.SIGKILL
    with telling_to(url, path):
        until(lambda: at_the_end(conn, store), "it was told of all")
    assert_told(store, conn, path, 3)
    # What the second was told first is what the first died in.
    assert lives(path)[0][-1] in lives(path)[1]


def test_killed_while_the_projection_goes_on(
    store: EventStore, url: str, conn: Connection, tmp_path: Path
) -> None:
    """The tables are far ahead when the process dies; the next one tells what it owed."""
    path = tmp_path / "told"
    tell(store, 1, 2)
    with telling_to(url, path, 3, "wait") as process:
        until(lambda: path.exists() and sum(map(len, lives(path))) == 3, "it waits in the call")
        tell(store, 3, 4)
        until(lambda: position_of(conn, Things()) == store.watermark(), "the tables")
        os.kill(process.pid, signal.SIGKILL)
    assert not at_the_end(conn, store)
    with telling_to(url, path):
        until(lambda: at_the_end(conn, store), "it was told of all")
    assert_told(store, conn, path, 2)
