"""Hundreds of tasks and threads on one store, while its sessions are ended again and again."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event as Signal
from time import monotonic

import psutil
import psycopg
import pytest

from eventstore import AsyncEventStore, EventStore
from tests.integration.log.facts import FACTS, Said, open_store

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

TASKS = 512
THREADS = 64
SECONDS = 16
GROWTH = 64 * 2**20
"""Bytes that the process may grow by after it has warmed up, all that the test notes included."""

Acknowledged = dict[str, list[tuple[int, int]]]
"""Of each caller's stream, (stream_version, position) as its receipts came."""


def test_a_crowd_of_tasks(database_url: str, admin_url: str) -> None:
    acknowledged: Acknowledged = defaultdict(list)

    async def work(store: AsyncEventStore, number: int) -> None:
        stream_id = f"task-{number}"
        mine = acknowledged[stream_id]
        while monotonic() < until:
            receipt = await store.append(stream_id, [Said(number=len(mine) + 1)])
            mine.append((receipt.stream_version, receipt.position))

    async def crowd() -> None:
        async with await AsyncEventStore.open(database_url, registry=FACTS) as store:
            await asyncio.gather(*(work(store, number) for number in range(TASKS)))

    with open_store(database_url) as store:
        start = store.watermark()
    until = monotonic() + SECONDS
    with ending_sessions(admin_url), growing_little():
        asyncio.run(crowd())
    with open_store(database_url) as store:
        assert_all_is_there(store, acknowledged, start)


def test_a_crowd_of_threads(database_url: str, admin_url: str) -> None:
    acknowledged: Acknowledged = defaultdict(list)

    def work(number: int) -> None:
        stream_id = f"thread-{number}"
        mine = acknowledged[stream_id]
        while monotonic() < until:
            receipt = store.append(stream_id, [Said(number=len(mine) + 1)])
            mine.append((receipt.stream_version, receipt.position))

    until = monotonic() + SECONDS / 2
    with open_store(database_url) as store:
        start = store.watermark()
        with ending_sessions(admin_url), growing_little(), ThreadPoolExecutor(THREADS) as pool:
            for _ in pool.map(work, range(THREADS)):
                pass
        assert_all_is_there(store, acknowledged, start)


@contextmanager
def ending_sessions(admin_url: str) -> Iterator[None]:
    """Ends the store's writing session twice a second, at random moments."""
    over, choose = Signal(), random.Random(5)

    def end() -> int:
        ended = 0
        with psycopg.connect(admin_url, autocommit=True) as admin:
            while not over.wait(choose.random()):
                row = admin.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE application_name = 'eventstore appender' "
                    "AND datname = current_database()"
                ).fetchone()
                ended += row[0] if row else 0
        return ended

    with ThreadPoolExecutor(1) as pool:
        ending = pool.submit(end)
        try:
            yield
        finally:
            over.set()
        assert ending.result() > SECONDS / 10


@contextmanager
def growing_little() -> Iterator[None]:
    """Watches the process's memory, from a fifth of the time on."""
    over, process, sizes = Signal(), psutil.Process(), list[int]()

    def watch() -> None:
        while not over.wait(SECONDS / 50):
            sizes.append(process.memory_info().rss)

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        try:
            yield
        finally:
            over.set()
        watching.result()
    warm = sizes[len(sizes) // 5]
    assert max(sizes) - warm < GROWTH, f"{[size >> 20 for size in sizes]} MB"


def assert_all_is_there(store: EventStore, acknowledged: Acknowledged, after: int) -> None:
    """Acknowledged is stored, once, without a hole, and in the order of each caller."""
    stored: Acknowledged = defaultdict(list)
    for recorded in store.read_all(after):
        assert recorded.payload["number"] == recorded.stream_version
        stored[recorded.stream_id].append((recorded.stream_version, recorded.position))
    assert stored == acknowledged
    for places in acknowledged.values():
        assert [version for version, _ in places] == list(range(1, len(places) + 1))
        positions = [position for _, position in places]
        assert positions == sorted(set(positions))
