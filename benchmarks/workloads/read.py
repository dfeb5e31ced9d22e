"""Reads: a stream of 100 events, and everything; typed and raw, beside the driver alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import cycle
from time import perf_counter
from typing import Any, Final

from benchmarks.filling import fill_streams
from benchmarks.measure import Aim, Outcome, Plan, take_turns
from benchmarks.sandbox import SQL, Sandbox
from eventstore import EventStore, RecordedEvent
from eventstore.connection.database import Connection, connect

__all__ = ["read"]

_STREAM: Final = 100
"""Events of a stream."""
_PAGE: Final = 1_000
"""Rows that the cursor fetches at once: as many as the store reads in one page."""


def read(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """One outcome for streams, one for everything."""
    database = sandbox.database()
    with (
        EventStore.open(database.url) as store,
        closing(connect(database.url, role="auditor", tenant="default")) as bare,
    ):
        tell(f"appending {plan.events:,} events")
        streams = fill_streams(store, plan.events // _STREAM, _STREAM)
        yield _streams(store, bare, streams, plan, tell)
        yield _everything(store, bare, plan, tell)


def _streams(
    store: EventStore,
    bare: Connection,
    streams: list[str],
    plan: Plan,
    tell: Callable[[str], None],
) -> Outcome:
    following = cycle(streams)
    bare.execute(SQL["keep_plans"])

    def query() -> Iterable[Any]:
        arguments = {"tenant": "default", "stream_id": next(following)}
        return bare.execute(SQL["read_stream"], arguments, binary=True).fetchall()

    def raw() -> Iterable[Any]:
        return store.read_stream(next(following))

    def typed() -> Iterable[Any]:
        return _typed(store.read_stream(next(following)))

    sides = {"query": query, "raw": raw, "typed": typed}
    floor, *ours = take_turns(
        plan.rounds,
        {label: partial(_rate, side, plan.seconds / 2) for label, side in sides.items()},
        tell,
    )
    return Outcome(
        name="read-stream",
        title=f"read of a {_STREAM}-event stream",
        unit="events/s",
        ours=tuple(ours),
        beside=(floor,),
        aims=(Aim("raw", "ratio at least", 0.6), Aim("typed", "ratio at least", 0.6)),
    )


def _everything(
    store: EventStore, bare: Connection, plan: Plan, tell: Callable[[str], None]
) -> Outcome:
    def cursor() -> Iterable[Any]:
        with bare.transaction(), bare.cursor(name="everything", binary=True) as rows:
            rows.itersize = _PAGE
            rows.execute(SQL["read_all"])
            yield from rows

    def typed() -> Iterable[Any]:
        return _typed(store.read_all())

    sides = {"cursor": cursor, "raw": store.read_all, "typed": typed}
    floor, *ours = take_turns(
        plan.rounds, {label: partial(_rate, side, 0) for label, side in sides.items()}, tell
    )
    return Outcome(
        name="read-all",
        title=f"read of everything, {plan.events:,} events",
        unit="events/s",
        ours=tuple(ours),
        beside=(floor,),
        aims=(Aim("raw", "ratio at least", 0.8), Aim("typed", "ratio at least", 0.5)),
    )


def _typed(recorded: Iterable[RecordedEvent]) -> Iterator[Any]:
    return (each.event for each in recorded)


def _rate(read: Callable[[], Iterable[Any]], seconds: float) -> float:
    """Events a second of reads, each to its end, for at least so many seconds."""
    events, passed, began = 0, 0.0, perf_counter()
    while passed <= seconds:
        last = deque(enumerate(read(), start=1), maxlen=1)
        events += last[0][0] if last else 0
        passed = perf_counter() - began
    return events / passed
