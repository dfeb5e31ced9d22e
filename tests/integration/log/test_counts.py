"""Counts of the log: exact to the watermark, moved by anybody at once, and never a scan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import psycopg
import pytest

from eventstore import EventStore
from eventstore.connection.database import Connection, connect
from eventstore.connection.queries import load
from eventstore.errors import PermissionDenied
from eventstore.streams import CategoryCount, TypeCount, counts
from tests.integration.log.facts import Asked, Decided, Said, open_store, said
from tests.integration.log.raw_append import append

SQL = load("eventstore.sql", "streams.sql")


def in_truth(store: EventStore) -> dict[tuple[str, str], tuple[int, int]]:
    """(category, event_type) -> (events, streams), by reading all."""
    events, streams = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for each in store.read_all():
        events[each.category, each.event_type] += 1
        streams[each.category, each.event_type] += each.stream_version == 1
    return {key: (events[key], streams[key]) for key in events}


def counted(store: EventStore) -> dict[tuple[str, str], tuple[int, int]]:
    found = counts.counts(store.database)
    return {(row[0], row[1]): (row[3], row[4]) for row in found.rows}


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "STEP", 7)


@pytest.fixture
def auditor(store: EventStore) -> Iterator[Connection]:
    with store.database.auditor() as connection:
        yield connection


@pytest.fixture
def projector(database_url: str) -> Iterator[Connection]:
    """Who sees every tenant and counts for all."""
    with connect(database_url, role="projector") as connection:
        yield connection


def test_categories_and_types_are_counted(store: EventStore, small_steps: None) -> None:
    assert store.streams.categories() == []
    store.append("a-1", said(20))
    store.append("a-2", [Asked(), Asked(), Said()])
    store.append("b", [Decided()])
    assert store.streams.categories() == [CategoryCount("a", 2, 23), CategoryCount("b", 1, 1)]
    assert store.streams.event_types() == [
        TypeCount("log.said", "work", 21, 1),
        TypeCount("log.asked", "conversation", 2, 1),
        TypeCount("log.decided", "decision", 1, 1),
    ]
    assert store.streams.event_types("b") == [TypeCount("log.decided", "decision", 1, 1)]
    assert counts.counts(store.database).position == store.watermark()


def test_an_append_in_flight_is_not_counted_and_then_is(
    store: EventStore, appender: Connection
) -> None:
    store.append("a-1", said(1))
    with appender.transaction():
        append(appender, "a-2", 3)
        store.append("a-1", said(5))  # above what is in flight
        assert counted(store) == {("a", "log.said"): (1, 1)}
    assert counted(store) == in_truth(store) == {("a", "log.said"): (9, 2)}


def test_who_may_only_read_counts_the_rest_anew(store: EventStore) -> None:
    """As on a standby: what is kept, and the tail."""
    store.append("a-1", said(3))
    counted(store)
    store.append("b-1", said(4))
    with store.database.auditor() as session:
        session.execute("SET default_transaction_read_only = on")
        assert counts.count(session, "default") == (0, 0, False)
        found = counts._counts(session, "default")
    assert found.of_categories() == [CategoryCount("b", 1, 4), CategoryCount("a", 1, 3)]
    assert found.position == store.watermark()


def test_tenants_count_their_own(database_url: str, projector: Connection) -> None:
    with open_store(database_url, "one") as one, open_store(database_url, "two") as two:
        one.append("a-1", said(3))
        two.append("a-1", said(5))
        two.append("b-1", said(1))
        assert counted(one) == {("a", "log.said"): (3, 1)}
        one.append("a-2", said(2))
        while counts.count_all(projector):
            pass
        assert counted(one) == {("a", "log.said"): (5, 2)}
        two.append("b-1", said(1))
        assert counted(two) == {("a", "log.said"): (5, 1), ("b", "log.said"): (2, 1)}
        with one.database.reading() as session:
            kept = session.execute("SELECT DISTINCT tenant_id FROM eventstore.event_counts")
            assert kept.fetchall() == [("one",)]
            with pytest.raises(psycopg.Error) as caught:
                session.execute(SQL["count"], {"tenant": "two", "step": 10})
            assert caught.value.sqlstate == "ES003"
            with pytest.raises(PermissionDenied, match="count_all_events"):
                counts.count_all(session)


def test_what_was_read_before_somebody_counted_it_is_not_added(
    database_url: str, projector: Connection
) -> None:
    """Both orders of the two movers: nothing is counted twice."""
    with open_store(database_url, "one") as one:
        one.append("a-1", said(3))
        news = orjson.dumps(
            [{"tenant_id": "one", "own": 0, "category": "a", "event_type": "log.said",
              "retention_class": "work", "events": 3, "streams": 1}]
        ).decode()  # fmt: skip
        add = "SELECT eventstore.add_counts(0, 3, %s)"
        counted(one)
        assert projector.execute(add, [news]).fetchall() == [(0,)]
        assert counted(one) == {("a", "log.said"): (3, 1)}
        counts.count_all(projector)
        assert projector.execute(add, [news]).fetchall() == [(3,)]
        assert counted(one) == {("a", "log.said"): (3, 1)}


def test_movers_wait_for_each_other(
    store: EventStore, projector: Connection, wait_for_blocked: Callable[[int], None]
) -> None:
    store.append("a-1", said(3))
    counted(store)
    store.append("a-1", said(3))
    with store.database.auditor() as session, ThreadPoolExecutor(2) as pool:
        with session.transaction():
            session.execute(SQL["count"], {"tenant": "default", "step": 10})
            all_of_them = pool.submit(counts.count_all, projector)
            own = pool.submit(counted, store)
            wait_for_blocked(2)
        all_of_them.result()
        assert own.result() == in_truth(store)
    counts.count_all(projector)
    assert counted(store) == in_truth(store)


def test_a_listing_is_of_one_moment(
    store: EventStore, auditor: Connection, wait_for_blocked: Callable[[int], None]
) -> None:
    """What is counted while it is made is not in it twice."""
    store.append("a-1", said(3))
    counted(store)
    store.append("a-1", said(4))
    with connect(store.database.url, role="owner") as owner, ThreadPoolExecutor(1) as pool:
        with owner.transaction():
            owner.execute("LOCK TABLE eventstore.event_counts")
            listing = pool.submit(counts._counts, auditor, "default")
            wait_for_blocked(1)
            owner.execute(SQL["count"], {"tenant": "default", "step": 10})
        assert listing.result().of_categories() == [CategoryCount("a", 1, 7)]


def test_counts_stay_exact_while_all_move_them(
    database_url: str, small_steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Appenders, listings of two tenants, and who counts for all, at once."""
    stores = [open_store(database_url, tenant) for tenant in ("one", "two")]

    def say(number: int) -> None:
        store = stores[number % 2]
        for n in range(40):
            store.append(f"{'abc'[n % 3]}-{number}-{n % 5}", [*said(n % 4), Asked()])

    def count_for_all() -> None:
        with connect(database_url, role="projector") as session:
            for _ in range(60):
                counts.count_all(session)

    def list_them(store: EventStore) -> None:
        before: dict[tuple[str, str], tuple[int, int]] = {}
        for _ in range(12):
            now = counted(store)
            assert all(now[key] >= before[key] for key in before), "a listing went back in time"
            before = now

    with ThreadPoolExecutor(9) as pool:
        jobs = [pool.submit(say, number) for number in range(4)]
        jobs += [pool.submit(count_for_all), *(pool.submit(list_them, each) for each in stores * 2)]
        for job in jobs:
            job.result()
    for store in stores:
        assert counted(store) == in_truth(store)
        store.close()


def test_what_is_detached_or_erased_stays_counted(store: EventStore, admin: Connection) -> None:
    store.append("a-1", [Asked(), Said()])
    before = counted(store)
    ((leaf,),) = admin.execute(
        "SELECT tableoid::regclass::text FROM eventstore.events WHERE event_type = 'log.asked'"
    )
    admin.execute(f"ALTER TABLE eventstore.events_conversation DETACH PARTITION {leaf}")
    assert counted(store) == before
    admin.execute(f"DROP TABLE {leaf}")
    store.append("a-1", [Said()])
    assert counted(store) == before | {("a", "log.said"): (2, 0)}


def test_a_listing_costs_the_same_whatever_the_length_of_the_log(
    store: EventStore, auditor: Connection, admin: Connection
) -> None:
    """In pages of the database that are looked at, by the movement and by the reading."""
    store.append("a-1", [*said(1), Asked()])
    costs = []
    for length in (500, 8_000):
        store.append("a-1", said(length))
        admin.execute("ANALYZE eventstore.events")
        counted(store)
        store.append("a-1", said(10))
        costs.append(
            [buffers(auditor, "count_events('default', 50000)"),
             buffers(auditor, "counts_until('default', eventstore.watermark())")]
        )  # fmt: skip
        assert counted(store) == in_truth(store)
    for short, long in zip(*costs, strict=True):
        assert long < short * 1.5 + 20, costs
    scanned = buffers(auditor, "events")
    assert max(costs[1]) < scanned, "a scan would have looked at more"


def buffers(session: Connection, source: str) -> int:
    """How many pages a call looks at, and what it calls; what it does is rolled back.

    The least of three: the first fills the session's caches of the catalogue.
    """
    looked: list[int] = []
    for _ in range(3):
        with session.transaction(force_rollback=True):
            ((found,),) = session.execute(
                f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM eventstore.{source}"
            ).fetchall()
        plan: dict[str, Any] = found[0]["Plan"]
        looked.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
    return min(looked)


def test_a_login_without_a_tenant_counts_nothing(store: EventStore, database_url: str) -> None:
    with connect(database_url, role="owner") as owner:
        owner.execute("DELETE FROM eventstore.tenant_logins")
    with pytest.raises(PermissionDenied, match="may not count for tenant default"):
        counts.counts(store.database)


def test_steps_have_bounds(store: EventStore, projector: Connection) -> None:
    with store.database.auditor() as session:
        for step in (0, 1_000_001):
            with pytest.raises(psycopg.Error, match="is not in"):
                session.execute(SQL["count"], {"tenant": "default", "step": step})
            with pytest.raises(psycopg.Error, match="is not in"):
                projector.execute(SQL["count_all"], {"step": step})
