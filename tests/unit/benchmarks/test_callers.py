from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from benchmarks.callers import as_tasks, as_threads


def test_every_task_calls_with_its_number() -> None:
    calls: Counter[int] = Counter()

    async def call(number: int) -> None:
        calls[number] += 1
        await asyncio.sleep(0)

    called = asyncio.run(as_tasks(call, 5, 0.05))
    assert set(calls) == set(range(5))
    assert called.rate > 0
    assert 0 < called.p99 < 1000


def test_every_thread_calls_with_its_number() -> None:
    calls: Counter[int] = Counter()

    def call(number: int) -> None:
        calls[number] += 1

    called = as_threads(call, 3, 0.05)
    assert set(calls) == set(range(3))
    assert called.rate > 0


def test_a_call_that_fails_is_told() -> None:
    async def call(number: int) -> None:
        raise KeyError(number)

    with pytest.raises(KeyError):
        asyncio.run(as_tasks(call, 2, 0.05))
