"""The replaced tables, brought up to date and back into their place, or dropped."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from eventstore import EventStore
from eventstore.connection.database import connect
from projections.builds.build_lease import take_old
from projections.builds.old_build import drop_old, own_rules, switch_back
from projections.builds.progress import Progress
from projections.builds.rebuild import rebuild
from projections.errors import LeaseHeld, NoOldBuild, SwitchRefused
from projections.projection import Projection
from projections.session import Connection, open_session
from projections.tables import live_rules
from tests.integration.projections.building import ShardedThings, fill
from tests.integration.projections.running import (
    catch_up,
    checkpoint,
    number,
    replayed,
    running,
    stored,
    until,
)
from tests.integration.projections.things import AmountAdded, Forbidden, Things
from tests.integration.projections.things_anew import FUNCTION, ThingsAnew


def oid(conn: Connection, name: str) -> Any:
    """Which table has that name, or None."""
    schema, _, table = name.partition(".")
    return conn.execute(
        "SELECT c.oid FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace "
        "WHERE nspname = %s AND relname = %s",
        [schema, table],
    ).fetchone()


def shards(conn: Connection, build: str) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT shard, shards, position FROM checkpoints WHERE build = %s ORDER BY shard", [build]
    ).fetchall()


def test_back_and_back_again(store: EventStore, url: str, conn: Connection) -> None:
    fill(store, 1, 5)
    catch_up(url, Things())
    first = oid(conn, "projections.things")
    rebuild(url, Things())
    second = oid(conn, "projections.things")
    fill(store, 6, 5)
    catch_up(url, Things())
    done = switch_back(url, Things())
    assert (done.events, done.position) == (25, store.watermark())
    assert oid(conn, "projections.things") == first
    assert oid(conn, "projections_old_things.things") == second
    assert stored(conn, Things()) == replayed(conn, Things())
    fill(store, 11, 5)
    assert catch_up(url, Things()) == {}
    assert switch_back(url, Things()).events == 25
    assert oid(conn, "projections.things") == second
    assert stored(conn, Things()) == replayed(conn, Things())
    assert rebuild(url, Things()).rows == 30


def test_all_shards_change_places(store: EventStore, url: str, conn: Connection) -> None:
    """The old build has three shards at different positions, the live one two."""
    fill(store, 1, 9)
    catch_up(url, ShardedThings())
    with connect(url, role="owner") as owner:
        owner.execute(
            "INSERT INTO projections.checkpoints (projection, shard, shards, projection_version, "
            "position) SELECT 'things', i, 3, 1, %s FROM generate_series(1, 2) AS i",
            [store.watermark()],
        )
        owner.execute("UPDATE projections.checkpoints SET shards = 3 WHERE shard = 0")
    rebuild(url, ShardedThings())
    end = store.watermark()
    assert shards(conn, "live") == [(i, 3, end) for i in range(3)]
    assert shards(conn, "old") == [(i, 3, end) for i in range(3)]
    with connect(url, role="owner") as owner:
        owner.execute("DELETE FROM projections.checkpoints WHERE build = 'live' AND shard > 1")
        owner.execute("UPDATE projections.checkpoints SET shards = 2 WHERE build = 'live'")
    fill(store, 10, 9)
    switch_back(url, ShardedThings())
    end = store.watermark()
    assert shards(conn, "live") == [(i, 2, end) for i in range(2)]
    assert [row[:2] for row in shards(conn, "old")] == [(i, 2) for i in range(2)]
    assert stored(conn, Things()) == replayed(conn, Things())


def test_held_events_go_with_their_tables(store: EventStore, url: str, conn: Connection) -> None:
    fill(store, 1, 3)
    catch_up(url, Things())
    poison = store.append("thing-1", [Forbidden(thing_id=number(1))]).positions[0]

    def held() -> list[tuple[Any, ...]]:
        return conn.execute("SELECT build, position FROM failures ORDER BY 1").fetchall()

    rebuild(url, Things())
    assert held() == [("live", poison)]
    rebuild(url, Things())
    assert held() == [("live", poison), ("old", poison)]
    switch_back(url, Things())
    assert held() == [("live", poison), ("old", poison)]
    drop_old(url, Things())
    assert held() == [("live", poison)]


def test_the_running_projector_is_fenced_and_goes_on(
    store: EventStore, url: str, conn: Connection
) -> None:
    fill(store, 1, 5)
    catch_up(url, Things())
    rebuild(url, Things())
    with running(url, Things()) as daemon:
        fill(store, 6, 5)
        until(lambda: len(stored(conn, Things())["things"]) == 10, "the rows")
        switch_back(url, Things())
        fill(store, 11, 5)
        until(lambda: len(stored(conn, Things())["things"]) == 15, "the rows after")
    assert daemon.failures == {}
    assert stored(conn, Things()) == replayed(conn, Things())


class Newer(Things, name="things", tables=Things.tables, version=2):
    pass


def test_only_with_the_rules_that_made_it(store: EventStore, url: str, conn: Connection) -> None:
    fill(store, 1, 5)
    catch_up(url, Things())
    rebuild(url, Newer())
    live = oid(conn, "projections.things")
    with pytest.raises(SwitchRefused, match="projection_version 1 of the rules") as caught:
        switch_back(url, Newer())
    assert caught.value.exit_code == 5
    assert oid(conn, "projections.things") == live
    switch_back(url, Things())
    there = checkpoint(conn, "things")
    assert there is not None
    assert there["projection_version"] == 1
    assert catch_up(url, Things()) == {}
    switch_back(url, Newer())
    assert oid(conn, "projections.things") == live


def test_builds_with_other_tables(store: EventStore, url: str, conn: Connection) -> None:
    """What a build has goes with it: no table is left behind, none is taken along."""
    fill(store, 1, 3)
    catch_up(url, Things())
    with connect(url, role="owner") as owner:
        owner.execute(FUNCTION)
    versions = (Things(), ThingsAnew())
    assert own_rules(url, versions) is versions[1]
    rebuild(url, ThingsAnew())
    assert oid(conn, "projections.labels") is not None
    assert oid(conn, "projections.parts") is None
    fill(store, 4, 1)
    assert own_rules(url, versions) is versions[0]
    switch_back(url, Things())
    assert oid(conn, "projections.labels") is None
    assert oid(conn, "projections_old_things.labels") is not None
    assert stored(conn, Things()) == replayed(conn, Things())
    assert live_rules(conn, versions) is versions[0]
    switch_back(url, ThingsAnew())
    assert oid(conn, "projections.parts") is None
    assert stored(conn, ThingsAnew()) == replayed(conn, ThingsAnew())
    assert live_rules(conn, versions) is versions[1]


def test_there_is_none(url: str) -> None:
    with pytest.raises(NoOldBuild) as caught:
        switch_back(url, Things())
    assert caught.value.exit_code == 3
    assert not drop_old(url, Things())


@pytest.mark.parametrize("phase", ["catch up", "switch"])
def test_broken_off_it_is_done_again(
    store: EventStore, url: str, conn: Connection, phase: str
) -> None:
    fill(store, 1, 5)
    catch_up(url, Things())
    rebuild(url, Things())
    live = oid(conn, "projections.things")
    fill(store, 6, 5)

    def report(progress: Progress) -> None:
        if progress.phase == phase:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        switch_back(url, Things(), report=report)
    assert oid(conn, "projections.things") == live
    switch_back(url, Things())
    assert oid(conn, "projections.things") != live
    assert stored(conn, Things()) == replayed(conn, Things())


def test_one_at_a_time(store: EventStore, url: str) -> None:
    fill(store, 1, 3)
    catch_up(url, Things())
    rebuild(url, Things())
    with open_session(url, part="test", role="owner") as owner:
        lease = take_old(owner, Things(), seconds=60)
        assert lease is not None
        with pytest.raises(LeaseHeld, match="the old build of things"):
            switch_back(url, Things())
        with pytest.raises(SwitchRefused, match="brought up to date"):
            drop_old(url, Things())
        lease.release(owner)
    switch_back(url, Things())


def test_dropped_it_is_gone(store: EventStore, url: str, conn: Connection) -> None:
    fill(store, 1, 3)
    catch_up(url, Things())
    rebuild(url, Things())
    assert drop_old(url, Things())
    assert oid(conn, "projections_old_things.things") is None
    assert checkpoint(conn, "things", "old") is None
    assert not drop_old(url, Things())


def test_the_live_one_may_be_behind(store: EventStore, url: str, conn: Connection) -> None:
    """It failed, and so did not come as far as the old one."""
    fill(store, 1, 3)
    catch_up(url, Things())
    rebuild(url, Things())
    store.append("thing-1", [AmountAdded(thing_id=number(1), amount=1)])
    switch_back(url, Things())
    assert stored(conn, Things()) == replayed(conn, Things())
    assert shards(conn, "old")[0][2] < store.watermark()
    switch_back(url, Things())
    assert stored(conn, Things()) == replayed(conn, Things())


@pytest.mark.parametrize("projection", [Things(), ShardedThings()], ids=["one", "sharded"])
def test_two_rebuilds_at_once(
    store: EventStore, url: str, conn: Connection, projection: Projection
) -> None:
    """One of them does it, the other one is told who."""
    fill(store, 1, 20)
    catch_up(url, projection)
    outcomes: list[object] = []

    def run() -> None:
        try:
            outcomes.append(rebuild(url, projection))
        except LeaseHeld as error:
            outcomes.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 4
    assert any(not isinstance(each, LeaseHeld) for each in outcomes)
    assert stored(conn, projection) == replayed(conn, projection)
