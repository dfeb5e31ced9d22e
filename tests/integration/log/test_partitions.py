"""Partitions: made ahead, made good when they are missing, sealed when they are over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import uuid4

import psycopg
import pytest

from eventstore import NO_STREAM, EventStore
from eventstore.connection.database import Connection, connect
from eventstore.errors import (
    ConcurrencyConflict,
    DuplicateEventId,
    NotFound,
    PermissionDenied,
)
from eventstore.reading import read
from eventstore.upkeep.partitions import (
    attach_partition,
    detach_partition,
    ensure_partitions,
    seal_partitions,
)
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
        with connect(database_url, role="projector") as connection:
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
    assert gaps(keeper, 1) == []
    assert gaps(keeper, 2) == list(CLASSES), "an appender makes what it needs, and no more"
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


def test_an_appender_can_not_fill_the_catalogue(appender: Connection, keeper: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ensure(appender, 120)
    assert appender.execute("SELECT eventstore.heal_partitions()").fetchall() == []
    assert len(names(keeper)) == 12


def test_a_month_that_is_over_is_sealed_with_its_positions(store: EventStore, clock: Clock) -> None:
    early = store.append("s-1", said(3))
    assert seal_partitions(store.database) == []
    clock.set(1, minutes=59)
    assert seal_partitions(store.database) == [], "an append of last month may still be under way"
    clock.set(1, minutes=61)
    assert seal_partitions(store.database) == [f"events_{one}_{clock.month(0)}" for one in CLASSES]
    clock.set(2)
    later = store.append("s-1", said(3))
    assert seal_partitions(store.database) == [f"events_{one}_{clock.month(1)}" for one in CLASSES]
    assert seal_partitions(store.database) == []
    now, then = (f"events_work_{clock.month(n)}" for n in (2, 0))
    assert scanned(store, early.position, later.position) == {now}
    assert scanned(store, 0, early.position) == {then, now}
    assert scanned(store, later.position, later.position + 1) == {now}
    found = [recorded.position for recorded in store.read_all()]
    assert found == [*early.positions, *later.positions]
    with pytest.raises(Exception, match="append-only"):
        owner_deletes(store, then)


def test_what_was_broken_off_goes_on_where_it_was(
    store: EventStore, keeper: Connection, clock: Clock
) -> None:
    store.append("s-1", said(3))
    clock.set(1)
    month = clock.month(0)
    done = {"work": ["seal"], "audit": ["seal", "prove"], "decision": ["seal", "prove", "map"]}
    for one, taken in done.items():
        for step in taken:
            keeper.execute(f"SELECT eventstore.{step}_partition(%s)", [f"events_{one}_{month}"])
    steps = keeper.execute("SELECT * FROM eventstore.partition_steps()").fetchall()
    due = {row[0]: row[1] for row in steps}
    assert [due[f"events_{one}_{month}"] for one in CLASSES] == ["map", "seal", "vacuum", "prove"]
    assert sorted(seal_partitions(store.database)) == [f"events_{one}_{month}" for one in CLASSES]
    query = "SELECT sealed, mapped, vacuumed FROM eventstore.partitions WHERE closed"
    assert keeper.execute(query).fetchall() == [(True, True, True)] * 4


def test_an_append_that_comes_after_the_seal_is_refused(
    store: EventStore, keeper: Connection, clock: Clock
) -> None:
    """What was noted about a sealed partition would be wrong: a read would miss the event."""
    store.append("s-1", said(1))
    clock.set(1)
    seal_partitions(store.database)
    clock.set(0)
    with pytest.raises(PermissionDenied, match="append-only"):
        store.append("s-1", said(1))
    clock.set(1)
    assert store.append("s-1", said(1)).stream_version == 2


def test_many_may_seal_at_once(store: EventStore, clock: Clock) -> None:
    store.append("s-1", said(3))
    clock.set(1)
    with ThreadPoolExecutor(3) as pool:
        done = pool.map(lambda _: seal_partitions(store.database), range(3))
    assert {name for names in done for name in names} == {
        f"events_{one}_{clock.month(0)}" for one in CLASSES
    }
    assert seal_partitions(store.database) == []
    assert len(list(store.read_stream("s-1"))) == 3


def test_the_end_of_a_month_is_that_of_utc(
    store: EventStore, admin: Connection, clock: Clock
) -> None:
    """Whatever the session thinks: a month less a few hours would hide the last events."""
    positions = []
    for month in range(12):
        clock.set(month + 1, minutes=-1)
        positions.append(store.append(f"s-{month}", said(1)).position)
    clock.set(13)
    seal_partitions(store.database)
    for zone in ("UTC", "America/Los_Angeles", "Pacific/Auckland"):
        with store.database.auditor() as connection:
            connection.execute("SELECT set_config('timezone', %s, false)", [zone])
            for month, position in enumerate(positions):
                assert of_stream(f"s-{month}", connection) == 1, zone
                assert of_log(position, connection) == 1, zone
                assert at(position, connection) == 1, zone


def test_a_seal_gives_way_to_a_reader(
    store: EventStore, keeper: Connection, admin: Connection, clock: Clock
) -> None:
    store.append("s-1", said(1))
    clock.set(1)
    name = f"events_work_{clock.month(0)}"
    with admin.transaction():
        admin.execute(f"SELECT count(*) FROM eventstore.{name}")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            keeper.execute("SELECT eventstore.seal_partition(%s)", [name])
        assert store.append("s-1", said(1)).stream_version == 2
    keeper.execute("SELECT eventstore.seal_partition(%s)", [name])


def test_reads_of_a_stream_and_a_run_find_what_is_sealed(store: EventStore, clock: Clock) -> None:
    run = uuid4()
    for month in range(5):
        clock.set(month)
        seal_partitions(store.database)
        if month != 2:
            store.append("s-1", said(2), correlation_id=run)
        store.append("s-2", said(1))
    assert [each.stream_version for each in store.read_stream("s-1")] == list(range(1, 9))
    assert [each.stream_version for each in store.read_stream("s-1", 6)] == [6, 7, 8]
    backwards = store.read_stream("s-1", 3, backwards=True)
    assert [each.stream_version for each in backwards] == [3, 2, 1]
    positions = [each.position for each in store.read_correlation(run)]
    assert positions == sorted(positions)
    assert len(positions) == 8
    assert len(list(store.read_stream("s-2"))) == 5
    assert not list(store.read_stream("s-3"))


def test_a_read_opens_no_other_month(store: EventStore, clock: Clock) -> None:
    store.append("s-old", said(1))
    clock.set(1)
    store.append("s-1", said(1))
    clock.set(30)
    ensure_partitions(store.database, 1)
    seal_partitions(store.database)
    store.append("s-new", said(1))
    always = {clock.month(30), clock.month(31)}
    for stream_id, months in (
        ("s-old", {clock.month(0)}), ("s-1", {clock.month(1)}), ("s-new", set()),
    ):  # fmt: skip
        assert months_read(store, partial(of_stream, stream_id)) == months | always
    for position, months in (1, {clock.month(0)}), (2, {clock.month(1)}), (3, set()):
        assert months_read(store, partial(of_log, position)) == months | always
        assert months_read(store, partial(at, position)) == months | always


def of_stream(stream_id: str, connection: Connection) -> int:
    return len(read.stream_page(connection, "default", stream_id, 1))


def of_log(position: int, connection: Connection) -> int:
    return len(read.log_page(connection, "default", position - 1, position))


def at(position: int, connection: Connection) -> int:
    return len(read.events_at(connection, [position]))


def months_read(store: EventStore, one_event: Callable[[Connection], int]) -> set[str]:
    """The months whose index a read of an event searches, by the server's own count."""
    query = (
        "SELECT right(relname, 7) FROM pg_stat_xact_user_tables "
        "WHERE starts_with(relname, 'events_') AND idx_scan + seq_scan > 0"
    )
    # A session of its own: counts of the last transaction can be pending in another.
    with store.database.auditor() as connection, connection.transaction():
        assert one_event(connection) == 1
        return {row[0] for row in connection.execute(query)}


def test_no_tenant_sees_the_maps_of_another(
    store: EventStore, database_url: str, clock: Clock
) -> None:
    run = uuid4()
    store.append("s-1", said(1), correlation_id=run)
    clock.set(1)
    seal_partitions(store.database)
    for tenant, seen in (("default", 1), ("other", 0)):
        with connect(database_url, role="auditor", tenant=tenant) as auditor:
            for table in ("sealed_streams", "sealed_runs"):
                found = auditor.execute(f"SELECT count(*) FROM eventstore.{table}").fetchone()
                assert found == (seen,)
            pages = "SELECT count(*) FROM eventstore.run_page('default', %s, 0, 10)"
            assert auditor.execute(pages, [run]).fetchone() == (seen,)


def test_a_detached_partition_is_protected_and_comes_back(
    store: EventStore, admin: Connection, clock: Clock
) -> None:
    store.append("s-1", said(2))
    clock.set(1)
    seal_partitions(store.database)
    name = f"events_work_{clock.month(0)}"
    detach_partition(store.database, name)
    assert not list(store.read_stream("s-1"))
    query = (
        "SELECT relrowsecurity, relforcerowsecurity, relispartition, "
        "(SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid AND tgenabled = 'A') "
        "FROM pg_class AS c WHERE relname = %s"
    )
    assert admin.execute(query, [name]).fetchall() == [(True, True, False, 2)]
    for role in ("appender", "projector", "archiver", "auditor"):
        with (
            connect(store.database.url, role=role, tenant="default") as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute(f"SELECT FROM eventstore.{name}")
    with connect(store.database.url, role="owner", tenant="default") as owner:
        assert owner.execute(f"SELECT FROM eventstore.{name}").fetchall() == []
    with pytest.raises(Exception, match="append-only"):
        owner_deletes(store, name)
    attach_partition(store.database, name)
    attach_partition(store.database, name)  # which is done already
    assert len(list(store.read_stream("s-1"))) == 2


@pytest.mark.parametrize("name", ["events_work_1999_01", "streams", "events_work", "no; such"])
def test_a_partition_that_is_not_there_is_named(store: EventStore, name: str) -> None:
    for change in (attach_partition, detach_partition):
        with pytest.raises(NotFound, match="partitions list"):
            change(store.database, name)


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
