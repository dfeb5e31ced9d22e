"""What `status` says is so."""

from __future__ import annotations

from dataclasses import replace

import pytest

from eventstore import EventStore
from eventstore.connection.database import connect
from projections.apply.failure import facts_of
from projections.checkpoint import Lease, acquire
from projections.hooks import Changes
from projections.monitor.advice import advice
from projections.monitor.status import ProjectionStatus, status
from projections.projection import Projection
from projections.session import Connection
from tests.integration.projections.building import begin_rebuild
from tests.integration.projections.holding_events import hold
from tests.integration.projections.hooking import Remembering
from tests.integration.projections.running import catch_up, number, running, until
from tests.integration.projections.sharding import Sharded, make_shards
from tests.integration.projections.things import Forbidden, Noise, ThingMade, Things


def only(conn: Connection) -> ProjectionStatus:
    (found,) = status(conn, [Things()]).projections
    return found


def test_of_one_that_never_ran(store: EventStore, conn: Connection) -> None:
    store.append("thing-1", [ThingMade(thing_id=number(1), name="a"), Noise()])
    found = only(conn)
    assert (found.state, found.position, found.lag_events) == ("never ran", 0, 1)
    assert found.lag_seconds > 0
    assert found.holder is None


def test_of_one_that_is_up_to_date(store: EventStore, url: str, conn: Connection) -> None:
    store.append("thing-1", [ThingMade(thing_id=number(1), name="a")])
    catch_up(url, Things())
    store.append("noise-1", [Noise()])
    found = only(conn)
    assert (found.state, found.lag_events, found.lag_seconds) == ("stopped", 0, 0.0)
    assert found.applied == 1


def test_of_one_that_runs(store: EventStore, url: str, conn: Connection) -> None:
    with running(url, Things(), lease_seconds=1.0):
        store.append("thing-1", [ThingMade(thing_id=number(1), name="a")])
        until(lambda: only(conn).applied == 1, "the row")
        found = only(conn)
        assert found.state == "running"
        assert found.holder is not None
        assert "pid" in found.holder
        assert found.heartbeat_seconds is not None
        assert found.events_per_second > 0


def test_of_one_that_failed(store: EventStore, conn: Connection) -> None:
    store.append("thing-1", [ThingMade(thing_id=number(1), name="a")])
    lease = acquire(conn, Things(), seconds=10)
    assert isinstance(lease, Lease)
    lease.fail(conn, facts_of(RuntimeError("a mistake\x00\ud800 in the engine")))
    found = only(conn)
    assert (found.state, found.lag_events) == ("failed", 1)
    assert found.last_error is not None
    assert found.last_error["error"] == "a mistake\N{SYMBOL FOR NULL}? in the engine"


def test_of_one_that_is_paused(store: EventStore, url: str, conn: Connection) -> None:
    store.append("thing-1", [Forbidden(thing_id=number(n)) for n in (1, 2)])
    with running(url, Things(), max_failures=1, lease_seconds=0.5):
        until(lambda: only(conn).state == "paused", "it pauses")
        assert "2 events failed" in (only(conn).last_error or {})["error"]
    conn.execute(
        "UPDATE projections.checkpoints SET state = 'paused', holder = 'gone', "
        "heartbeat_at = clock_timestamp() - interval '1 hour'"
    )
    assert only(conn).state == "stalled"


def said(conn: Connection, *projections: Projection) -> list[str]:
    """What there is to do."""
    return [str(each) for each in advice(status(conn, projections or [Things()]))]


def test_of_one_whose_holder_is_silent(store: EventStore, conn: Connection) -> None:
    lease = acquire(conn, Things(), seconds=0.05)
    assert isinstance(lease, Lease)
    until(lambda: only(conn).state == "stalled", "the lease ran out")
    assert only(conn).eta_seconds == 0.0
    store.append("thing-1", [ThingMade(thing_id=number(1), name="a")])
    assert only(conn).eta_seconds is None
    (line,) = said(conn)
    assert line.startswith("things is stalled: ")
    assert "eventstore projections run things" in line


def test_of_one_whose_rules_have_changed(store: EventStore, url: str, conn: Connection) -> None:
    catch_up(url, Things())

    class Newer(Things, name="things", tables=Things.tables, version=2):
        pass

    (found,) = status(conn, [Newer()]).projections
    assert (found.state, found.projection_version) == ("outdated", 1)
    assert said(conn, Newer()) == [
        "things has rows of version 1, this code has 2: `eventstore projections rebuild things`"
    ]
    # Who has both sees each where its rows are.
    (both,) = status(conn, [Things(), Newer()]).projections
    assert (both.state, both.code_version) == ("stopped", 1)
    conn.execute("UPDATE checkpoints SET projection_version = 3")
    assert "newer release" in said(conn, Newer())[0]


def test_of_a_rebuild_under_way(url: str, conn: Connection) -> None:
    begin_rebuild(url, Things())
    builds = [(each.build, each.state) for each in status(conn, [Things()]).projections]
    assert builds == [("rebuild", "running"), ("live", "never ran")]


def test_of_an_append_in_flight(store: EventStore, url: str, conn: Connection) -> None:
    assert status(conn, []).held_back_by is None
    store.append("noise-1", [Noise()])
    with connect(url, role="owner", application="sleeper") as sleeper:
        sleeper.execute("BEGIN")
        sleeper.execute("SELECT pg_advisory_xact_lock_shared((17750::bigint << 48) | 1)")
        found = status(conn, [Things()])
        assert found.watermark == 1
        assert found.held_back_by is not None
        assert found.held_back_by.lower_bound == 1
        assert found.held_back_by.application == "sleeper owner"
        assert found.held_back_by.began_at is not None
        assert found.held_back_by.seconds is not None
        assert not advice(found), "what is usual for a moment needs nobody"
        long_since = replace(found, held_back_by=replace(found.held_back_by, seconds=60.0))
        (line,) = map(str, advice(long_since))
        assert f"pg_terminate_backend({found.held_back_by.pid})" in line
        sleeper.execute("ROLLBACK")


def test_what_to_do_about_one_that_failed(conn: Connection) -> None:
    lease = acquire(conn, Things(), seconds=60)
    assert isinstance(lease, Lease)
    lease.fail(conn, {"error": "the disk is full"})
    (line,) = said(conn)
    assert line.startswith("things failed: the disk is full: ")


def test_of_one_that_is_paused_with_what_it_holds(
    store: EventStore, url: str, conn: Connection
) -> None:
    for n in range(1, 6):
        store.append(f"thing-{n}", [ThingMade(thing_id=number(n), name=str(n))])
    catch_up(url, Things())
    hold(conn, 2, 4, 5)
    found = only(conn)
    assert (found.state, found.failed, found.waiting) == ("stopped", 1, 2)
    assert said(conn) == [
        "things holds 1 failed events, and 2 that wait for them: "
        "`eventstore projections failures list things`"
    ]
    conn.execute(
        "UPDATE checkpoints SET state = 'paused', last_error = '{\"error\": \"too many\"}'"
    )
    assert only(conn).state == "paused"
    (line,) = said(conn)
    assert line.startswith("things is paused: too many")


def test_one_that_nobody_runs_is_named(store: EventStore, conn: Connection) -> None:
    assert said(conn) == []
    store.append("thing-1", [ThingMade(thing_id=number(1), name="a")])
    assert said(conn) == ["things is run by nobody: `eventstore projections run things`"]


def test_each_shard_counts_its_own_events(
    store: EventStore, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few of them one walk through the log counts."""
    for n in range(1, 41):
        store.append(f"thing-{n}", [ThingMade(thing_id=number(n), name=str(n)), Noise()])
    positions = [0, 30, 79, 80]
    make_shards(conn, positions)
    held = conn.execute(
        "SELECT position, eventstore.shard_of(data ->> 'thing_id', 4) FROM eventstore.events "
        "WHERE event_type = 'things.made'"
    ).fetchall()
    wanted = [
        sum(shard == own and position > after for position, shard in held)
        for own, after in enumerate(positions)
    ]
    assert wanted[3] == 0 < wanted[0]
    hold(conn, held[0][0])
    found = status(conn, [Sharded()]).projections
    assert [each.name for each in found] == [f"things/{n}" for n in range(4)]
    assert [each.lag_events for each in found] == wanted
    assert not any(each.lag_capped for each in found)
    assert [each.failed for each in found] == [int(held[0][1] == n) for n in range(4)]
    # With a cap, whoever is behind for more than that counts as far as one walk goes, and the one
    # further ahead is counted by another.
    monkeypatch.setattr("projections.monitor.lag.LAG_CAP", 10)
    capped = status(conn, [Sharded()]).projections
    assert [each.lag_capped for each in capped[:2]] == [True, True]
    assert 0 < capped[0].lag_events <= 10
    assert [each.lag_events for each in capped[2:]] == wanted[2:]
    assert [each.lag_capped for each in capped[2:]] == [False, False]


def test_how_long_it_will_take(
    store: EventStore, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(1, 41):
        store.append(f"thing-{n}", [ThingMade(thing_id=number(n), name=str(n))])
    assert only(conn).eta_seconds is None
    assert isinstance(acquire(conn, Things(), seconds=60), Lease)
    conn.execute("UPDATE checkpoints SET events_per_second = 10")
    assert only(conn).eta_seconds == 4.0
    monkeypatch.setattr("projections.monitor.lag.LAG_CAP", 10)
    found = only(conn)
    assert (found.lag_events, found.lag_capped) == (10, True)
    assert found.eta_seconds == pytest.approx(4.0)


def test_of_hooks(store: EventStore, url: str, conn: Connection) -> None:
    def refuse(changes: Changes) -> None:
        raise RuntimeError("no cache")

    for n in range(1, 6):
        store.append(f"thing-{n}", [ThingMade(thing_id=number(n), name=str(n))])
    catch_up(url, Things(), hooks=[Remembering("bad", when_told=refuse), Remembering("good")])
    bad, good = only(conn).hooks
    assert (good.hook, good.told, good.lag_events, good.attempts) == ("good", 5, 0, 0)
    assert (bad.hook, bad.told, bad.lag_events) == ("bad", 0, 5)
    assert bad.lag_seconds > 0
    assert bad.attempts > 0
    assert bad.retry_seconds is not None
    (line,) = said(conn)
    assert line.startswith("hook bad of things has failed")
    assert "no cache" in line
    conn.execute("INSERT INTO hook_backlog VALUES ('things', 'good', 2)")
    assert [each.late for each in only(conn).hooks] == [0, 1]
    assert isinstance(acquire(conn, Things(), seconds=60), Lease)
    conn.execute("UPDATE hooks SET attempts = 0, last_error = NULL, retry_at = NULL, position = 1")
    first, _ = only(conn).hooks
    assert first.lag_events == 4


@pytest.mark.parametrize("role", ["projector", "auditor"])
def test_both_may_ask(url: str, role: str) -> None:
    with connect(url, role=role) as asking:  # type: ignore[arg-type]
        assert status(asking, [Things()]).watermark == 0
