"""Partitions: made ahead, made good when they are missing, sealed when they are over."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from eventstore import NO_STREAM, EventStore
from eventstore.database import Connection, connect
from eventstore.errors import ConcurrencyConflict, DuplicateEventId
from tests.integration.log.clock import Clock
from tests.integration.log.facts import OF_EVERY_CLASS, Said, said

CLASSES = ("audit", "conversation", "decision", "work")


@pytest.fixture
def clock(admin: Connection) -> Clock:
    return Clock(admin)


@pytest.fixture
def keeper(database_url: str) -> Iterator[Connection]:
    """The archiver, who keeps the partitions."""
    with connect(database_url, role="archiver") as connection:
        yield connection


def names(connection: Connection) -> list[str]:
    query = "SELECT name FROM eventstore.partitions ORDER BY name"
    return [row[0] for row in connection.execute(query)]


def gaps(connection: Connection, months_ahead: int = 1) -> list[str]:
    query = "SELECT retention_class FROM eventstore.partition_gaps(%s) ORDER BY 1"
    return [row[0] for row in connection.execute(query, [months_ahead])]


def ensure(connection: Connection, months_ahead: int = 2) -> list[str]:
    query = "SELECT * FROM eventstore.ensure_partitions(%s) AS made ORDER BY made"
    return [row[0] for row in connection.execute(query, [months_ahead])]


def test_every_class_has_this_month_and_two_more(keeper: Connection, clock: Clock) -> None:
    expected = [f"events_{one}_{clock.month(n)}" for one in CLASSES for n in (0, 1, 2)]
    assert names(keeper) == sorted(expected)
    assert ensure(keeper) == []
    assert gaps(keeper, 2) == []


def test_there_is_no_default_partition(admin: Connection) -> None:
    bounds = admin.execute(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition "
        "AND relkind IN ('r', 'p') AND relnamespace = 'eventstore'::regnamespace"
    ).fetchall()
    assert len(bounds) == 4 + 12
    assert not [bound for (bound,) in bounds if "DEFAULT" in bound]


def test_partitions_ahead_are_named(keeper: Connection, clock: Clock) -> None:
    assert gaps(keeper, 3) == list(CLASSES)
    assert ensure(keeper, 3) == [f"events_{one}_{clock.month(3)}" for one in CLASSES]
    assert gaps(keeper, 3) == []
    assert len(names(keeper)) == 16


def test_a_new_partition_is_like_the_others(admin: Connection, keeper: Connection) -> None:
    query = """
        SELECT array_agg(DISTINCT (relrowsecurity, relforcerowsecurity,
                         (SELECT count(*) FROM pg_index WHERE indrelid = pg_class.oid),
                         (SELECT count(*) FROM pg_policy WHERE polrelid = pg_class.oid),
                         (SELECT count(*) FROM pg_trigger
                           WHERE tgrelid = pg_class.oid AND tgenabled = 'A'),
                         (SELECT count(*) FROM pg_attribute
                           WHERE attrelid = pg_class.oid AND attnotnull))::text)
          FROM pg_class
         WHERE relnamespace = 'eventstore'::regnamespace AND relname ~ '^events_[a-z]+_2'
           AND relkind = 'r'
    """
    ensure(keeper, 4)
    [(kinds,)] = admin.execute(query).fetchall()
    assert len(kinds) == 1, kinds


def test_many_may_ensure_at_once(database_url: str, keeper: Connection) -> None:
    def one(_: int) -> int:
        with connect(database_url, role="appender") as connection:
            return len(ensure(connection, 5))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(4))) == 3 * 4
    assert len(names(keeper)) == 6 * 4


def test_appends_go_on_while_partitions_are_made(store: EventStore, database_url: str) -> None:
    with connect(database_url, role="archiver") as keeper:
        keeper.autocommit = False
        ensure(keeper, 3)
        for kind in OF_EVERY_CLASS:
            store.append("s-1", [kind()])
        keeper.rollback()


def test_an_append_into_a_month_without_partition_heals_itself(
    store: EventStore, keeper: Connection, clock: Clock
) -> None:
    store.append("s-1", said(2))
    clock.set(4)
    assert gaps(keeper, 0) == list(CLASSES)
    receipt = store.append("s-1", said(2))
    assert receipt.stream_version == 4
    assert gaps(keeper, 2) == []
    versions = [recorded.stream_version for recorded in store.read_stream("s-1")]
    assert versions == [1, 2, 3, 4]


def test_a_month_that_was_dropped_is_made_again(
    store: EventStore, admin: Connection, keeper: Connection, clock: Clock
) -> None:
    admin.execute(f"DROP TABLE eventstore.events_work_{clock.month(0)}")
    assert gaps(keeper) == ["work"]
    store.append("s-1", [Said()])
    assert gaps(keeper) == []


def test_a_month_that_was_detached_is_missed_and_attached_again(
    store: EventStore, admin: Connection, keeper: Connection, clock: Clock
) -> None:
    store.append("s-1", [Said(text="before")])
    month = f"events_work_{clock.month(0)}"
    admin.execute(f"ALTER TABLE eventstore.events_work DETACH PARTITION eventstore.{month}")
    assert gaps(keeper) == ["work"], "the alarm looks at what takes events, not at names"
    store.append("s-1", [Said(text="after")])
    assert gaps(keeper) == []
    texts = [recorded.payload["text"] for recorded in store.read_stream("s-1")]
    assert texts == ["before", "after"]


def test_identity_and_versions_hold_across_months(store: EventStore, clock: Clock) -> None:
    first = said(2)
    receipt = store.append("s-1", first)
    clock.set(1)
    assert store.append("s-1", first, expected_version=NO_STREAM) == receipt
    with pytest.raises(DuplicateEventId, match="another stream"):
        store.append("s-2", first)
    with pytest.raises(ConcurrencyConflict) as caught:
        store.append("s-1", [Said()], expected_version=NO_STREAM)
    assert caught.value.actual == 2
    assert store.append("s-1", [Said()], expected_version=2).stream_version == 3
    found = list(store.read_stream("s-1"))
    assert [recorded.stream_version for recorded in found] == [1, 2, 3]
    assert found[0].recorded_at.month != found[2].recorded_at.month
    positions = [recorded.position for recorded in store.read_all()]
    assert positions == sorted(positions)


def test_a_month_that_is_over_is_sealed_with_its_positions(
    store: EventStore, keeper: Connection, clock: Clock
) -> None:
    early = store.append("s-1", said(3))
    assert seal(keeper) == []
    clock.set(1, minutes=59)
    assert seal(keeper) == [], "an append of last month may still be under way"
    clock.set(1, minutes=61)
    assert seal(keeper) == [f"events_{one}_{clock.month(0)}" for one in CLASSES]
    clock.set(2)
    later = store.append("s-1", said(3))
    assert seal(keeper) == [f"events_{one}_{clock.month(1)}" for one in CLASSES]
    assert seal(keeper) == []
    now, then = (f"events_work_{clock.month(n)}" for n in (2, 0))
    assert scanned(store, early.position, later.position) == {now}
    assert scanned(store, 0, early.position) == {then, now}
    assert scanned(store, later.position, later.position + 1) == {now}
    found = [recorded.position for recorded in store.read_all()]
    assert found == [*early.positions, *later.positions]
    with pytest.raises(Exception, match="append-only"):
        owner_deletes(store, then)


def seal(keeper: Connection) -> list[str]:
    query = "SELECT * FROM eventstore.seal_partitions() AS sealed ORDER BY sealed"
    return [row[0] for row in keeper.execute(query)]


def scanned(store: EventStore, after: int, until: int) -> set[str]:
    """The partitions of the class `work` that a read of these positions would look into."""
    query = (
        "EXPLAIN SELECT data FROM eventstore.events "
        "WHERE position > %s AND position <= %s AND retention_class = 'work' ORDER BY position"
    )
    with store.database.reading() as connection:
        plan = " ".join(row[0] for row in connection.execute(query, [after, until]))
    with store.database.reading() as connection:
        return {name for name in names(connection) if f" {name} " in plan}


def owner_deletes(store: EventStore, partition: str) -> None:
    with connect(store.database.url, role="owner") as owner:
        owner.execute(f"DELETE FROM eventstore.{partition}")
