"""Several daemons on one database: the work is spread, moves as they come and go, and is exact."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from eventstore import EventStore
from eventstore.connection.database import connect
from projections.live.membership import daemons
from projections.monitor.advice import advice
from projections.monitor.status import ProjectionStatus, status
from projections.row import table
from projections.session import Connection
from projections.work import Work
from tests.integration.projections.killing import tell, telling
from tests.integration.projections.running import catch_up, number, running, stored, until
from tests.integration.projections.sharded import (
    Sharded,
    assert_told_once,
    daemon,
    divide,
    holdings,
    positions,
    shares,
    tokens,
)
from tests.integration.projections.things import (
    AmountAdded,
    Part,
    PartAdded,
    Thing,
    ThingMade,
    Things,
)


def all_at(conn: Connection, store: EventStore) -> Callable[[], bool]:
    """Whether every shard has reached the end of the log as it is now."""
    end = store.watermark()
    return lambda: min(positions(conn).values()) >= end


@pytest.mark.faults
def test_the_work_follows_the_daemons(store: EventStore, url: str, conn: Connection) -> None:
    """One, two, three, and back to one, while events arrive."""
    divide(url, 7)
    with telling(url), daemon(url):
        until(lambda: shares(conn) == [7], "one has all")
        with daemon(url) as second:
            until(lambda: shares(conn) == [3, 4], "two share")
            with daemon(url) as third:
                until(lambda: shares(conn) == [2, 2, 3], "three share")
                until(all_at(conn, store), "all shards go on")
                third.send_signal(signal.SIGTERM)
                third.wait(20)
            assert third.returncode == 0
            assert third.pid not in holdings(conn)
            until(lambda: shares(conn) == [3, 4], "two share again")
            second.kill()
            until(lambda: shares(conn) == [7], "one has all again")
        until(all_at(conn, store), "all shards go on")
    assert_told_once(url)


def test_a_stopped_daemon_wakes_up_without_its_shards(
    store: EventStore, url: str, conn: Connection
) -> None:
    """SIGSTOP for longer than the lease. It writes nothing, and then takes its share again."""
    divide(url, 4)
    tell(store, 1, 8)
    with daemon(url) as sleeper, daemon(url) as other:
        until(lambda: shares(conn) == [2, 2], "both share")
        until(all_at(conn, store), "all is applied")
        os.kill(sleeper.pid, signal.SIGSTOP)
        until(lambda: holdings(conn) == {other.pid: 4}, "the other has all")
        tell(store, 9, 8)
        until(all_at(conn, store), "all is applied")
        before_it = tokens(conn)
        os.kill(other.pid, signal.SIGSTOP)  # nobody but the sleeper could move anything now
        before = (stored(conn, Sharded()), positions(conn))
        conn.execute("UPDATE checkpoints SET lease_seconds = 60, heartbeat_at = clock_timestamp()")
        os.kill(sleeper.pid, signal.SIGCONT)
        for n in range(1, 17):
            store.append(f"thing-{n}", [AmountAdded(thing_id=number(n), amount=1)])
        assert sleeper.stdout is not None
        for _ in range(2):
            assert next(line for line in sleeper.stdout if b'event="lease lost"' in line)
        assert (stored(conn, Sharded()), positions(conn)) == before
        assert tokens(conn) == before_it
        os.kill(other.pid, signal.SIGCONT)
        until(lambda: shares(conn) == [2, 2], "both share again")
        until(all_at(conn, store), "all is applied")
    assert_told_once(url)


@pytest.mark.faults
def test_clocks_of_daemons_do_not_matter(store: EventStore, url: str, conn: Connection) -> None:
    """One is hours ahead, one is behind: the database's clock alone decides who is alive.

    So neither takes from the other, and what a dead one held moves.
    """
    divide(url, 4)
    with (
        telling(url),
        daemon(url, hours_ahead=5) as ahead,
        daemon(url, hours_ahead=-5) as behind,
    ):
        until(lambda: shares(conn) == [2, 2], "both share")
        before_it = tokens(conn)
        for _ in range(3):
            until(all_at(conn, store), "all shards go on")
        assert tokens(conn) == before_it
        ahead.kill()
        until(lambda: holdings(conn) == {behind.pid: 4}, "the one behind takes over")
        until(all_at(conn, store), "all shards go on")
    assert_told_once(url)


def test_a_daemon_for_some_projections_gets_what_it_can_run(url: str, conn: Connection) -> None:
    divide(url, 3)
    with running(url, Sharded(), Work(), lease_seconds=1.0):
        until(lambda: shares(conn) == [4], "it has all")
        with running(url, Work(), lease_seconds=1.0):
            until(lambda: shares(conn) == [1, 3], "the other has the work")
            there = conn.execute(
                "SELECT count(DISTINCT holder), array_agg(DISTINCT projection ORDER BY projection) "
                "FROM checkpoints GROUP BY holder ORDER BY count(*)"
            ).fetchall()
            assert there == [(1, ["work"]), (1, ["things"])]


def test_who_is_there_is_shown(url: str, conn: Connection) -> None:
    divide(url, 2)
    with running(url, Sharded(), lease_seconds=1.0):
        until(lambda: shares(conn) == [2], "it has all")
        (only,) = daemons(conn)
        assert (only.pid, only.holds, only.runs) == (os.getpid(), 2, {"things": [1]})
        assert only.heartbeat_seconds < 1.0
    assert daemons(conn) == []
    assert holdings(conn) == {}


def test_catching_up_once_does_not_disturb_the_others(
    store: EventStore, url: str, conn: Connection
) -> None:
    divide(url, 3)
    with running(url, Sharded(), lease_seconds=1.0):
        until(lambda: shares(conn) == [3], "it has all")
        before_it = tokens(conn)
        tell(store, 1, 3)
        assert catch_up(url, Sharded()) == {}
        assert min(positions(conn).values()) >= store.watermark()
        assert tokens(conn) == before_it
        assert len(daemons(conn)) == 1


def test_what_fails_in_one_daemon_is_left_to_another(
    store: EventStore, url: str, conn: Connection
) -> None:
    """The first one lacks a table; it does not try again before somebody else has been at it."""

    @table("no_such_parts", key=("thing_id", "part_no"), named_by=(("thing_id", "part_no"),))
    class NoSuchPart(Part):
        pass

    class Broken(Sharded, name="things", tables=(Thing, NoSuchPart), shard_by="thing_id"):
        pass

    divide(url, 2)
    for n in range(1, 5):
        store.append(f"thing-{n}", [ThingMade(thing_id=number(n), name=str(n))])
    store.append("thing-1", [PartAdded(thing_id=number(1), part_no=1, label="p")])
    with running(url, Broken(), lease_seconds=1.0) as first:
        until(lambda: shares(conn) == [1], "it has given one up")
        (only,) = until(lambda: [one for one in daemons(conn) if one.gave_up], "it says so")
        with running(url, Sharded(), lease_seconds=1.0):
            until(all_at(conn, store), "both shards go on")
            assert shares(conn) == [1, 1]
        until(lambda: shares(conn) == [2], "the first takes what the other gave back")
    assert first.failures == {}
    assert only.gave_up[0].startswith("things/")


def test_a_daemon_whose_only_projection_has_failed_waits(
    store: EventStore, url: str, conn: Connection
) -> None:
    """It says so, and goes on as soon as somebody has put it right."""
    store.append("thing-1", [ThingMade(thing_id=number(1), name="a")])
    with connect(url, role="owner") as owner:
        owner.execute("ALTER TABLE projections.things RENAME TO mislaid")
        with running(url, Things(), lease_seconds=1.0) as daemon:

            def only() -> ProjectionStatus:
                return status(conn, [Things()]).projections[0]

            until(lambda: only().state == "failed", "it fails")
            (said,) = advice(status(conn, [Things()]))
            assert "failed" in said.problem
            assert "run things" in said.cure
            until(lambda: daemons(conn)[0].gave_up == ["things/0"], "it says so")
            owner.execute("ALTER TABLE projections.mislaid RENAME TO things")
            assert catch_up(url, Things()) == {}
            store.append("thing-2", [ThingMade(thing_id=number(2), name="b")])
            until(lambda: only().position == store.watermark(), "it goes on")
            assert only().state == "running"
    assert daemon.failures == {}


@pytest.mark.parametrize("shards", [1, 3])
def test_a_restart_finds_the_shards_as_they_were(
    store: EventStore, url: str, conn: Connection, shards: int
) -> None:
    divide(url, shards)
    tell(store, 1, 6)
    assert catch_up(url, Sharded()) == {}
    tell(store, 7, 6)
    assert_told_once(url)
    assert len(positions(conn)) == shards
