"""What an event costs a rebuild, and how much memory it takes, as the log grows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from benchmarks.engine import rebuild_once
from benchmarks.filling import HistoryLog
from benchmarks.folds import Folds
from benchmarks.history import source
from benchmarks.measure import Aim, Outcome, Plan, Series
from benchmarks.packages import PackageHistories
from benchmarks.sandbox import Sandbox

__all__ = ["growth"]

_SAME: Final = 1.15
"""How much more an event of the longest log may cost than one of the shortest: what rounds of
the same length differ by."""
_MEGABYTES: Final = 300.0


def growth(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """Outcomes of cost, of memory, and of how long the logs took to make."""
    log = HistoryLog(sandbox.database())
    cost, floor, memory, filling = [], [], [], []
    for at, length in enumerate(plan.lengths):
        tell(f"making a log of {length:,} events")
        filling.append(_series(length, [log.grow_to(length)]))
        ours, floors, peaks = [], [], []
        for number in range(1, max(1, plan.rounds - at) + 1):
            tell(f"{length:,} events, round {number}")
            with Folds(log.database.admin_url, length) as folds:
                floors.append(1e6 / folds.set_based(10_000))
            done = rebuild_once(log.database.url, PackageHistories())
            ours.append(1e6 / done.rate)
            peaks.append(done.megabytes)
        cost.append(_series(length, ours))
        floor.append(_series(length, floors))
        memory.append(_series(length, peaks))
    yield Outcome(
        name="growth",
        title=f"rebuild of package histories as the log grows, {source()}",
        unit="µs an event",
        ours=tuple(cost),
        beside=tuple(floor),
        aims=tuple(Aim(one.label, "of the shortest at most", _SAME) for one in cost[1:]),
    )
    yield Outcome(
        name="growth-memory",
        title="memory of the rebuild's largest process",
        unit="MB",
        ours=tuple(memory),
        aims=tuple(Aim(one.label, "at most", _MEGABYTES) for one in memory),
    )
    yield Outcome(
        name="growth-fill",
        title="making the log longer, to",
        unit="s",
        ours=tuple(filling),
    )


def _series(length: int, values: list[float]) -> Series:
    return Series(f"{length:,} events", tuple(values), events=length)
