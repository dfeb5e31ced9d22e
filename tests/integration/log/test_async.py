"""The asynchronous flavour: the same store, and nothing that a task does disturbs another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

import pytest

from eventstore import NO_STREAM, Append, AsyncEventStore, EventStore
from eventstore.async_store import AsyncSubscription
from eventstore.connection.database import Connection
from eventstore.errors import ConcurrencyConflict, DuplicateEventId, InvalidEvent, StoreUnavailable
from eventstore.streams import AsyncStreams, Streams
from eventstore.subscriptions.async_directory import AsyncSubscriptions
from eventstore.subscriptions.directory import Subscriptions
from tests.integration.log.facts import FACTS, Said, said
from tests.integration.log.raw_append import append

Test = Callable[[AsyncEventStore], Coroutine[Any, Any, None]]


@pytest.fixture
def run(database_url: str) -> Callable[[Test], None]:
    """Runs a coroutine with a store of its own."""

    async def opened(test: Test) -> None:
        async with await AsyncEventStore.open(database_url, registry=FACTS) as store:
            await asyncio.wait_for(test(store), 30)

    return lambda test: asyncio.run(opened(test))


def test_the_same_names_awaited(run: Callable[[Test], None], store: EventStore) -> None:
    run_id, first, second = uuid4(), said(3), said(2)

    async def test(awaited: AsyncEventStore) -> None:
        receipt = await awaited.append("a-1", first, expected_version=NO_STREAM, agent="x",
                                       correlation_id=run_id)  # fmt: skip
        assert receipt.stream_version == 3
        assert await awaited.append("a-1", first) == receipt
        receipts = await awaited.append_many(
            [Append("a-1", [second[0]]), Append("b-1", [second[1]])]
        )
        assert [one.stream_version for one in receipts] == [4, 1]
        assert awaited.tenant == "default"
        assert await awaited.stream_version("a-1") == 4
        assert await awaited.watermark() == 5
        assert await awaited.read_stream("a-1") == list(store.read_stream("a-1"))
        backwards = awaited.read_stream("a-1", backwards=True, limit=2)
        assert [recorded.stream_version async for recorded in backwards] == [4, 3]
        assert await awaited.read_all(after=2) == list(store.read_all(after=2))
        assert await awaited.read_correlation(run_id) == list(store.read_correlation(run_id))
        assert await awaited.read_event(first[0].event_id) == store.read_event(first[0].event_id)
        assert await awaited.read_event(uuid4()) is None

    run(test)


@pytest.mark.parametrize(
    ("plain", "awaited", "own"),
    [
        # What makes a request is the store's own affair; where reads go is said of a reader.
        (EventStore, AsyncEventStore, {"elsewhere", "prepare", "record"}),
        (Streams, AsyncStreams, set()),
        (Subscriptions, AsyncSubscriptions, set()),
    ],
)
def test_no_name_is_missing(plain: type, awaited: type, own: set[str]) -> None:
    names = {name for name in dir(plain) if not name.startswith("_")}
    assert names - set(dir(awaited)) == own


def test_an_import_is_awaited(run: Callable[[Test], None]) -> None:
    async def test(store: AsyncEventStore) -> None:
        appends = [Append(f"i-{number}", said(2)) for number in range(3)]
        assert (await store.import_events(iter(appends))).new == 6
        assert (await store.import_events(iter(appends))).repeated == 6

    run(test)


def test_errors_are_the_same_and_the_store_goes_on(run: Callable[[Test], None]) -> None:
    async def test(store: AsyncEventStore) -> None:
        one = Said()
        await store.append("s-1", [one])
        with pytest.raises(ConcurrencyConflict) as caught:
            await store.append("s-1", [Said()], expected_version=NO_STREAM)
        assert (caught.value.expected, caught.value.actual) == (NO_STREAM, 1)
        with pytest.raises(DuplicateEventId):
            await store.append("s-2", [one])
        with pytest.raises(InvalidEvent):
            await store.append("s-1", [])
        with pytest.raises(InvalidEvent):
            await store.append_many(None)  # type: ignore[arg-type]
        assert (await store.append("s-1", [Said()])).stream_version == 2

    run(test)


def test_sixty_four_tasks_at_once(run: Callable[[Test], None], store: EventStore) -> None:
    async def one(awaited: AsyncEventStore, number: int) -> None:
        for n in range(5):
            receipt = await awaited.append(f"own-{number}", [Said()], expected_version=n)
            assert receipt.stream_version == n + 1
            await awaited.append("shared-1", [Said(number=number)])

    async def test(awaited: AsyncEventStore) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(64):
                group.create_task(one(awaited, number))

    run(test)
    shared = list(store.read_stream("shared-1"))
    assert [recorded.stream_version for recorded in shared] == list(range(1, 64 * 5 + 1))
    assert len(list(store.read_all())) == 64 * 5 * 2


def test_contexts_do_not_leak_between_tasks(run: Callable[[Test], None], store: EventStore) -> None:
    async def one(awaited: AsyncEventStore, number: int) -> None:
        with awaited.context(agent=f"agent-{number}", metadata={"n": number}):
            await asyncio.sleep(0)
            await awaited.append(f"s-{number}", [Said()])
            with awaited.context(target_agent="inner"):
                await awaited.append(f"s-{number}", [Said()])
            await awaited.append(f"s-{number}", [Said()], agent="other")

    async def test(awaited: AsyncEventStore) -> None:
        with awaited.context(agent="outer", target_agent="all"):
            tasks = [asyncio.create_task(one(awaited, number)) for number in range(16)]
            await awaited.append("outer-1", [Said()])
            await asyncio.gather(*tasks)
        await awaited.append("outer-1", [Said()])

    run(test)
    for number in range(16):
        said = [(one.agent, one.target_agent, one.metadata)
                for one in store.read_stream(f"s-{number}")]  # fmt: skip
        metadata = b'{"n":%d}' % number
        assert said == [
            (f"agent-{number}", "all", metadata),
            (f"agent-{number}", "inner", metadata),
            ("other", "all", metadata),
        ]
    outer = [(one.agent, one.target_agent) for one in store.read_stream("outer-1")]
    assert outer == [("outer", "all"), (None, None)]


def test_a_cancelled_append_disturbs_nobody(
    run: Callable[[Test], None],
    store: EventStore,
    appender: Connection,
    wait_for_blocked: Callable[[int], None],
) -> None:
    """One is cancelled while the database works on it, one while it queues, one not at all."""
    under_way, queued, kept = Said(text="under way"), Said(text="queued"), Said(text="kept")

    async def test(awaited: AsyncEventStore) -> None:
        with appender.transaction():
            append(appender, "held-1")
            first = asyncio.create_task(awaited.append("held-1", [under_way]))
            await asyncio.to_thread(wait_for_blocked, 1)
            second = asyncio.create_task(awaited.append("s-1", [queued]))
            third = asyncio.create_task(awaited.append("s-1", [kept]))
            await asyncio.sleep(0)
            first.cancel()
            second.cancel()
            for cancelled in (first, second):
                with pytest.raises(asyncio.CancelledError):
                    await cancelled
        assert (await third).stream_version == 1
        assert (await awaited.append("held-1", [under_way])).stream_version == 2

    run(test)
    assert [recorded.event for recorded in store.read_stream("s-1")] == [kept]
    assert [recorded.event for recorded in store.read_stream("held-1")][1:] == [under_way]


def test_a_subscription_follows_and_ends(run: Callable[[Test], None]) -> None:
    async def test(store: AsyncEventStore) -> None:
        await store.append("s-1", said(2))
        seen: list[int] = []
        caught_up = asyncio.Event()

        async def follow() -> None:
            async with store.subscribe() as subscription:
                async for recorded in subscription:
                    seen.append(recorded.payload["number"])
                    if len(seen) == 2:
                        caught_up.set()
                    if len(seen) == 4:
                        break
                assert subscription.checkpoint is not None
                assert subscription.checkpoint.position == 4

        following = asyncio.create_task(follow())
        await caught_up.wait()
        await store.append("s-1", [Said(number=3), Said(number=4), Said(number=5)])
        await following
        assert seen == [1, 2, 3, 4]

    run(test)


@pytest.mark.parametrize("waits", [True, False], ids=["while it waits", "while it reads"])
def test_close_ends_a_subscription(run: Callable[[Test], None], waits: bool) -> None:
    async def test(store: AsyncEventStore) -> None:
        for _ in range(20):
            subscription = store.subscribe(after=await store.watermark())
            following = asyncio.create_task(count(subscription))
            if waits:
                while subscription.checkpoint is None:  # noqa: ASYNC110  # it has no signal
                    await asyncio.sleep(0)
            else:
                await store.append("s-1", said(3))
            subscription.close()
            assert await following in range(4)

    run(test)


async def count(subscription: AsyncSubscription) -> int:
    return len([recorded async for recorded in subscription])


def test_a_timeout_on_the_next_event_loses_none(run: Callable[[Test], None]) -> None:
    async def test(store: AsyncEventStore) -> None:
        seen: list[int] = []
        subscription = store.subscribe()

        async def one_more() -> None:
            async for recorded in subscription:
                seen.append(recorded.payload["number"])
                return

        for number in range(1, 41):
            await store.append("s-1", [Said(number=number)])
            for timeout in (0.0005, 0.001, 0.002, 0.004):
                try:
                    await asyncio.wait_for(one_more(), timeout)
                except TimeoutError:
                    continue
        while len(seen) < 40:
            await one_more()
        assert seen == list(range(1, 41))
        subscription.close()

    run(test)


def test_close_finishes_what_was_submitted(database_url: str, store: EventStore) -> None:
    async def test() -> None:
        awaited = await AsyncEventStore.open(database_url, registry=FACTS)
        tasks = [asyncio.create_task(awaited.append("s-1", [Said()])) for _ in range(20)]
        await asyncio.sleep(0)
        await awaited.close()
        assert sorted([(await task).stream_version for task in tasks]) == list(range(1, 21))
        with pytest.raises(StoreUnavailable, match="closed"):
            await awaited.append("s-1", [Said()])

    asyncio.run(test())
    assert store.stream_version("s-1") == 20
