"""One event a call from 8, 64 and 512 callers of one process: group commit, an outcome for each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Final

from benchmarks.callers import Called, as_tasks, as_threads
from benchmarks.events import step, stream_ids
from benchmarks.measure import Aim, Outcome, Plan, Series, take_turns
from benchmarks.pgbench import insert_rate
from benchmarks.sandbox import Database, Sandbox
from eventstore import AsyncEventStore, EventStore

__all__ = ["concurrent"]

_AIMS = {8: 1.0, 64: 1.5, 512: 2.0}
"""By the number of callers, of what eight clients of pgbench insert."""
_P99 = {64: 25.0}
"""Milliseconds, by the number of callers."""
_turns: Final = count(1)


def concurrent(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """An outcome for each number of callers, and one of how long a call takes."""
    waits: dict[str, list[float]] = {}

    def noted(label: str, side: Callable[[], Called]) -> float:
        called = side()
        waits.setdefault(label, []).append(called.p99)
        return called.rate

    seconds = plan.seconds / 2
    for callers, ratio in _AIMS.items():
        database = sandbox.database()
        sides = {
            "tasks": partial(_tasks, database, callers, seconds),
            "threads": partial(_threads, database, callers, seconds),
        }
        floor, *ours = take_turns(
            plan.rounds,
            {"pgbench, 8 clients": partial(insert_rate, sandbox, database, 8, seconds)}
            | {kind: partial(noted, f"{callers} {kind}", side) for kind, side in sides.items()},
            tell,
        )
        yield Outcome(
            name=f"concurrent-{callers}",
            title=f"one append a call, {callers} callers in one process",
            unit="events/s",
            ours=tuple(ours),
            beside=(floor,),
            aims=tuple(Aim(kind, "ratio at least", ratio) for kind in sides),
        )
    yield Outcome(
        name="concurrent-p99",
        title="99 of 100 of these appends take at most",
        unit="ms",
        ours=tuple(Series(label, tuple(values)) for label, values in waits.items()),
        aims=tuple(
            Aim(f"{callers} {kind}", "at most", limit)
            for callers, limit in _P99.items()
            for kind in ("tasks", "threads")
        ),
    )


def _tasks(database: Database, callers: int, seconds: float) -> Called:
    async def run() -> Called:
        streams = _streams(callers)
        async with await AsyncEventStore.open(database.url) as store:
            return await as_tasks(
                lambda number: store.append(next(streams[number]), [step()], agent="writer"),
                callers,
                seconds,
            )

    return asyncio.run(run())


def _threads(database: Database, callers: int, seconds: float) -> Called:
    streams = _streams(callers)
    with EventStore.open(database.url) as store:
        return as_threads(
            lambda number: store.append(next(streams[number]), [step()], agent="writer"),
            callers,
            seconds,
        )


def _streams(callers: int) -> list[Iterator[str]]:
    """Streams of each caller, which no turn had before."""
    turn = next(_turns)
    return [stream_ids(f"{turn}c{number}") for number in range(callers)]
