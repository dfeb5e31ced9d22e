"""Batches of one writer: 10, 100 and 1,000 events in one append."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from time import perf_counter

import psycopg

from benchmarks.events import PAYLOAD, step
from benchmarks.measure import Outcome, Plan, take_turns
from benchmarks.sandbox import SQL, Sandbox
from eventstore import EventStore

__all__ = ["batch"]


def batch(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """An outcome for each size; each batch begins a stream."""
    database = sandbox.database()
    with (
        EventStore.open(database.url) as store,
        closing(psycopg.connect(database.admin_url, autocommit=True)) as bare,
    ):
        bare.prepare_threshold = 1
        batches = 0

        def append(size: int) -> None:
            nonlocal batches
            batches += 1
            store.append(f"batch-{batches}", [step() for _ in range(size)], agent="writer")

        def insert(payloads: str) -> None:
            bare.execute(SQL["insert_many"], {"payloads": payloads})

        for size in (10, 100, 1000):
            payloads = "[" + ",".join([PAYLOAD] * size) + "]"
            sides = {"insert": partial(insert, payloads), "append": partial(append, size)}
            for side in sides.values():
                side()
            floor, ours = take_turns(
                plan.rounds,
                {
                    label: partial(_rate, side, size, plan.seconds / 2)
                    for label, side in sides.items()
                },
                tell,
            )
            yield Outcome(
                name=f"batch-{size}",
                title=f"batches of {size:,}",
                unit="events/s",
                ours=(ours,),
                beside=(floor,),
            )


def _rate(call: Callable[[], None], size: int, seconds: float) -> float:
    """Events a second of calls with `size` events each."""
    calls, began = 0, perf_counter()
    while (passed := perf_counter() - began) < seconds:
        call()
        calls += 1
    return calls * size / passed
