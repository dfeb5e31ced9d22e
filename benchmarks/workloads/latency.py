"""From an append to its row in a read model, with the projector in another process."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from multiprocessing import get_context
from statistics import quantiles
from threading import Event as Signal
from time import perf_counter, sleep
from types import FrameType
from typing import Final
from uuid import UUID, uuid4

from benchmarks.measure import Aim, Outcome, Plan, Series
from benchmarks.sandbox import SQL, Sandbox
from eventstore import NO_STREAM, EventStore
from eventstore.database import Connection, connect
from eventstore.vocabulary.packaging import PackageRegistered

__all__ = ["latency"]

_PATIENCE: Final = 30.0
"""Seconds until a row that does not come is an error."""
_LOOK: Final = 0.0002
"""Seconds between two looks for the row; no more than that is added to what is measured."""
_PAUSES: Final = tuple(milliseconds / 1000 for milliseconds in (0, 3, 7, 13, 29, 61))
"""Between two appends, in turn: the projector is met awake, drowsy and asleep."""


def latency(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """Median and 99th percentile of every round."""
    database = sandbox.database()
    projector = get_context("spawn").Process(target=_project, args=(database.url,), daemon=True)
    projector.start()
    try:
        with (
            EventStore.open(database.url) as store,
            closing(connect(database.url, role="auditor", tenant="default")) as reader,
        ):
            _one(store, reader)  # once the projector is there
            middles, tails = [], []
            for number in range(1, plan.rounds + 1):
                tell(f"round {number} of {plan.rounds}: {plan.appends} appends")
                taken = []
                for at in range(plan.appends):
                    sleep(_PAUSES[at % len(_PAUSES)])
                    taken.append(_one(store, reader))
                percentiles = quantiles(taken, n=100, method="inclusive")
                middles.append(percentiles[49])
                tails.append(percentiles[98])
    finally:
        projector.terminate()
        projector.join(_PATIENCE)
    yield Outcome(
        name="latency",
        title="append to row, live projector",
        unit="ms",
        ours=(Series("median", tuple(middles)), Series("99th percentile", tuple(tails))),
        aim=Aim("median", "at most", 20.0),
    )


def _one(store: EventStore, reader: Connection) -> float:
    """Milliseconds from before the append until the row is there."""
    package_id = uuid4()
    event = PackageRegistered(
        package_id=package_id, name=str(package_id), version="1.0", publisher="bench"
    )
    began = perf_counter()
    store.append(f"package-{package_id}", [event], expected_version=NO_STREAM, agent="writer")
    while not _there(reader, package_id):
        if perf_counter() - began > _PATIENCE:
            raise RuntimeError(f"no row after {_PATIENCE:.0f} s")
        sleep(_LOOK)
    return (perf_counter() - began) * 1000


def _there(reader: Connection, package_id: UUID) -> bool:
    arguments = {"tenant": "default", "id": package_id}
    return reader.execute(SQL["row_visible"], arguments).fetchone() is not None


def _project(url: str) -> None:
    from projections.catalogue import PROJECTIONS
    from projections.daemon import run_daemon

    stop = Signal()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    failures = run_daemon(url, PROJECTIONS, stop)
    if failures:
        raise RuntimeError(f"projections failed: {failures}")
