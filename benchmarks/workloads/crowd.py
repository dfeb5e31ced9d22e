"""One event a call, from 8, 64 and 512 callers at once in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

from benchmarks.crowd import Crowding, crowd_of_tasks, crowd_of_threads
from benchmarks.measure import Aim, Outcome, Plan, Series, take_turns
from benchmarks.pgbench import insert_rate
from benchmarks.sandbox import Sandbox
from eventstore import EventStore

__all__ = ["crowd"]

_FLOOR_CLIENTS = 8
_CROWDS = {"tasks": crowd_of_tasks, "threads": crowd_of_threads}


def crowd(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """For each number of callers the rate, and how long the slowest of a hundred appends takes."""
    database, turns = sandbox.database(), count()
    with EventStore.open(database.url) as store:
        for size, ratio in ((8, 1.0), (64, 1.5), (512, 2.0)):
            waits: dict[str, list[float]] = {kind: [] for kind in _CROWDS}

            def turn(kind: str, size: int = size, waits: dict[str, list[float]] = waits) -> float:
                made: Crowding = _CROWDS[kind](store, size, plan.seconds, f"{next(turns)}c")
                waits[kind].append(made.p99_ms)
                return made.rate

            floor, tasks, threads = take_turns(
                plan.rounds,
                {
                    "pgbench": partial(
                        insert_rate, sandbox, database, _FLOOR_CLIENTS, plan.seconds
                    ),
                    "tasks": partial(turn, "tasks"),
                    "threads": partial(turn, "threads"),
                },
                tell,
            )
            yield Outcome(
                name=f"crowd-{size}",
                title=f"one append a call, {size} tasks or threads of one process",
                unit="events/s",
                ours=(tasks, threads),
                beside=(floor,),
                aims=(Aim("tasks", "ratio at least", ratio),),
            )
            yield Outcome(
                name=f"crowd-{size}-wait",
                title=f"an append of {size} callers, 99th percentile",
                unit="ms",
                ours=tuple(Series(kind, tuple(values)) for kind, values in waits.items()),
                aims=(Aim("tasks", "at most", 25.0),) if size == 64 else (),
            )
