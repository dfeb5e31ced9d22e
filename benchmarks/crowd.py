"""Many callers in one process, tasks or threads, that append one event a call for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from threading import Barrier, Thread
from time import perf_counter, process_time

from benchmarks.events import step, stream_ids
from eventstore import AsyncEventStore, EventStore

__all__ = ["Crowding", "crowd_of_tasks", "crowd_of_threads"]


@dataclass(frozen=True, slots=True)
class Crowding:
    """What a crowd has done in one turn."""

    events: int
    seconds: float
    client_seconds: float
    """Of processor time in this process."""
    waits: list[float]
    """Seconds of each append, shortest first."""

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds

    @property
    def p99_ms(self) -> float:
        """So long do 99 of 100 appends take at most."""
        return self.waits[int(len(self.waits) * 0.99)] * 1000


def crowd_of_tasks(store: EventStore, size: int, seconds: float, name: str) -> Crowding:
    """Appends from so many tasks of one event loop."""

    async def crowd() -> Crowding:
        awaited = AsyncEventStore(store)
        began, worked = perf_counter(), process_time()
        until = began + seconds

        async def append(which: int) -> list[float]:
            streams, waits = stream_ids(f"{name}t{which}"), []
            now = perf_counter()
            while now < until:
                await awaited.append(next(streams), [step()], agent="writer")
                waits.append(-now + (now := perf_counter()))
            return waits

        waits = await asyncio.gather(*map(append, range(size)))
        return _crowding(waits, began, worked)

    return asyncio.run(crowd())


def crowd_of_threads(store: EventStore, size: int, seconds: float, name: str) -> Crowding:
    """Appends from so many threads."""
    start, waits = Barrier(size + 1), [list[float]() for _ in range(size)]

    def append(which: int) -> None:
        streams, mine = stream_ids(f"{name}h{which}"), waits[which]
        start.wait()
        now = perf_counter()
        until = now + seconds
        while now < until:
            store.append(next(streams), [step()], agent="writer")
            mine.append(-now + (now := perf_counter()))

    return _run([partial(append, which) for which in range(size)], start, waits)


def _run(work: list[Callable[[], None]], start: Barrier, waits: list[list[float]]) -> Crowding:
    threads = [Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    start.wait()
    began, worked = perf_counter(), process_time()
    for thread in threads:
        thread.join()
    return _crowding(waits, began, worked)


def _crowding(waits: list[list[float]], began: float, worked: float) -> Crowding:
    every = sorted(wait for each in waits for wait in each)
    return Crowding(len(every), perf_counter() - began, process_time() - worked, every)
