"""A build is what one fold in memory gives: however it is cut, and whatever can't be applied."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstore import Event, EventStore
from eventstore.connection.database import connect
from projections.apply.holding import Held
from projections.builds.rebuild import RebuildOptions, rebuild
from projections.builds.shard_build import Shard, ShardFold
from projections.session import Connection, open_session
from tests.integration.projections.building import ShardedThings
from tests.integration.projections.running import number, plain, stored
from tests.integration.projections.things import (
    DDL,
    AmountAdded,
    Forbidden,
    PartAdded,
    PartRemoved,
    ThingMade,
    ThingRenamed,
)

_tenants = count()
things = st.integers(1, 4).map(number)
parts = st.integers(1, 2)
EVENTS = st.one_of(
    st.builds(lambda thing: ThingMade(thing_id=thing, name=f"{thing}"), things),
    st.builds(AmountAdded, thing_id=things, amount=st.floats(-1e6, 1e6)),
    st.builds(lambda thing, n: ThingRenamed(thing_id=thing, name=f"{thing} {n}"), things, parts),
    st.builds(PartAdded, thing_id=things, part_no=parts, label=st.just("p")),
    st.builds(PartRemoved, thing_id=things, part_no=parts),
    st.builds(Forbidden, thing_id=things),
)


@pytest.fixture
def url(database_url: str) -> str:
    """A database with the tables of `things`."""
    with connect(database_url, role="owner") as conn, conn.transaction():
        conn.execute(DDL)
    return database_url


def held(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT position, behind FROM failures WHERE build = 'live' ORDER BY position"
    ).fetchall()


@pytest.mark.timeout(600)
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    story=st.lists(EVENTS, min_size=1, max_size=40),
    page=st.integers(1, 20),
    options=st.builds(
        RebuildOptions,
        workers=st.integers(1, 3),
        rows_in_memory=st.sampled_from([1, 3, 50_000]),
        flush_seconds=st.sampled_from([0.0, 30.0]),
    ),
)
def test_a_build_is_a_fold(
    url: str, story: list[Event], page: int, options: RebuildOptions
) -> None:
    """Events come as they like, so many can't be applied; each story is a tenant of its own."""
    tenant = f"tenant-{next(_tenants)}"
    with (
        EventStore.open(url, tenant=tenant) as store,
        open_session(url, part="test") as conn,
        pytest.MonkeyPatch.context() as patch,
    ):
        for event in story:
            store.append("story-1", [event])
        waiting: list[tuple[int, int | None]] = []
        whole = ShardFold(Shard(ShardedThings(), 0, store.watermark()), conn, None, report)
        keep = whole._hold

        def hold(event: Held) -> None:
            waiting.append((event.recorded.position, event.behind))
            keep(event)

        patch.setattr(whole, "_hold", hold)
        whole.run()
        patch.setattr("projections.builds.log_pages._PAGE", page)
        done = rebuild(url, ShardedThings(), options)
        assert stored(conn, ShardedThings()) == plain(whole.state)
        assert held(conn) == waiting
        assert done.held == len(waiting)


def report(events: int, position: int) -> None:
    """Nobody listens."""
