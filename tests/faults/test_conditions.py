"""Conditions at length: raced for by more and fewer processes, by mutants, and through kills."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal
from time import sleep

import psycopg
import pytest

from eventstore import EventStore, Query
from eventstore.connection.database import Connection
from eventstore.embedded import EmbeddedServer
from tests.integration.log.condition_mutants import MUTANTS, mutant
from tests.integration.log.conditions import judge, race
from tests.integration.log.crash import kill
from tests.integration.log.facts import Said, open_store
from tests.integration.log.order import assert_exactly_once, poll
from tests.integration.log.processes import Child, children
from tests.integration.log.test_condition_race import assert_no_deadlock, assert_unique
from tests.integration.log.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

WRITERS = 6
KILLS = 5
NAMES = 800


@pytest.fixture
def store(database_url: str) -> Iterator[EventStore]:
    with open_store(database_url) as opened:
        yield opened


@pytest.fixture
def admin(admin_url: str) -> Iterator[Connection]:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(("writers", "writes"), [(2, 500), (5, 300), (12, 120)])
def test_conditions_hold_at_length(
    database_url: str, store: EventStore, admin: Connection, writers: int, writes: int
) -> None:
    """And who follows by a query gets each event that it means once, in order."""
    query, over = Query(tags=["t:1"]) | Query(types=[Said], tags=["t:2", "t:3"]), Signal()
    start = store.watermark()
    following = store.subscribe(start, query=query)
    with (
        children(writers, "condition_process", database_url) as started,
        ThreadPoolExecutor(1) as pool,
    ):
        delivered = pool.submit(poll, lambda: [r.position for r in following.fetch(50)], over)
        try:
            race(started, store, writes, start)
        finally:
            over.set()
    meant = [r.position for r in store.read_all(start) if query.matches(r.event_type, r.tags)]
    assert_exactly_once(delivered.result(), meant)
    assert_unique(store, start)
    assert_no_deadlock(admin)


# The other two take an append of many tags, or of several parts, at the right moment: fixed
# schedules show these.
@pytest.mark.parametrize("name", sorted(MUTANTS.keys() - {"no gate", "no lock by append"}))
def test_the_race_catches_each_mutant(
    database_url: str, store: EventStore, admin: Connection, name: str
) -> None:
    with (
        mutant(admin, name),
        children(WRITERS, "condition_process", database_url) as writers,
        pytest.raises(AssertionError, match=r"unless there is|nothing is|refused for"),
    ):
        race_often(writers, store)


def race_often(writers: list[Child], store: EventStore) -> None:
    """So often that it would be a wonder if a mutant passed."""
    start = store.watermark()
    for _ in range(20):
        race(writers, store, 60, start)


def test_every_name_has_one_owner_through_kills_of_the_server(
    durable_log: EmbeddedServer,
) -> None:
    """Who lost the answer learns that the name is its own, and not that it is taken."""
    url, choose = durable_log.url("store"), random.Random(11)
    owned: list[tuple[str, str, int]] = []

    def listen(writer: Child) -> None:
        while (heard := writer.hear()) != "done":
            owned.append(tuple(heard))

    def grown() -> Callable[[], bool]:
        enough = len(owned) + 50
        return lambda: len(owned) > enough

    with (
        children(WRITERS, "condition_process", url) as writers,
        ThreadPoolExecutor(WRITERS) as pool,
        open_store(url) as store,
    ):
        start = store.watermark()
        for writer in writers:
            writer.tell(do="names", count=NAMES)
        listening = [pool.submit(listen, writer) for writer in writers]
        for _ in range(KILLS):
            until(grown(), seconds=60)
            sleep(choose.random() * 0.05)
            kill(durable_log)
            durable_log.ensure_running()
        for one in listening:
            one.result()
        found = [(*r.tags, str(r.event_id), r.position) for r in store.read_all(start)]
        assert sorted(found) == sorted(owned)
        assert [name for name, *_ in sorted(found)] == sorted(f"name:{n}" for n in range(NAMES))


def test_writers_that_are_killed_are_in_nobody_s_way(database_url: str, store: EventStore) -> None:
    start = store.watermark()
    with children(WRITERS, "condition_process", database_url) as writers:
        for doomed in writers[: WRITERS // 2]:
            doomed.tell(do="race", writes=10**6)
        until(lambda: store.watermark() > start + 200, seconds=60)
        for doomed in writers[: WRITERS // 2]:
            doomed.process.kill()
        race(writers[WRITERS // 2 :], store, 100, start)
    judge(list(store.read_all(start)))
