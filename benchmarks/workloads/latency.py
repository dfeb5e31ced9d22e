"""From an append to its row in a read model, with the projector in another process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from statistics import quantiles
from time import perf_counter, sleep
from typing import Final
from uuid import UUID, uuid4

from benchmarks.engine import daemons
from benchmarks.measure import Aim, Outcome, Plan, Series
from benchmarks.pacing import Paced
from benchmarks.sandbox import Sandbox
from eventstore import NO_STREAM, EventStore
from eventstore.database import Connection, connect
from eventstore.prepared import Prepared
from eventstore.queries import load
from eventstore.vocabulary.packaging import PackageRegistered
from projections.catalogue import PROJECTIONS

__all__ = ["latency"]

_SQL: Final = load("benchmarks.sql", "latency.sql")
_PATIENCE: Final = 30.0
"""Seconds until a row that does not come is an error."""
_LOOK_AT_PACE: Final = 0.002
"""Seconds between two looks at a steady pace, where looking must not take what it measures."""
_LOOKED_FOR: Final = 32
"""Rows of one look at a steady pace: the oldest, for they come in the order of their appends."""
_PAUSES: Final = tuple(milliseconds / 1000 for milliseconds in (0, 3, 7, 13, 29, 61))
"""Between two appends, in turn: the projector is met awake, drowsy and asleep."""
_PACE: Final = 500
"""Events a second."""


def latency(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """Median and 99th percentile of every round: of single appends, and at a steady pace."""
    database = sandbox.database()
    with (
        daemons(database.url, PROJECTIONS, 1),
        closing(connect(database.url, role="auditor", tenant="default")) as reader,
    ):
        with EventStore.open(database.url) as store:
            visible = Prepared(reader, "row_visible", _SQL["row_visible"])
            _one(store, visible)  # once the projector is there

            def alone(number: int) -> list[float]:
                taken = []
                for at in range(plan.appends):
                    sleep(_PAUSES[at % len(_PAUSES)])
                    taken.append(_one(store, visible))
                return taken

            yield _outcome("latency", "append to row", alone, plan, tell, 2.5, 8.0)

        def paced(number: int) -> list[float]:
            return _paced(database.url, reader, number, plan.seconds * 3)

        title = f"append to row at {_PACE} events/s"
        yield _outcome("latency-paced", title, paced, plan, tell, 10.0, 40.0)


def _outcome(
    name: str,
    title: str,
    one_round: Callable[[int], list[float]],
    plan: Plan,
    tell: Callable[[str], None],
    middle: float,
    tail: float,
) -> Outcome:
    middles, tails = [], []
    for number in range(1, plan.rounds + 1):
        tell(f"round {number} of {plan.rounds}: {title}")
        percentiles = quantiles(one_round(number), n=100, method="inclusive")
        middles.append(percentiles[49])
        tails.append(percentiles[98])
    return Outcome(
        name=name,
        title=title,
        unit="ms",
        ours=(Series("median", tuple(middles)), Series("99th percentile", tuple(tails))),
        aims=(Aim("median", "at most", middle), Aim("99th percentile", "at most", tail)),
    )


def _one(store: EventStore, visible: Prepared) -> float:
    """Milliseconds from before the append until the row is there.

    It is looked for without a pause: what looking takes is in what is measured, so that is as
    little as it can be.
    """
    package_id = uuid4()
    event = PackageRegistered(
        package_id=package_id, name=str(package_id), version="1.0", publisher="bench"
    )
    began = perf_counter()
    store.append(f"package-{package_id}", [event], expected_version=NO_STREAM, agent="writer")
    while visible([str(package_id).encode()]) is None:
        if perf_counter() - began > _PATIENCE:
            raise RuntimeError(f"no row after {_PATIENCE:.0f} s")
    return (perf_counter() - began) * 1000


def _paced(url: str, reader: Connection, number: int, seconds: float) -> list[float]:
    """Milliseconds of each event, from the moment it was due until its row was seen.

    From the moment it was due, not from the call: an append that had to wait for the one before
    it has been waited for, too. The rows that are due and not yet seen are looked up by key in one
    query; how often is what a value may be too large by.
    """
    taken: list[float] = []
    with Paced(url, number, _PACE, round(_PACE * seconds)) as appender:
        waiting: dict[UUID, float] = {}
        while waiting or not appender.all_due():
            waiting |= appender.newly_due()
            seen = _visible(reader, list(islice(waiting, _LOOKED_FOR)))
            now = perf_counter()
            taken += [(now - waiting.pop(package_id)) * 1000 for package_id in seen]
            if waiting and now - next(iter(waiting.values())) > _PATIENCE:
                raise RuntimeError(f"no row after {_PATIENCE:.0f} s")
            if len(seen) < _LOOKED_FOR:
                sleep(_LOOK_AT_PACE)
    return taken


def _visible(reader: Connection, ids: list[UUID]) -> list[UUID]:
    """Which of the packages have a row."""
    arguments = {"tenant": "default", "ids": ids}
    return [row[0] for row in reader.execute(_SQL["rows_visible"], arguments)]
