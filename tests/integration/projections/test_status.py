"""What `status` says is so."""

from __future__ import annotations

import pytest

from eventstore import EventStore
from eventstore.database import connect
from projections.checkpoint import Lease, acquire
from projections.session import Connection
from projections.status import ProjectionStatus, status
from tests.integration.projections.building import begin_rebuild
from tests.integration.projections.running import catch_up, number, running, until
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


def test_of_one_that_failed(store: EventStore, url: str, conn: Connection) -> None:
    store.append("thing-1", [Forbidden(thing_id=number(1))])
    catch_up(url, Things())
    found = only(conn)
    assert (found.state, found.lag_events) == ("failed", 1)
    assert found.last_error is not None
    assert found.last_error["event_type"] == "things.forbidden"


def test_of_one_whose_holder_is_silent(conn: Connection) -> None:
    lease = acquire(conn, Things(), seconds=0.05)
    assert isinstance(lease, Lease)
    until(lambda: only(conn).state == "stalled", "the lease ran out")


def test_of_one_whose_rules_have_changed(store: EventStore, url: str, conn: Connection) -> None:
    catch_up(url, Things())

    class Newer(Things, name="things", tables=Things.tables, version=2):
        pass

    (found,) = status(conn, [Newer()]).projections
    assert (found.state, found.projection_version) == ("outdated", 1)


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
        sleeper.execute("ROLLBACK")


@pytest.mark.parametrize("role", ["projector", "auditor"])
def test_both_may_ask(url: str, role: str) -> None:
    with connect(url, role=role) as asking:  # type: ignore[arg-type]
        assert status(asking, [Things()]).watermark == 0
