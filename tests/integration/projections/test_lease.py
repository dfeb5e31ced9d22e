"""Of two who think that they may write, one does."""

from __future__ import annotations

import pytest

from eventstore import EventStore
from eventstore.reading.read import page_after, watermark
from projections.apply.batch import apply_events
from projections.apply.holding import Holding
from projections.checkpoint import Held, Lease, acquire, position_of
from projections.errors import LeaseLost, RulesDiffer
from projections.live.daemon import run_daemon
from projections.row_store import RowStore
from projections.session import Connection, open_session
from tests.integration.projections.running import (
    catch_up,
    checkpoint,
    number,
    replayed,
    running,
    stored,
    until,
)
from tests.integration.projections.things import AmountAdded, ThingMade, Things


def taken(conn: Connection, seconds: float = 60.0) -> Lease:
    lease = acquire(conn, Things(), seconds=seconds)
    assert isinstance(lease, Lease)
    return lease


def taken_over(conn: Connection) -> Lease:
    """The lease, as soon as its holder has been silent for too long."""

    def attempt() -> Lease | None:
        got = acquire(conn, Things(), seconds=60)
        return got if isinstance(got, Lease) else None

    lease = until(attempt, "the lease ran out")
    assert isinstance(lease, Lease)
    return lease


def apply_all(conn: Connection, lease: Lease) -> None:
    mark = watermark(conn)
    events = page_after(conn, lease.position, mark, 1000, event_types=Things().event_types)
    apply_events(conn, RowStore(Things()), lease, Holding(), events, mark)


def test_one_holds_it(conn: Connection) -> None:
    lease = taken(conn)
    assert (lease.position, lease.fencing_token) == (0, 1)
    held = acquire(conn, Things(), seconds=60)
    assert isinstance(held, Held)
    assert "pid" in held.holder
    assert held.silent_seconds < 10
    assert held.lease_seconds == 60


def test_what_is_released_can_be_taken_at_once(conn: Connection) -> None:
    first = taken(conn)
    first.release(conn)
    second = taken(conn)
    assert second.fencing_token == first.fencing_token + 1
    with pytest.raises(LeaseLost):
        first.release(conn)


def test_a_heartbeat_keeps_it(conn: Connection) -> None:
    lease = taken(conn, seconds=0.3)
    for _ in range(8):
        until(lambda: lease.heartbeat_in == 0, "a third of the lease")
        lease.heartbeat(conn)
        assert isinstance(acquire(conn, Things(), seconds=60), Held)


def test_the_paused_holder_cannot_write(store: EventStore, url: str, conn: Connection) -> None:
    """It wakes up, believes that it holds the lease, and has events in hand."""
    store.append("thing-1", [ThingMade(thing_id=number(1), name="a")])
    paused = taken(conn, seconds=0.05)
    with open_session(url, part="second") as other:
        lease = taken_over(other)
        apply_all(other, lease)
        before = (stored(other, Things()), checkpoint(other, "things"))
        store.append("thing-1", [AmountAdded(thing_id=number(1), amount=1)])
        with pytest.raises(LeaseLost):
            apply_all(conn, paused)
        with pytest.raises(LeaseLost):
            paused.advance(conn, watermark(conn))
        with pytest.raises(LeaseLost):
            paused.heartbeat(conn)
        with pytest.raises(LeaseLost):
            paused.fail(conn, {"error": "mine"})
        with pytest.raises(LeaseLost):
            paused.resume(conn)
        assert (stored(other, Things()), checkpoint(other, "things")) == before
        apply_all(other, lease)
        assert stored(other, Things()) == replayed(other, Things())


def test_the_token_alone_keeps_the_paused_holder_out(
    store: EventStore, url: str, conn: Connection
) -> None:
    """The next holder has not moved yet, so the position would still fit."""
    store.append("thing-1", [ThingMade(thing_id=number(1), name="a")])
    paused = taken(conn, seconds=0.05)
    with open_session(url, part="second") as other:
        lease = taken_over(other)
        with pytest.raises(LeaseLost):
            apply_all(conn, paused)
        assert stored(other, Things())["things"] == {}
        apply_all(other, lease)


def test_the_position_alone_keeps_a_late_twin_out(store: EventStore, conn: Connection) -> None:
    """A commit whose outcome was unknown came through after all: its events are not told twice."""
    store.append("thing-1", [ThingMade(thing_id=number(1), name="a")])
    lease = taken(conn)
    apply_all(conn, lease)
    store.append("thing-1", [AmountAdded(thing_id=number(1), amount=1)])
    twin = Lease("things", "live", lease.fencing_token, 60.0, lease.position)
    apply_all(conn, lease)
    with pytest.raises(LeaseLost):
        apply_all(conn, twin)
    assert conn.execute("SELECT name, amount FROM things").fetchall() == [("a", 1)]


def test_an_event_is_not_blamed_for_a_lost_lease(store: EventStore, conn: Connection) -> None:
    """Folded again over rows that another took further, it does not fit: the lease is why."""
    store.append("thing-1", [ThingMade(thing_id=number(1), name="a")])
    lease = taken(conn)
    twin = Lease("things", "live", lease.fencing_token, 60.0, lease.position)
    apply_all(conn, lease)
    with pytest.raises(LeaseLost):
        apply_all(conn, twin)


def test_rows_and_checkpoint_are_written_together(store: EventStore, conn: Connection) -> None:
    """An error between the two takes back both."""
    lease = taken(conn)

    def write_and_fail() -> None:
        with lease.advancing(conn, 5, events=1) as flight:
            flight.execute(
                "INSERT INTO things (tenant_id, id, name, created_at, updated_at, position) "
                "VALUES ('default', gen_random_uuid(), 'x', now(), now(), 5)"
            )
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_and_fail()
    assert conn.execute("SELECT count(*) FROM things").fetchone() == (0,)
    assert position_of(conn, Things()) == lease.position == 0


def test_resume_says_what_was_committed(store: EventStore, conn: Connection) -> None:
    lease = taken(conn)
    lease.advance(conn, 9)
    unsure = Lease("things", "live", lease.fencing_token, 60.0, 0)
    unsure.resume(conn)
    assert unsure.position == 9


def test_rules_of_another_version_get_no_lease(conn: Connection) -> None:
    taken(conn).release(conn)

    class Newer(Things, name="things", tables=Things.tables, version=2):
        pass

    with pytest.raises(RulesDiffer) as caught:
        acquire(conn, Newer(), seconds=60)
    assert (caught.value.found, caught.value.ours) == (1, 2)


def test_two_daemons_never_both_write(store: EventStore, url: str, conn: Connection) -> None:
    def rows() -> int:
        found = conn.execute("SELECT count(*) FROM things").fetchone()
        assert found is not None
        return int(found[0])

    with running(url, Things()) as first, running(url, Things()) as second:
        for n in range(1, 20):
            store.append(f"thing-{n}", [ThingMade(thing_id=number(n), name=str(n))])
        until(lambda: rows() == 19, "the rows")
        there = checkpoint(conn, "things")
        assert there is not None
        # One of them has had the lease all along, and the other none.
        assert there["fencing_token"] == 1
        assert there["applied"] == 19
        first.stop.set()
        first.thread.join()
        store.append("thing-20", [ThingMade(thing_id=number(20), name="20")])
        until(lambda: rows() == 20, "whoever is left has it")
        assert second.failures is None
    assert first.failures == second.failures == {}
    assert stored(conn, Things()) == replayed(conn, Things())


def test_a_standby_takes_over_from_the_dead(store: EventStore, url: str, conn: Connection) -> None:
    store.append("thing-1", [ThingMade(thing_id=number(1), name="a")])
    dead = taken(conn, seconds=0.5)
    with running(url, Things()):
        until(lambda: stored(conn, Things())["things"], "the row")
    there = checkpoint(conn, "things")
    assert there is not None
    assert there["fencing_token"] > dead.fencing_token


def test_catching_up_is_done_when_another_has_done_it(
    store: EventStore, url: str, conn: Connection
) -> None:
    store.append("thing-1", [ThingMade(thing_id=number(1), name="a")])
    with running(url, Things()) as daemon:
        assert catch_up(url, Things()) == {}
        assert stored(conn, Things())["things"]
        assert daemon.failures is None


def test_nothing_to_run_ends_at_once(url: str) -> None:
    from threading import Event

    assert run_daemon(url, [], Event()) == {}
