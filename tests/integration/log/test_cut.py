"""Connections that break: the store finds out what became of the append, and goes on."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event as Signal

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from eventstore import NO_STREAM, Append, AsyncEventStore, EventRegistry, EventStore, Receipt
from eventstore.config import load
from eventstore.connection.database import Connection, Database, Limits
from eventstore.errors import (
    ConcurrencyConflict,
    DuplicateEventId,
    EventStoreError,
    InvalidEvent,
    StoreUnavailable,
)
from tests.integration.log.club import MemberNamed, NameMember
from tests.integration.log.facts import FACTS, Said, open_store, said
from tests.integration.log.proxy import Proxy, proxied
from tests.integration.log.raw_append import append
from tests.integration.log.waiting import until

EVERYTHING = EventRegistry()
for each in (Said, MemberNamed):
    EVERYTHING.register(each)


@pytest.fixture
def proxy(database_url: str) -> Iterator[Proxy]:
    directory = Path(tempfile.mkdtemp(prefix="es-", dir="/tmp"))
    with proxied(directory, Path(str(conninfo_to_dict(database_url)["host"]))) as made:
        yield made
    shutil.rmtree(directory)


@pytest.fixture
def far(proxy: Proxy, database_url: str) -> Iterator[EventStore]:
    """A store whose connections go through the proxy."""
    with open_store(make_conninfo(database_url, host=str(proxy.directory))) as opened:
        opened.append("warm-1", [Said()])
        yield opened


@pytest.mark.parametrize("way", ["request", "answer"])
def test_an_append_cut_on_its_way(
    far: EventStore, proxy: Proxy, store: EventStore, way: str
) -> None:
    """Cut before the server heard of it, and cut after it committed: both end in one receipt."""
    for before in range(5):
        events = said(3)
        proxy.cut_at(way, appending if way == "request" else anything)
        receipt = far.append("s-1", events, expected_version=3 * before)
        assert receipt.stream_version == 3 * before + 3
        assert far.append("s-1", events, expected_version=NO_STREAM) == receipt
    assert proxy.cuts == 5
    assert [recorded.stream_version for recorded in store.read_stream("s-1")] == list(range(1, 16))


@pytest.mark.parametrize("way", ["request", "answer"])
@pytest.mark.parametrize("kind", ["alone", "batch", "command", "tasks"])
def test_however_it_was_appended_the_first_receipt_comes_back(
    far: EventStore, proxy: Proxy, store: EventStore, way: str, kind: str
) -> None:
    """Cut before the server heard of it, and after it committed: the store finds out by itself."""
    facts = said(4)
    far.registry = store.registry = EVERYTHING

    def append() -> list[Receipt]:
        if kind == "alone":
            return [far.append("s-1", facts[:1])]
        if kind == "command":
            return [far.execute(command)]
        requests = [far.prepare([Append(f"s-{n % 2}", [fact])]) for n, fact in enumerate(facts)]
        if kind == "batch":
            return [future.result()[0] for future in far.writer.submit_many(requests)]

        async def tasks() -> list[Receipt]:
            awaited = AsyncEventStore(far)
            return await asyncio.gather(
                *(awaited.append(f"s-{n % 2}", [fact]) for n, fact in enumerate(facts))
            )

        return asyncio.run(tasks())

    command = NameMember(member="1", name="Ada")
    far.append("warm-2", [Said()])
    proxy.cut_at(way, appending if way == "request" else anything)
    receipts = append()
    assert proxy.cuts == 1
    assert append() == receipts
    for receipt in receipts:
        assert store.receipt_of(receipt.event_ids) == receipt
    positions = [position for receipt in receipts for position in receipt.positions]
    assert [recorded.position for recorded in store.read_all(after=2)] == sorted(positions)


def appending(data: bytes) -> bool:
    return b"log.said" in data or b"club.member_named" in data


def anything(data: bytes) -> bool:
    return True


def test_a_first_append_cut_while_it_connects(proxy: Proxy, database_url: str) -> None:
    with open_store(make_conninfo(database_url, host=str(proxy.directory))) as store:
        proxy.cut_at("answer")
        assert store.append("s-1", [Said()]).stream_version == 1
    assert proxy.cuts == 1


def test_a_read_that_is_cut_is_read_again(far: EventStore, proxy: Proxy) -> None:
    far.append("s-1", said(5))
    for _ in range(3):
        proxy.cut_at("answer")
        assert [one.stream_version for one in far.read_stream("s-1")] == [1, 2, 3, 4, 5]
    subscription = far.subscribe()
    assert next(subscription).stream_id == "warm-1"
    for number in range(1, 6):
        assert next(subscription).payload["number"] == number
        proxy.cut_all()


def test_everything_is_cut_again_and_again(
    far: EventStore, proxy: Proxy, store: EventStore
) -> None:
    over, choose = Signal(), random.Random(7)

    def cut() -> None:
        while not over.wait(choose.random() * 0.15):
            proxy.cut_all()

    def work(number: int) -> None:
        while proxy.cuts < 10 or lengths[number] < 40:
            events = said(2)
            receipt = far.append(f"s-{number}", events, expected_version=lengths[number])
            lengths[number] = receipt.stream_version
            assert far.append(f"s-{number}", events) == receipt

    lengths = [0] * 4
    with ThreadPoolExecutor(5) as pool:
        cutting = pool.submit(cut)
        try:
            for _ in pool.map(work, range(4)):
                pass
        finally:
            over.set()
        cutting.result()
    for number, length in enumerate(lengths):
        versions = [recorded.stream_version for recorded in store.read_stream(f"s-{number}")]
        assert versions == list(range(1, length + 1))


def test_sessions_that_are_ended_at_random(store: EventStore, admin: Connection) -> None:
    over, choose, ended = Signal(), random.Random(7), 0

    def end() -> None:
        nonlocal ended
        while not over.wait(choose.random() * 0.06):
            row = admin.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE application_name ~ '^eventstore' AND datname = current_database()"
            ).fetchone()
            ended += row[0] if row else 0

    def work(number: int) -> None:
        while ended < 8 or lengths[number] < 60:
            receipt = store.append(f"s-{number}", said(2), expected_version=lengths[number])
            lengths[number] = receipt.stream_version

    lengths = [0] * 4
    with ThreadPoolExecutor(5) as pool:
        ending = pool.submit(end)
        try:
            for _ in pool.map(work, range(4)):
                pass
        finally:
            over.set()
        ending.result()
    for number, length in enumerate(lengths):
        versions = [recorded.stream_version for recorded in store.read_stream(f"s-{number}")]
        assert versions == list(range(1, length + 1))


def test_an_append_that_outlives_its_connection(
    far: EventStore, proxy: Proxy, appender: Connection, admin: Connection
) -> None:
    """The server still works on it when the store asks again: one of the two records it."""
    one = [Said()]
    with ThreadPoolExecutor(1) as pool:
        with appender.transaction():
            append(appender, "held-1")
            first = pool.submit(far.append, "held-1", one)
            until(lambda: blocked(admin) == 1)
            proxy.cut_all()
            until(lambda: blocked(admin) == 2)
        assert first.result(20).stream_version == 2
    assert far.append("held-1", one).stream_version == 2
    assert far.stream_version("held-1") == 2


def blocked(admin: Connection) -> int:
    row = admin.execute(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchone()
    assert row is not None
    return int(row[0])


def test_after_each_error_the_store_goes_on(
    far: EventStore, proxy: Proxy, appender: Connection
) -> None:
    known = Said()
    count = far.append("s-1", [known]).stream_version
    far.database.limits = Limits(lock=0.1, reconnect=0)

    def conflict() -> None:
        far.append("s-1", [Said()], expected_version=NO_STREAM)

    def duplicate() -> None:
        far.append("s-2", [known])

    def invalid() -> None:
        far.append("s-1", [])

    def held() -> None:
        proxy.cut_all()  # a new connection, with the new limits
        with appender.transaction():
            append(appender, "held-1")
            far.append("held-1", [Said()])

    def gone() -> None:
        whole, far.database.url = far.database.url, "postgresql:///x?host=/nowhere"
        proxy.cut_all()
        try:
            far.append("s-1", [Said()])
        finally:
            far.database.url = whole

    for error, attempt in (
        (ConcurrencyConflict, conflict),
        (DuplicateEventId, duplicate),
        (InvalidEvent, invalid),
        (StoreUnavailable, held),
        (StoreUnavailable, gone),
    ):
        with pytest.raises(EventStoreError) as caught:
            attempt()
        assert type(caught.value) is error
        count += 1
        assert far.append("s-1", [Said()]).stream_version == count


def test_a_server_that_can_not_be_reached(tmp_path: Path) -> None:
    database = Database(
        f"postgresql://x@/x?host={tmp_path}", "default", Limits(connect=0.5, reconnect=0.2)
    )
    with EventStore(database, FACTS, load()) as store:
        one = Said()
        with pytest.raises(StoreUnavailable, match="the outcome is unknown") as caught:
            store.append("s-1", [one])
        assert caught.value.event_ids == (one.event_id,)
        assert isinstance(caught.value.__cause__, psycopg.OperationalError)
        with pytest.raises(StoreUnavailable) as caught:
            store.watermark()
        assert caught.value.event_ids == ()
