"""Tasks append from inside their event loop, and neither a busy nor a dead loop holds up others."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread

import pytest

from eventstore import NO_STREAM, AsyncEventStore, EventStore
from eventstore.connection.database import Connection
from eventstore.errors import ConcurrencyConflict, StoreUnavailable
from tests.integration.log.facts import FACTS, Said, said
from tests.integration.log.raw_append import append
from tests.integration.log.waiting import until


async def opened(url: str) -> AsyncEventStore:
    """A store that has appended once, alone and beside others, so that its loop can lead."""
    store = await AsyncEventStore.open(url, registry=FACTS)
    await store.append("first-1", [Said()])
    await asyncio.gather(*(store.append(f"first-{n}", [Said()]) for n in range(2, 6)))
    return store


async def sent() -> None:
    """Lets tasks that were just made queue, and the loop send in its next turn."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def leads(store: AsyncEventStore) -> bool:
    """Whether the loop leads, and waits for an answer."""
    return bool(store.store.writer._loop and store.store.writer._sent)


def numbers(store: EventStore, stream_id: str) -> list[int]:
    return [recorded.stream_version for recorded in store.read_stream(stream_id)]


def test_a_loop_leads_without_a_thread(database_url: str) -> None:
    async def test() -> None:
        async with await opened(database_url) as store:
            writer = store.store.writer
            woken: list[str] = []
            writer._rouse = lambda: woken.append("thread")  # type: ignore[method-assign]
            for n in range(3):
                receipt = await store.append("alone-1", [Said()], expected_version=n)
                assert receipt.stream_version == n + 1
            await asyncio.gather(*(store.append(f"many-{n}", said(2)) for n in range(50)))
            assert not woken
            assert not writer._led
            assert writer._loop is None
            del writer._rouse

    asyncio.run(test())


def test_each_task_has_its_own_outcome(database_url: str, store: EventStore) -> None:
    async def test() -> None:
        async with await opened(database_url) as awaited:
            outcomes = await asyncio.gather(
                *(awaited.append("only-1", [Said()], expected_version=NO_STREAM) for _ in "abc"),
                awaited.append("other-1", [Said()]),
                return_exceptions=True,
            )
            assert [type(each).__name__ for each in outcomes] == [
                "Receipt", "ConcurrencyConflict", "ConcurrencyConflict", "Receipt",
            ]  # fmt: skip
            with pytest.raises(ConcurrencyConflict):
                await awaited.append("only-1", [Said()], expected_version=NO_STREAM)
            assert (await awaited.append("only-1", [Said()])).stream_version == 2

    asyncio.run(test())
    assert numbers(store, "only-1") == [1, 2]


def test_a_thread_need_not_wait_for_a_busy_loop(database_url: str, appender: Connection) -> None:
    """What the loop has sent is answered by the thread, which sends what queues behind it."""

    async def test() -> None:
        async with await opened(database_url) as store:
            with appender.transaction():
                append(appender, "held-1")
                task = asyncio.create_task(store.append("held-1", [Said()]))
                await sent()
                assert leads(store)
                behind = asyncio.create_task(store.append("behind-1", [Said()]))
                await asyncio.sleep(0)
                thread = Thread(target=store.store.append, args=("t-1", [Said()]))
                thread.start()
            # From here on the loop does nothing until the thread is done.
            thread.join(20)
            assert not thread.is_alive()
            assert (await task).stream_version == 2
            assert (await behind).stream_version == 1

    asyncio.run(test())


def test_a_blocking_call_inside_the_loop(database_url: str, appender: Connection) -> None:
    async def test() -> None:
        async with await opened(database_url) as store:
            tasks = [asyncio.create_task(store.append("s-1", [Said()])) for _ in range(8)]
            await sent()
            store.store.append("s-1", [Said()])  # blocks the loop that leads
            last = max([receipt.stream_version for receipt in await asyncio.gather(*tasks)])
            assert await store.stream_version("s-1") == 9
            assert last in (8, 9)

    asyncio.run(test())


def test_closing_inside_the_loop_flushes(database_url: str, store: EventStore) -> None:
    async def test() -> None:
        own = await opened(database_url)
        tasks = [asyncio.create_task(own.append(f"c-{n}", [Said()])) for n in range(40)]
        await sent()
        own.store.close()
        assert len(await asyncio.gather(*tasks)) == 40
        with pytest.raises(StoreUnavailable):
            await own.append("c-1", [Said()])

    asyncio.run(test())
    assert sum(len(numbers(store, f"c-{n}")) for n in range(40)) == 40


def test_a_loop_that_ends_in_the_middle(database_url: str, appender: Connection) -> None:
    """What it had sent is recorded once, and the next loop and threads go on."""
    left: list[AsyncEventStore] = []

    async def begin() -> None:
        store = await opened(database_url)
        left.append(store)
        for n in range(6):
            asyncio.get_running_loop().create_task(store.append(f"left-{n}", [Said()]))
        await sent()
        assert leads(store)

    async def go_on() -> None:
        receipts = await asyncio.gather(*(left[0].append("next-1", [Said()]) for _ in range(5)))
        assert sorted(one.stream_version for one in receipts) == [1, 2, 3, 4, 5]

    with appender.transaction():
        append(appender, "left-0")
        asyncio.run(begin())
    asyncio.run(go_on())
    store = left[0].store
    assert store.append("next-1", [Said()]).stream_version == 6
    assert numbers(store, "left-0") == [1, 2]
    assert all(numbers(store, f"left-{n}") == [1] for n in range(1, 6))
    store.close()


def test_a_lost_connection(database_url: str, store: EventStore, admin: Connection) -> None:
    """The session is ended while it works, and again before the loop leads once more."""
    rounds = 5

    async def test() -> None:
        async with await opened(database_url) as awaited:
            for _ in range(rounds):
                works = [awaited.append(f"k-{n}", [Said()]) for n in range(10)]
                tasks = [asyncio.create_task(work) for work in works]
                await sent()
                admin.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'eventstore appender' "
                    "AND datname = current_database()"
                )
                await asyncio.gather(*tasks)

    asyncio.run(test())
    assert all(numbers(store, f"k-{n}") == list(range(1, rounds + 1)) for n in range(10))


def test_more_than_a_socket_takes(database_url: str, store: EventStore) -> None:
    async def test() -> None:
        async with await opened(database_url) as awaited:
            large = "x" * 700_000
            await asyncio.gather(
                *(awaited.append(f"l-{n}", [Said(text=large)]) for n in range(10)),
                *(awaited.append("small-1", [Said()]) for n in range(10)),
            )

    asyncio.run(test())
    assert numbers(store, "small-1") == list(range(1, 11))
    assert [len(numbers(store, f"l-{n}")) for n in range(10)] == [1] * 10


def test_several_loops_and_threads_at_once(store: EventStore) -> None:
    rounds, loops = 60, 3

    async def crowd(name: str) -> None:
        awaited = AsyncEventStore(store)

        async def work(number: int) -> None:
            for n in range(rounds):
                await awaited.append(f"{name}-{number}", [Said()], expected_version=n)

        await asyncio.gather(*map(work, range(5)))

    def work(number: int) -> None:
        for n in range(rounds):
            store.append(f"thread-{number}", [Said()], expected_version=n)

    with ThreadPoolExecutor(loops + 3) as pool:
        ended = [pool.submit(asyncio.run, crowd(f"loop{k}")) for k in range(loops)]
        for each in [*ended, *(pool.submit(work, number) for number in range(3))]:
            each.result(60)
    streams = [f"loop{k}-{n}" for k in range(loops) for n in range(5)]
    for stream_id in [*streams, *(f"thread-{n}" for n in range(3))]:
        assert numbers(store, stream_id) == list(range(1, rounds + 1)), stream_id
    until(lambda: not store.writer._led)


def test_a_loop_that_can_watch_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise NotImplementedError

    async def test() -> None:
        async with await opened(database_url) as store:
            monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", refuse)
            for n in range(3):
                receipts = await asyncio.gather(
                    *(store.append(f"w-{n}", [Said()]) for _ in range(5))
                )
                assert sorted(one.stream_version for one in receipts) == [1, 2, 3, 4, 5]

    asyncio.run(test())


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_no_descriptor_is_left(database_url: str) -> None:
    async def test() -> None:
        async with await opened(database_url) as store:
            before = descriptors()
            for _ in range(20):
                await asyncio.gather(*(store.append("d-1", [Said()]) for _ in range(4)))
                await asyncio.to_thread(store.store.append, "d-1", [Said()])
            await asyncio.to_thread(until, lambda: not store.store.writer._led)
            await asyncio.sleep(0)
            assert descriptors() <= before

    asyncio.run(test())
