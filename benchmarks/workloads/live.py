"""Steady live throughput: projectors that follow the log meet many events at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from time import monotonic, perf_counter, sleep
from typing import Final

import psycopg

from benchmarks.engine import Daemons, daemons
from benchmarks.filling import HistoryLog, MixedLog
from benchmarks.measure import Aim, Outcome, Plan, Series, take_turns
from benchmarks.packages import PackageHistories
from benchmarks.sandbox import Sandbox
from eventstore.connection.queries import load
from projections.catalogue import PROJECTIONS
from projections.projection import Projection

__all__ = ["live"]

_SQL: Final = load("benchmarks.sql", "live.sql")
_LOOK: Final = 0.005
"""Seconds between two looks at the checkpoints, a table of a dozen rows."""
_SETTLED: Final = 2.0
"""Seconds without a change of who works on what, until the work counts as shared out."""
_PATIENCE: Final = 300.0
_RATE: Final = 20_000.0
_MEGABYTES: Final = 300.0

Progress = dict[str, tuple[int, list[str | None]]]
"""Of each projection, its position and the holders of its shards."""


def live(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """For each load an outcome with one daemon and with two; then their memory."""
    memory: dict[str, list[float]] = {}
    loads: dict[str, tuple[HistoryLog | MixedLog, Sequence[Projection]]] = {
        "package histories": (HistoryLog(sandbox.database()), [PackageHistories()]),
        "all contexts": (MixedLog(sandbox.database()), PROJECTIONS),
    }
    for load_name, (log, projections) in loads.items():
        log.grow_to(plan.burst)
        sides = {f"{number} daemon{'s' if number > 1 else ''}": number for number in (1, 2)}

        def side(
            label: str,
            number: int,
            log: HistoryLog | MixedLog = log,
            projections: Sequence[Projection] = projections,
            load_name: str = load_name,
        ) -> float:
            with daemons(log.database.url, projections, number) as running:
                rate = _followed(log, projections, plan.burst, running)
                memory.setdefault(f"{load_name}, {label}", []).append(running.megabytes())
            return rate

        yield Outcome(
            name=f"live-{load_name.replace(' ', '-')}",
            title=f"live, {load_name}, {plan.burst:,} events at once",
            unit="events/s",
            ours=take_turns(
                plan.rounds,
                {label: partial(side, label, number) for label, number in sides.items()},
                tell,
            ),
            aims=tuple(Aim(label, "at least", _RATE) for label in sides),
        )
    yield Outcome(
        name="live-memory",
        title="memory of a live projector process",
        unit="MB",
        ours=tuple(Series(label, tuple(found)) for label, found in memory.items()),
        aims=tuple(Aim(label, "at most", _MEGABYTES) for label in memory),
    )


def _followed(
    log: HistoryLog | MixedLog, projections: Sequence[Projection], burst: int, running: Daemons
) -> float:
    """Events a second, from the moment they can be seen until every projection has applied them."""
    with closing(psycopg.connect(log.database.admin_url, autocommit=True)) as admin:
        _await_leases(admin, projections, running)
        before = log.events
        with closing(psycopg.connect(log.database.admin_url, autocommit=True)) as holder:
            holder.execute(_SQL["hold_back"])
            log.grow_to(before + burst)
            ends = _ends(admin, projections)
        began = perf_counter()
        while not _there(_progress(admin), ends):
            running.check()
            if perf_counter() - began > _PATIENCE:
                raise RuntimeError(f"{burst:,} events took over {_PATIENCE:.0f} s")
            sleep(_LOOK)
        return (log.events - before) / (perf_counter() - began)


def _await_leases(
    admin: psycopg.Connection, projections: Sequence[Projection], running: Daemons
) -> None:
    """Returns when all there is is applied, and the work has been shared out."""
    ends = _ends(admin, projections)
    deadline = monotonic() + _PATIENCE
    holders, since = None, monotonic()
    while True:
        progress = _progress(admin)
        now = {name: held for name, (_, held) in progress.items()}
        idle = any(None in held for held in now.values())
        if now != holders or idle or not _there(progress, ends):
            holders, since = now, monotonic()
        elif monotonic() - since > _SETTLED:
            return
        if monotonic() > deadline:
            raise RuntimeError(f"no projector came to rest in {_PATIENCE:.0f} s")
        running.check()
        sleep(_LOOK)


def _there(progress: Progress, ends: dict[str, int]) -> bool:
    return all(progress.get(name, (-1, []))[0] >= end for name, end in ends.items())


def _progress(admin: psycopg.Connection) -> Progress:
    return {name: (at, held) for name, at, held in admin.execute(_SQL["progress"])}


def _ends(admin: psycopg.Connection, projections: Sequence[Projection]) -> dict[str, int]:
    """The position that each projection has to reach."""
    found = {
        each.name: admin.execute(
            _SQL["last_position"], {"event_types": list(each.event_types)}
        ).fetchone()
        for each in projections
    }
    return {name: row[0] if row else 0 for name, row in found.items()}
