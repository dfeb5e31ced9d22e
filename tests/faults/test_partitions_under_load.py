"""Partitions are made, sealed, detached and attached while a reader takes its time.

Whoever appends notices nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import quantiles
from threading import Event as Signal
from threading import Thread
from time import perf_counter

import psycopg
import pytest

from eventstore import EventStore
from eventstore.connection.database import Connection
from eventstore.errors import StoreUnavailable
from eventstore.upkeep.partitions import (
    attach_partition,
    detach_partition,
    ensure_partitions,
    seal_partitions,
)
from tests.integration.log.clock import Clock
from tests.integration.log.facts import Filed, Said, open_store, said
from tests.integration.log.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]

LOCK_TIMEOUT = 2.0
"""Seconds after which an append gives up waiting for a lock."""


@pytest.fixture
def admin(admin_url: str) -> Iterator[Connection]:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def store(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[EventStore]:
    monkeypatch.setenv("EVENTSTORE_LOCK_TIMEOUT", str(LOCK_TIMEOUT))
    with open_store(database_url) as opened:
        yield opened


@pytest.fixture
def closed(store: EventStore, admin: Connection) -> str:
    """The partition of a month that is over, with events that are appended again later."""
    clock = Clock(admin)
    for stream in range(4):
        store.append(f"s-{stream}", OLD[stream])
    store.append("f-1", [Filed()])
    clock.set(1)
    ensure_partitions(store.database, 1)
    return f"events_audit_{clock.month(0)}"


OLD = [said(3) for _ in range(4)]


class Load:
    """Appends in threads, new events and old ones again, which looks into every partition."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._over = Signal()
        self.seconds: list[float] = []
        self.failures: list[Exception] = []
        self._threads = [Thread(target=self._run, args=(number,)) for number in range(4)]

    def _run(self, number: int) -> None:
        with open_store(self._store.database.url) as store:
            while not self._over.is_set():
                for events in ([Said(number=number)], OLD[number]):
                    began = perf_counter()
                    try:
                        store.append(f"s-{number}", events)
                    except StoreUnavailable as error:
                        self.failures.append(error)
                    self.seconds.append(perf_counter() - began)

    def goes_on(self) -> None:
        """Waits for a hundred appends more."""
        aim = len(self.seconds) + 100
        until(lambda: len(self.seconds) > aim)

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        self.goes_on()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def a_long_reader(admin_url: str) -> Iterator[None]:
    """A transaction that has looked into every partition, and does not end."""
    with psycopg.connect(admin_url) as reader:
        reader.execute("SELECT count(*) FROM eventstore.events")
        yield


def test_appends_notice_nothing(store: EventStore, admin_url: str, closed: str) -> None:
    with Load(store) as load:
        with a_long_reader(admin_url):
            assert len(ensure_partitions(store.database, 4)) == 12
            load.goes_on()
            with pytest.raises(StoreUnavailable):
                seal_partitions(store.database)
            load.goes_on()
            with pytest.raises(StoreUnavailable):
                detach_partition(store.database, closed)
            load.goes_on()
        attach_or_finish(store, closed)
        assert closed in seal_partitions(store.database)
        detach_partition(store.database, closed)
        load.goes_on()
        attach_partition(store.database, closed)
        load.goes_on()
    assert not load.failures
    assert quantiles(load.seconds, n=100)[98] < LOCK_TIMEOUT
    for stream in ("s-0", "f-1"):
        versions = [each.stream_version for each in store.read_stream(stream)]
        assert versions == list(range(1, len(versions) + 1))
    assert versions == [1]


def attach_or_finish(store: EventStore, partition: str) -> None:
    """Ends what was broken off in front of the reader, and takes it back."""
    detach_partition(store.database, partition)
    attach_partition(store.database, partition)


def test_a_change_that_waits_stops_everybody(
    store: EventStore, admin: Connection, admin_url: str, closed: str
) -> None:
    """The mutant: what detaching does without CONCURRENTLY, and with all the time in the world."""
    statement = f"ALTER TABLE eventstore.events_audit DETACH PARTITION eventstore.{closed}"
    with Load(store) as load, ThreadPoolExecutor(1) as pool:
        with a_long_reader(admin_url):
            waiting = pool.submit(admin.execute, statement)
            until(lambda: load.failures)
        waiting.result()
    assert "lock timeout" in str(load.failures[0])
