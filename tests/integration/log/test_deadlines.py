"""Back-pressure: a bounded queue, a deadline for every call, and a close that reports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from eventstore import Append, AsyncEventStore, EventStore
from eventstore.config import load
from eventstore.connection.database import Connection
from eventstore.errors import (
    EventStoreError,
    InvalidEvent,
    NotFlushed,
    Overloaded,
    StoreUnavailable,
)
from tests.integration.log.club import CLUBS, NameMember
from tests.integration.log.facts import FACTS, Said, open_store, said
from tests.integration.log.raw_append import append
from tests.integration.log.waiting import until


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as made:
        yield made


def in_doubt(append: Callable[[float], object]) -> StoreUnavailable:
    """What an append raises whose time is over while the database works on it.

    It gets more time when it was not even sent, because the machine has much to do.
    """
    for tenths in (1, 10, 100):
        try:
            append(tenths / 10)
        except Overloaded:
            continue
        except StoreUnavailable as error:
            return error
    raise AssertionError("it was never under way when its time was over")


def in_flight(store: EventStore) -> None:
    """Waits until the database works on an append, and nothing queues."""
    until(lambda: store.writer_stats.in_flight > 0 and store.writer_stats.pending == 0)


def test_what_is_not_sent_in_time_is_never_recorded(
    store: EventStore, appender: Connection, pool: ThreadPoolExecutor
) -> None:
    late = said(2)
    with appender.transaction():
        append(appender, "held-1")
        leader = pool.submit(store.append, "held-1", [Said()])
        in_flight(store)
        with pytest.raises(Overloaded, match="nothing was recorded") as caught:
            store.append("s-1", late, timeout=0.05)
        with pytest.raises(Overloaded):
            store.append_many([Append("s-1", late)], timeout=0.01)
    assert caught.value.waited >= 0.05
    assert (caught.value.pending, caught.value.pending_bytes) == (0, 0)
    assert caught.value.limit == store.settings.max_pending_appends
    assert leader.result().stream_version == 2
    assert store.append("s-2", [Said()]).stream_version == 1
    assert store.stream_version("s-1") == 0
    assert store.committed(late) == frozenset()
    assert store.writer_stats.overloaded == 2
    assert store.append("s-1", late).stream_version == 2


@pytest.mark.parametrize("timeout", [float("inf"), float("nan"), 86_401, "5"])
def test_what_is_no_time_is_refused(store: EventStore, timeout: Any) -> None:
    with pytest.raises(InvalidEvent, match="timeout"):
        store.append("s-1", [Said()], timeout=timeout)
    assert store.stream_version("s-1") == 0


def test_what_is_under_way_when_time_is_over_is_in_doubt(
    store: EventStore, appender: Connection, pool: ThreadPoolExecutor
) -> None:
    """Its neighbours in the batch don't suffer, and a repeat finds out what became of it."""
    doubtful = Said()
    with appender.transaction():
        append(appender, "held-1")
        error = in_doubt(lambda timeout: store.append("held-1", [doubtful], timeout=timeout))
        neighbour = pool.submit(store.append, "s-1", [Said()])
        until(lambda: store.writer_stats.pending == 1)
    assert "no answer within" in error.reason
    assert error.event_ids == (doubtful.event_id,)
    assert neighbour.result().stream_version == 1
    assert store.append("held-1", [doubtful]) == store.receipt_of([doubtful])
    assert store.stream_version("held-1") == 2


def test_a_command_has_a_deadline(database_url: str, appender: Connection) -> None:
    command = NameMember(member="1", name="Ada")
    with EventStore.open(database_url, registry=CLUBS) as store, appender.transaction():
        append(appender, "member-1")
        with pytest.raises(Overloaded):
            store.execute(command, timeout=0)
        error = in_doubt(lambda timeout: store.execute(command, timeout=timeout))
        assert error.event_ids == (command.event_id(0),)


def test_tasks_have_deadlines_too(
    database_url: str, appender: Connection, store: EventStore
) -> None:
    under_way, late, patient = Said(), Said(), Said()

    async def doubted(awaited: AsyncEventStore) -> StoreUnavailable:
        for tenths in (1, 10, 100):
            first = asyncio.create_task(awaited.append("held-1", [under_way], timeout=tenths / 10))
            try:
                await first
            except Overloaded:
                continue
            except StoreUnavailable as error:
                return error
        raise AssertionError("it was never under way when its time was over")

    async def test() -> None:
        async with await AsyncEventStore.open(database_url, registry=FACTS) as awaited:
            with appender.transaction():
                append(appender, "held-1")
                error = await doubted(awaited)
                assert error.event_ids == (under_way.event_id,)
                third = asyncio.create_task(awaited.append("s-1", [patient]))
                with pytest.raises(Overloaded):
                    await awaited.append("s-1", [late], timeout=0.01)
                assert not third.done()
            assert (await third).stream_version == 1
            assert (await awaited.append("held-1", [under_way])).stream_version == 2
            assert await awaited.receipt_of([late]) is None
            assert await awaited.committed([patient]) == {patient.event_id}

    asyncio.run(test())


def test_a_shorter_deadline_for_all_is_kept_by_a_caller_who_is_alone(
    database_url: str, appender: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENTSTORE_APPEND_TIMEOUT", "0.05")
    with EventStore.open(database_url, registry=FACTS) as store:
        assert store.append("s-1", [Said()], timeout=10).stream_version == 1
        with appender.transaction():
            append(appender, "held-1")
            with pytest.raises((StoreUnavailable, Overloaded)):
                store.append("held-1", [Said()])
        until(lambda: store.writer_stats.in_flight == 0)  # else closing has a report to make


def test_who_needs_no_outcome_waits_for_room(
    database_url: str,
    appender: Connection,
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EVENTSTORE_MAX_PENDING_APPENDS", "3")
    monkeypatch.setenv("EVENTSTORE_APPEND_TIMEOUT", "0.5")
    with EventStore.open(database_url, registry=FACTS) as store:
        requests = [store.prepare([Append("s-1", [Said()])]) for _ in range(4)]
        with appender.transaction():
            append(appender, "held-1")
            leader = pool.submit(store.append, "held-1", [Said()], timeout=20)
            in_flight(store)
            futures = store.writer.submit_many(requests[:3])
            with pytest.raises(Overloaded) as caught:
                store.writer.submit(requests[3])
            assert (caught.value.pending, caught.value.limit) == (3, 3)
        assert leader.result().stream_version == 2
        for future in futures:  # their time was over before their turn came
            with pytest.raises(Overloaded):
                future.result(10)
        assert store.append("s-1", [Said()], timeout=20).stream_version == 1


def test_close_reports_what_did_not_get_in(
    database_url: str, appender: Connection, store: EventStore, pool: ThreadPoolExecutor
) -> None:
    own = open_store(database_url).__enter__()
    under_way, queued = Said(), said(2)
    with appender.transaction():
        append(appender, "held-1")
        leader = pool.submit(own.append, "held-1", [under_way])
        in_flight(own)
        follower = pool.submit(own.append, "s-1", queued)
        until(lambda: own.writer_stats.pending == 1)
        closing = pool.submit(own.close, 0.2)
        until(lambda: own.writer._closed)
        with pytest.raises(StoreUnavailable, match="closed"):
            own.append("s-2", [Said()])
        with pytest.raises(NotFlushed) as caught:
            closing.result(10)
        assert caught.value.not_sent == tuple(event.event_id for event in queued)
        assert caught.value.in_doubt == (under_way.event_id,)
        with pytest.raises(StoreUnavailable, match="nothing of it was recorded"):
            follower.result(10)
    # It was under way, and the answer came after all.
    assert leader.result(10).stream_version == 2
    until(lambda: own.writer._over.is_set())
    assert store.committed([under_way, *queued]) == {under_way.event_id}
    assert store.append("s-1", queued).stream_version == 2


def test_close_reports_the_appends_of_tasks(database_url: str, appender: Connection) -> None:
    async def test() -> None:
        awaited = await AsyncEventStore.open(database_url, registry=FACTS)
        under_way, queued = Said(), Said()
        with appender.transaction():
            append(appender, "held-1")
            first = asyncio.create_task(awaited.append("held-1", [under_way]))
            await asyncio.to_thread(in_flight, awaited.store)
            second = asyncio.create_task(awaited.append("s-1", [queued]))
            await asyncio.sleep(0)
            with pytest.raises(NotFlushed) as caught:
                await awaited.close(0.05)
            assert caught.value.not_sent == (queued.event_id,)
            assert caught.value.in_doubt == (under_way.event_id,)
            with pytest.raises(StoreUnavailable, match="nothing of it was recorded"):
                await second
        assert (await first).stream_version == 2

    asyncio.run(test())


def test_the_writer_tells_its_numbers(
    store: EventStore, appender: Connection, pool: ThreadPoolExecutor
) -> None:
    store.append("s-1", [Said()])
    before = store.writer_stats
    assert (before.alone, before.pending, before.in_flight, before.batches) == (1, 0, 0, 0)
    with appender.transaction():
        append(appender, "held-1")
        leader = pool.submit(store.append, "held-1", [Said()])
        in_flight(store)
        others = [pool.submit(store.append, "s-1", said(2)) for _ in range(5)]
        until(lambda: store.writer_stats.pending == 5)
        waiting = store.writer_stats
    assert waiting.in_flight == 1
    assert waiting.pending_bytes == sum(
        store.prepare([Append("s-1", said(2))]).size for _ in range(5)
    )
    for outcome in (leader, *others):
        outcome.result()
    until(lambda: store.writer_stats.in_flight == 0)
    after = store.writer_stats
    assert (after.alone, after.batches, after.batched, after.largest_batch) == (2, 1, 5, 5)
    assert after.waited >= after.longest_wait > 0
    assert after.pending == after.pending_bytes == 0


def test_limits_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load()
    assert settings.append_timeout == 60
    assert settings.max_pending_appends == 10_000
    monkeypatch.setenv("EVENTSTORE_MAX_PENDING_BYTES", "0")
    with pytest.raises(EventStoreError, match="EVENTSTORE_MAX_PENDING_BYTES"):
        load()
