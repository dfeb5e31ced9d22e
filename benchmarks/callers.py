"""Many callers in one process, tasks or threads, each of which calls again when it is answered.

Needs nothing but Python, so that other stores can be called in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from time import perf_counter
from typing import Final

__all__ = ["Called", "as_tasks", "as_threads"]

_WARM_UP: Final = 0.2
"""Seconds before the clock runs: connections, statements and threads are made in them."""
_PATIENCE: Final = 30.0
"""Seconds that threads wait for one that failed or is late."""


@dataclass(frozen=True, slots=True)
class Called:
    """What callers had in one turn."""

    rate: float
    """Calls a second, of all callers together."""
    p99: float
    """99 of 100 calls took at most so many milliseconds."""


async def as_tasks(
    call: Callable[[int], Awaitable[object]], callers: int, seconds: float
) -> Called:
    """That many tasks of the running loop, each with its number."""

    async def work(number: int, until: float, taken: list[float]) -> None:
        began = perf_counter()
        while began < until:
            await call(number)
            taken.append((now := perf_counter()) - began)
            began = now

    async def turn(seconds: float) -> Called:
        taken: list[float] = []
        began = perf_counter()
        await asyncio.gather(*(work(each, began + seconds, taken) for each in range(callers)))
        return _called(taken, perf_counter() - began)

    await turn(_WARM_UP)
    return await turn(seconds)


def as_threads(call: Callable[[int], object], callers: int, seconds: float) -> Called:
    """That many threads, each with its number."""
    began = 0.0

    def begin() -> None:
        nonlocal began
        began = perf_counter()

    ready = Barrier(callers, begin)

    def work(number: int) -> list[float]:
        taken: list[float] = []
        warm = perf_counter() + _WARM_UP
        while perf_counter() < warm:
            call(number)
        ready.wait(_PATIENCE)
        start = began
        until = start + seconds
        while start < until:
            call(number)
            taken.append((now := perf_counter()) - start)
            start = now
        return taken

    with ThreadPoolExecutor(callers) as pool:
        taken = [each for one in pool.map(work, range(callers)) for each in one]
        return _called(taken, perf_counter() - began)


def _called(taken: list[float], seconds: float) -> Called:
    ordered = sorted(taken)
    return Called(len(taken) / seconds, ordered[int(len(ordered) * 0.99)] * 1000)
