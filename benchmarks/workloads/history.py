"""Rebuild of one read model from a million events of package histories, beside its floors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from benchmarks.engine import rebuild_once
from benchmarks.filling import HistoryLog
from benchmarks.folds import Folds
from benchmarks.history import is_real
from benchmarks.measure import Aim, Outcome, Plan, take_turns
from benchmarks.packages import PackageHistories
from benchmarks.sandbox import Sandbox

__all__ = ["history"]

_OURS: Final = "rebuild, Python fold"


def history(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """One outcome: three sizes of a set-based fold, a loop by hand, two reads, and ours."""
    tell(f"making a log of {plan.history:,} events")
    log = HistoryLog(sandbox)
    log.grow_to(plan.history)
    with Folds(log.database.admin_url, log.events) as folds:
        *floors, ours = take_turns(
            plan.rounds,
            {
                "SQL, 10,000 events a transaction": partial(folds.set_based, 10_000),
                "SQL, 1,000 events a transaction": partial(folds.set_based, 1_000),
                "SQL, one statement": partial(folds.set_based, log.events),
                "Python loop by hand, 1,000 a transaction": folds.by_hand,
                "read by cursor, bytes": partial(folds.read, decoded=False),
                "read by cursor, decoded": partial(folds.read, decoded=True),
                _OURS: lambda: rebuild_once(log.database.url, PackageHistories()).rate,
                # The place of the same projection with its fold stated as SQL, and of the aim
                # Aim(..., "ratio at least", 0.85), as soon as a projection can state one.
            },
            tell,
        )
    yield Outcome(
        name="history",
        title=f"rebuild of package histories, {log.events:,} {source()} events",
        unit="events/s",
        ours=(ours,),
        beside=tuple(floors),
        aims=(Aim(_OURS, "at least", 80_000.0), Aim(_OURS, "ratio at least", 0.4)),
    )


def source() -> str:
    """What the events are, for titles."""
    return "recorded" if is_real() else "generated"
