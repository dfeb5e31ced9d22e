"""A subscription that catches up with the whole log, beside reading everything."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from time import perf_counter
from typing import Any, Final

from benchmarks.filling import fill_streams
from benchmarks.measure import Aim, Outcome, Plan, take_turns
from benchmarks.sandbox import Sandbox
from eventstore import EventStore

__all__ = ["catch_up"]

_STREAM: Final = 100


def catch_up(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """One outcome: both hand out recorded events, whose payloads nobody decodes."""
    with EventStore.open(sandbox.database().url) as store:
        tell(f"appending {plan.events:,} events")
        events = len(fill_streams(store, plan.events // _STREAM, _STREAM)) * _STREAM

        def subscribed() -> Iterator[Any]:
            with store.subscribe() as subscription:
                yield from islice(subscription, events)

        floor, ours = take_turns(
            plan.rounds,
            {
                "read everything": partial(_rate, store.read_all, events),
                "catch-up": partial(_rate, subscribed, events),
            },
            tell,
        )
    yield Outcome(
        name="catch-up",
        title=f"a subscription catches up, {events:,} events",
        unit="events/s",
        ours=(ours,),
        beside=(floor,),
        aims=(Aim("catch-up", "ratio at least", 0.9),),
    )


def _rate(read: Callable[[], Iterable[Any]], events: int) -> float:
    began = perf_counter()
    last = deque(enumerate(read(), start=1), maxlen=1)
    assert last[0][0] == events, "a read that is incomplete has no rate"
    return events / (perf_counter() - began)
