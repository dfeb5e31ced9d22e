"""The same store for asyncio: the same names, awaited, over the same writer and reads."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

from eventstore import telemetry
from eventstore.append import Append, Receipt
from eventstore.command import Command, Decided, State
from eventstore.context import all_in_context, said_of
from eventstore.event import Event
from eventstore.reading import read
from eventstore.reading.arrivals import Appended
from eventstore.reading.subscription import Checkpoint, Subscription
from eventstore.recorded import RecordedEvent
from eventstore.registry import EventRegistry, default_registry
from eventstore.store import EventStore
from eventstore.streams import AsyncStreams
from eventstore.subscriptions.async_directory import AsyncSubscriptions
from eventstore.writing.batch_key import events_with_key
from eventstore.writing.desk import Desk
from eventstore.writing.importing import Imported
from eventstore.writing.writer_stats import WriterStats

__all__ = ["AsyncEventStore", "AsyncEvents", "AsyncSubscription"]

S = TypeVar("S", bound=State)
T = TypeVar("T")


class AsyncEventStore:
    """EventStore for asyncio.

    Appends wait for the group-commit writer's future; reads run in threads, a page at a time.

        async with await AsyncEventStore.open() as store:
            await store.append("package-7f3a", [PackageRegistered(...)])
    """

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self._desk: Desk | None = None
        self.subscriptions = AsyncSubscriptions(store.subscriptions)
        self.streams = AsyncStreams(store.streams)

    @classmethod
    async def open(
        cls,
        url: str | None = None,
        *,
        tenant: str | None = None,
        registry: EventRegistry = default_registry,
    ) -> Self:
        """As EventStore.open."""
        opened = await asyncio.to_thread(EventStore.open, url, tenant=tenant, registry=registry)
        return cls(opened)

    @property
    def tenant(self) -> str:
        """The tenant whose log this is."""
        return self.store.tenant

    async def close(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - with a report
        """As EventStore.close."""
        await asyncio.to_thread(self.store.close, timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    def context(self, **says: Any) -> AbstractContextManager[None]:
        """As EventStore.context; a plain `with`, inherited by the tasks that start inside."""
        return self.store.context(**says)

    async def append(
        self,
        stream_id: str,
        events: Sequence[Event],
        *,
        batch_key: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - it says what became of the append
        **says: Any,
    ) -> Receipt:
        """As EventStore.append, with the same keywords."""
        if batch_key is not None:
            events = events_with_key(batch_key, events)
        return (await self._record([said_of(stream_id, events, **says)], timeout))[0]

    async def append_many(
        self,
        appends: Sequence[Append],
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - it says what became of the append
    ) -> list[Receipt]:
        """As EventStore.append_many."""
        return await self._record(appends, timeout)

    async def import_events(
        self,
        appends: Iterable[Append],
        *,
        progress: Callable[[Imported], object] | None = None,
    ) -> Imported:
        """As EventStore.import_events; in a thread, where the iterable and `progress` run too."""
        return await asyncio.to_thread(self.store.import_events, appends, progress=progress)

    async def execute(
        self,
        command: Command,
        *,
        timeout: float | None = None,  # noqa: ASYNC109 - it says what became of the append
        **says: Any,
    ) -> Receipt:
        """As EventStore.execute, with the same keywords; in a thread, because it reads first."""
        return await asyncio.to_thread(self.store.execute, command, timeout=timeout, **says)

    async def transact(
        self, stream_id: str, state: S, decide: Callable[[S], Decided], **says: Any
    ) -> Receipt | None:
        """As EventStore.transact, with the same keywords; in a thread, because it reads first."""
        return await asyncio.to_thread(
            lambda: self.store.transact(stream_id, state, decide, **says)
        )

    async def _record(
        self,
        appends: Sequence[Append],
        timeout: float | None,  # noqa: ASYNC109 - it says what became of the append
    ) -> list[Receipt]:
        """As EventStore.record."""
        with telemetry.operation("append") as noted:
            request = self.store.prepare(all_in_context(appends))
            noted.tell(request)
            return await self._at_desk().append(request, timeout)

    async def wait_for(
        self,
        appended: Appended,
        projection: str,
        *,
        timeout: float = 5.0,  # noqa: ASYNC109 - the same deadline as for threads
    ) -> int:
        """As EventStore.wait_for."""
        return await _awaited(self.store.arrivals.submit(appended, projection, timeout))

    def read_stream(self, stream_id: str, *args: Any, **keywords: Any) -> AsyncEvents:
        """As EventStore.read_stream: iterate with `async for`, or await the list."""
        return AsyncEvents(lambda: self.store.read_stream(stream_id, *args, **keywords))

    def read_all(self, *args: Any, **keywords: Any) -> AsyncEvents:
        """As EventStore.read_all: iterate with `async for`, or await the list."""
        return AsyncEvents(lambda: self.store.read_all(*args, **keywords))

    def read_correlation(self, correlation_id: UUID, **keywords: Any) -> AsyncEvents:
        """As EventStore.read_correlation: iterate with `async for`, or await the list."""
        return AsyncEvents(lambda: self.store.read_correlation(correlation_id, **keywords))

    async def read_event(self, event_id: UUID) -> RecordedEvent | None:
        """As EventStore.read_event."""
        return await asyncio.to_thread(self.store.read_event, event_id)

    async def committed(self, events: Sequence[Event | UUID]) -> frozenset[UUID]:
        """As EventStore.committed."""
        return await asyncio.to_thread(self.store.committed, events)

    async def receipt_of(self, events: Sequence[Event | UUID]) -> Receipt | None:
        """As EventStore.receipt_of."""
        return await asyncio.to_thread(self.store.receipt_of, events)

    @property
    def writer_stats(self) -> WriterStats:
        """As EventStore.writer_stats."""
        return self.store.writer_stats

    async def stream_version(self, stream_id: str) -> int:
        """As EventStore.stream_version."""
        return await asyncio.to_thread(self.store.stream_version, stream_id)

    async def watermark(self) -> int:
        """As EventStore.watermark."""
        return await asyncio.to_thread(self.store.watermark)

    async def read_age(self) -> float:
        """As LogReader.read_age."""
        return await asyncio.to_thread(self.store.read_age)

    async def wait_for_position(
        self,
        position: int,
        *,
        timeout: float = 5.0,  # noqa: ASYNC109 - the same deadline as for threads
    ) -> int:
        """As LogReader.wait_for_position."""
        return await asyncio.to_thread(self.store.wait_for_position, position, timeout=timeout)

    def _at_desk(self) -> Desk:
        """Of the running loop; a store may see several, one after the other."""
        loop, desk = asyncio.get_running_loop(), self._desk
        if desk is None or desk.loop is not loop:
            desk = self._desk = Desk(self.store.writer, loop)
        return desk

    def subscribe(self, after: int | Checkpoint = 0, **keywords: Any) -> AsyncSubscription:
        """As EventStore.subscribe, for `async for`."""
        return AsyncSubscription(lambda: self.store.subscribe(after, **keywords))


class AsyncEvents:
    """Recorded events, read a page at a time: `async for` each, or `await` them all as a list."""

    def __init__(self, start: Callable[[], Iterator[RecordedEvent]]) -> None:
        self._start = start

    def __await__(self) -> Generator[Any, None, list[RecordedEvent]]:
        return asyncio.to_thread(lambda: list(self._start())).__await__()

    async def __aiter__(self) -> AsyncIterator[RecordedEvent]:
        events = await asyncio.to_thread(self._start)
        while page := await asyncio.to_thread(_take, events, read.PAGE):
            for recorded in page:
                yield recorded


class AsyncSubscription:
    """A Subscription for `async for`. `close` ends it, and so does leaving its `async with`."""

    def __init__(self, start: Callable[[], Subscription]) -> None:
        self._start = start
        self._subscription: Subscription | None = None
        self._closed = False

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Of the last event that was handed out."""
        return self._subscription.checkpoint if self._subscription else None

    def close(self) -> None:
        """Ends the iteration."""
        self._closed = True
        if self._subscription:
            self._subscription.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def __aiter__(self) -> AsyncIterator[RecordedEvent]:
        if self._subscription is None:
            self._subscription = await asyncio.to_thread(self._start)
        subscription = self._subscription
        while not self._closed:
            if not subscription.buffered:
                await asyncio.to_thread(subscription.fill)
                if not subscription.buffered:
                    await asyncio.sleep(subscription.pause())
                    continue
            recorded = next(subscription, None)
            if recorded is not None:  # it was not closed meanwhile
                yield recorded


def _take(events: Iterator[RecordedEvent], count: int) -> list[RecordedEvent]:
    return list(islice(events, count))


async def _awaited(future: Future[T]) -> T:
    return await asyncio.wrap_future(future)
