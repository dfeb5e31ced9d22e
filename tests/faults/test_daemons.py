"""Daemons that are killed, stopped and woken up, at length: how fast, and how exact."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from time import monotonic

import pytest

from eventstore import EventStore
from eventstore.connection.database import connect
from projections.session import Connection, open_session
from tests.integration.projections.killing import ROOT, tell, telling
from tests.integration.projections.running import catch_up, number, running, until
from tests.integration.projections.sharded import (
    Sharded,
    assert_told_once,
    daemon,
    divide,
    positions,
    shares,
    tokens,
)
from tests.integration.projections.things import DDL, AmountAdded, ThingMade

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

SHARDS = 5


@pytest.fixture
def url(database_url: str) -> str:
    """A database with the tables of `things`, divided."""
    with connect(database_url, role="owner") as conn, conn.transaction():
        conn.execute(DDL)
    divide(database_url, SHARDS)
    return database_url


def held_by(conn: Connection, process: subprocess.Popen[bytes]) -> set[int]:
    rows = conn.execute(
        "SELECT shard FROM checkpoints WHERE holder LIKE %s", [f"% pid {process.pid} %"]
    )
    return {row[0] for row in rows.fetchall()}


def moved(conn: Connection, shard: int, position: int) -> bool:
    return positions(conn)[shard] > position


def one_is_taken(conn: Connection, held: dict[int, int]) -> bool:
    """Whether one of these shards has another holder than with these tokens."""
    return not held or any(tokens(conn)[shard] > token for shard, token in held.items())


def has_all(conn: Connection, shards: int) -> bool:
    return shares(conn) == [shards]


def test_a_killed_daemons_shards_go_on_within_ten_seconds(
    url: str, record_property: Callable[[str, object], None]
) -> None:
    """With the lease that is the default. Each shard counts from the kill until it moves again."""
    took: list[float] = []
    with open_session(url, part="test") as conn, telling(url), daemon(url, lease=5):
        for _ in range(2):
            with daemon(url, lease=5) as victim:
                until(lambda: shares(conn) == [2, 3], "both share")
                theirs = held_by(conn, victim)
                victim.kill()
                killed_at = monotonic()
                victim.wait()
                for shard, position in positions(conn).items():
                    if shard in theirs:
                        until(partial(moved, conn, shard, position), "the shard moves again")
                        took.append(monotonic() - killed_at)
    record_property("seconds", [round(seconds, 2) for seconds in took])
    assert max(took) < 10
    assert_told_once(url)


@pytest.mark.parametrize("seed", range(2))
def test_stopped_and_woken_up_at_random(url: str, seed: int) -> None:
    """SIGSTOP in whatever it is doing, for longer than the lease, and SIGCONT into the takeover."""
    chance = random.Random(seed)
    wait = threading.Event()
    with (
        open_session(url, part="test") as conn,
        telling(url),
        daemon(url, lease=0.5) as one,
        daemon(url, lease=0.5) as two,
    ):
        until(lambda: shares(conn) == [2, 3], "both share")
        for _ in range(8):
            sleeper = chance.choice((one, two))
            wait.wait(chance.random() * 0.2)
            os.kill(sleeper.pid, signal.SIGSTOP)
            theirs = {shard: tokens(conn)[shard] for shard in held_by(conn, sleeper)}
            until(partial(one_is_taken, conn, theirs), "a shard is taken over", seconds=30)
            os.kill(sleeper.pid, signal.SIGCONT)
        until(lambda: shares(conn) == [2, 3], "both share", seconds=30)
    assert_told_once(url)


def test_one_that_stands_still_with_its_shards_locked_is_not_waited_for(url: str) -> None:
    """What is locked counts as being worked at, but no longer than its transaction may take."""
    with (
        open_session(url, part="test") as conn,
        telling(url),
        daemon(url, lease=0.5, stands_still=True) as still,
    ):
        until(partial(stands_still, still), "it stands still")
        assert held_by(conn, still)
        with daemon(url, lease=0.5) as other:
            until(lambda: len(held_by(conn, other)) == SHARDS, "the other has all", seconds=30)
            os.kill(still.pid, signal.SIGCONT)
            until(lambda: shares(conn) == [2, 3], "both share", seconds=30)
    assert_told_once(url)


def stands_still(process: subprocess.Popen[bytes]) -> bool:
    found = os.waitpid(process.pid, os.WNOHANG | os.WUNTRACED)
    return found[0] != 0 and os.WIFSTOPPED(found[1])


@pytest.mark.parametrize("seed", range(2))
def test_daemons_killed_at_random(url: str, seed: int) -> None:
    chance = random.Random(seed)
    wait = threading.Event()
    with open_session(url, part="test") as conn, telling(url), daemon(url, lease=0.5):
        for _ in range(6):
            with daemon(url, lease=0.5):
                until(lambda: len(shares(conn)) == 2, "both have some")
                wait.wait(chance.random() * 0.5)
    assert_told_once(url)


def test_a_change_of_shards_killed_at_random(url: str) -> None:
    """It leaves the old shards or the new ones, and the daemon has them all in the end."""
    chance = random.Random(3)
    wait = threading.Event()
    program = (
        "import sys; from tests.integration.projections.sharded import divide; "
        "print('ready', flush=True); divide(sys.argv[1], int(sys.argv[2]))"
    )
    with open_session(url, part="test") as conn, telling(url), daemon(url, lease=0.5):
        before = SHARDS
        for shards in (2, 7, 3, 6, 1, 4):
            command = [sys.executable, "-c", program, url, str(shards)]
            with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
                assert process.stdout is not None
                process.stdout.readline()
                wait.wait(chance.random() * 0.06)
                process.kill()
            # A lease of half a minute, which nobody wants to wait for here.
            conn.execute(
                "UPDATE checkpoints SET holder = NULL, state = 'stopped' WHERE lease_seconds = 30"
            )
            now = len(positions(conn))
            assert now in (before, shards)
            until(partial(has_all, conn, now), "the daemon has all")
            before = now
    assert_told_once(url)


def test_a_batch_that_takes_too_long_is_made_smaller(url: str) -> None:
    """Its transaction is ended by the server after ten seconds; half of it goes through."""
    with connect(url, role="owner") as owner:
        owner.execute(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN PERFORM pg_sleep(0.15); RETURN NEW; END$$; "
            "GRANT EXECUTE ON FUNCTION slow() TO eventstore_projector; "
            "CREATE TRIGGER slow BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION slow()"
        )
    divide(url, 1)
    with EventStore.open(url) as store, open_session(url, part="test") as conn:
        store.append("thing-1", [ThingMade(thing_id=number(n), name=str(n)) for n in range(100)])
        store.append("thing-1", [AmountAdded(thing_id=number(1), amount=1)])
        with running(url, Sharded()):
            until(lambda: moved(conn, 0, 99), "all is applied", seconds=60)
    with connect(url, role="owner") as owner:
        owner.execute("DROP TRIGGER slow ON things")
    assert catch_up(url, Sharded()) == {}
    assert_told_once(url)


def test_many_things_in_many_shards(url: str) -> None:
    """A backlog that is read ahead in pages, by two daemons at once."""
    with EventStore.open(url) as store:
        tell(store, 1, 600)
        end = store.watermark()
    with open_session(url, part="test") as conn, daemon(url), daemon(url):
        until(lambda: min(positions(conn).values()) >= end, "all is applied", seconds=60)
        until(lambda: shares(conn) == [2, 3], "both share")
    assert_told_once(url)
