"""kill -9 of a rebuild at random moments, again and again; and then it is finished."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from eventstore import EventStore
from eventstore.connection.database import connect
from projections.session import Connection, open_session
from tests.integration.projections.killing import tell
from tests.integration.projections.running import number, replayed, stored, until
from tests.integration.projections.small_pages import Paged
from tests.integration.projections.things import DDL, Forbidden, ThingMade

pytestmark = [pytest.mark.faults, pytest.mark.timeout(150)]

ROOT = Path(__file__).parents[2]
THINGS = 1_000
KILLS = 6


@pytest.fixture
def url(database_url: str) -> str:
    """A database with the tables of `things`, and the lives of some."""
    with connect(database_url, role="owner") as conn, conn.transaction():
        conn.execute(DDL)
    with EventStore.open(database_url) as store:
        tell(store, 1, THINGS)
    return database_url


@contextmanager
def rebuilding(url: str, workers: int, rows: int) -> Iterator[subprocess.Popen[str]]:
    module = "tests.integration.projections.rebuild_process"
    with subprocess.Popen(
        [sys.executable, "-m", module, url, str(workers), str(rows)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def progress(conn: Connection) -> tuple[Any, ...]:
    """Which process has the lease, how far the shards are, whether they are done, how many."""
    return tuple(
        conn.execute(
            "SELECT fencing_token, sum(position), bool_or(built_at IS NOT NULL), count(*) "
            "FROM checkpoints "
            "WHERE build = 'rebuild' GROUP BY 1"
        ).fetchall()
    )


@pytest.mark.parametrize(("workers", "rows"), [(1, 20), (1, 50_000), (2, 20), (2, 50_000)], ids=str)
def test_killed_at_random(url: str, workers: int, rows: int) -> None:
    chance, wait = random.Random(workers * rows), threading.Event()
    with open_session(url, part="test") as conn, EventStore.open(url) as store:
        store.append("thing-9", [Forbidden(thing_id=number(9))])
        hits = 0
        for kill in range(1, KILLS + 1):
            before = progress(conn)
            with rebuilding(url, workers, rows) as process:
                until(partial(advanced, before, conn, process), "it gets on")
                wait.wait(chance.random() * 0.1)
            hits += bool(progress(conn))  # else it was done before the kill came
            late = THINGS + kill
            store.append(f"thing-{late}", [ThingMade(thing_id=number(late), name=f"{late}")])
        assert hits > KILLS / 2
        until(lambda: sessions(conn) == 0, "what was killed takes its workers with it")
        under_way = progress(conn)
        with rebuilding(url, workers, rows) as process:
            said, _ = process.communicate(timeout=60)
        events, resumed = said.split()
        assert resumed == str(bool(under_way))
        if under_way:
            _, positions, _, shards = under_way[0]
            left = shards * store.watermark() - positions
            assert int(events) <= left, "it folded again what was folded"
        held = conn.execute("SELECT count(*) FROM failures WHERE build = 'live'").fetchone()
        assert held == (1,)
        assert without(stored(conn, Paged())) == without(expected(conn))


def advanced(before: tuple[Any, ...], conn: Connection, process: subprocess.Popen[str]) -> bool:
    """Whether the process has the lease and has written something under it, or has ended."""
    now = progress(conn)
    if process.poll() is not None:
        return True
    if not now or not before:
        return bool(now) and now[0][1] > 0
    return bool(now[0][0] > before[0][0] and (now[0][1] > before[0][1] or now[0][2]))


def sessions(conn: Connection) -> int:
    found = conn.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name LIKE 'eventstore build %'"
    ).fetchone()
    assert found is not None
    return int(found[0])


def expected(conn: Connection) -> dict[str, Any]:
    """What a replay gives that leaves out the event that nobody can apply."""

    class Lenient(Paged, name="things", tables=Paged.tables, shard_by="thing_id"):
        def forbidden(self, event: Any, recorded: Any, rows: Any) -> None:
            """Nothing."""

        forbidden.handles = (Forbidden,)  # type: ignore[attr-defined]

    return replayed(conn, Lenient())


def without(tables: dict[str, Any]) -> dict[str, Any]:
    """Thing 9 waits behind the event that nobody can apply, so it is as it was before."""
    return {
        name: {key: row for key, row in rows.items() if key[1] != number(9)}
        for name, rows in tables.items()
    }
