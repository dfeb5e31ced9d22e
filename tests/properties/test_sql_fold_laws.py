"""A fold in SQL is the rules: for any events in any order, and however they are cut into ranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.packages import (
    ManifestEdited,
    PackageAdded,
    PackageHistoriesInSql,
    PackageRemoved,
    ReleasePackaged,
)
from eventstore import Event, EventStore, RecordedEvent
from eventstore.embedded import EmbeddedServer
from projections.builds.rebuild import RebuildOptions, rebuild
from projections.session import Connection, open_session
from projections.testing import recorded, same_in_sql
from tests.integration.projections.orders import Opened, OpenedOnce, Orders, OrdersInSql, Shipped
from tests.integration.projections.running import number, stored

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=5)
change: dict[str, Any] = {
    "package": st.sampled_from(["", "a", "A", "ä", "a'b"]),
    "commit": texts,
    "subject": texts,
}
CHANGES = st.one_of(
    st.builds(PackageAdded, **change, release=st.none() | texts),
    st.builds(ReleasePackaged, **change, release=texts),
    st.builds(ManifestEdited, **change),
    st.builds(PackageRemoved, **change),
)
orders = st.integers(1, 3).map(number)
ORDERS = st.one_of(
    st.builds(lambda order, more: Opened(order_id=order, title=f"{order} {more}"), orders, texts),
    st.builds(Shipped, order_id=orders, carrier=texts),
    st.builds(Shipped, order_id=orders, carrier=texts),
    st.builds(OpenedOnce, order_id=orders),
)

LAWS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def stories(events: st.SearchStrategy[Event]) -> st.SearchStrategy[list[RecordedEvent]]:
    """Events of two tenants, at positions with gaps."""
    told = st.lists(st.tuples(events, st.sampled_from(["x", "y"]), st.integers(1, 3)), max_size=25)

    def at_positions(story: list[tuple[Event, str, int]]) -> list[RecordedEvent]:
        position, found = 0, []
        for event, tenant, gap in story:
            position += gap
            found.append(recorded(event, position, tenant=tenant))
        return found

    return told.map(at_positions)


@pytest.mark.timeout(600)
@LAWS
@given(story=stories(CHANGES), size=st.integers(1, 8))
def test_histories_of_packages(database_url: str, story: list[RecordedEvent], size: int) -> None:
    """These rules apply everything, so SQL has to."""
    same_in_sql(database_url, PackageHistoriesInSql(), story, 1, size, 100)


@pytest.mark.timeout(600)
@LAWS
@given(story=stories(ORDERS), size=st.integers(1, 8))
def test_orders(database_url: str, story: list[RecordedEvent], size: int) -> None:
    """Some of these are held, and some can only be read by way of an upcaster."""
    same_in_sql(database_url, OrdersInSql(), story, 1, size, 100)


def held(conn: Connection) -> list[Any]:
    return conn.execute(
        "SELECT position, behind, keys, origin FROM failures WHERE build = 'live' ORDER BY position"
    ).fetchall()


@pytest.mark.timeout(600)
@settings(LAWS, max_examples=10)
@given(
    story=st.lists(ORDERS, min_size=1, max_size=30),
    positions=st.sampled_from([1, 3, 10, 1_000]),
    workers=st.integers(1, 3),
)
def test_a_rebuild_is_the_same(
    server: EmbeddedServer,
    make_database: Callable[[], str],
    story: list[Event],
    positions: int,
    workers: int,
) -> None:
    """As far as SQL goes and the rules from there on; and what is held."""
    url = server.url(make_database())
    with (
        EventStore.open(url) as store,
        open_session(url, part="test") as conn,
        pytest.MonkeyPatch.context() as patch,
    ):
        for event in story:
            store.append("story-1", [event])
        patch.setattr("projections.builds.sql_build._FIRST", positions)
        patch.setattr("projections.builds.sql_build._MOST", positions)
        patch.setattr("projections.builds.sql_build._LEAST", 1)
        seen = []
        # Before anything is held, by the rules alone, and with what is held by then.
        for rules in (OrdersInSql(), Orders(), OrdersInSql()):
            done = rebuild(url, rules, RebuildOptions(workers=workers))
            seen.append((stored(conn, Orders()), held(conn), done.events))
        assert seen[0] == seen[1] == seen[2]
