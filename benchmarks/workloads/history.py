"""Rebuild of one read model from a million events of package histories, beside its floors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from benchmarks.engine import rebuild_once
from benchmarks.filling import HistoryLog
from benchmarks.folds import Folds
from benchmarks.history import source
from benchmarks.measure import Aim, Outcome, Plan, take_turns
from benchmarks.packages import PackageHistories, PackageHistoriesInSql
from benchmarks.sandbox import Sandbox
from projections.projection import Projection

__all__ = ["history"]

_PYTHON: Final = "rebuild, Python fold"
_SQL: Final = "rebuild, fold in SQL"
_FORMS: Final[dict[str, Projection]] = {
    _PYTHON: PackageHistories(),
    _SQL: PackageHistoriesInSql(),
}
_AIMS: Final = (
    Aim(_PYTHON, "at least", 80_000.0),
    Aim(_PYTHON, "ratio at least", 0.4),
    Aim(_SQL, "ratio at least", 0.85),
)


def history(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """One outcome: three sizes of a set-based fold, a loop by hand, two reads, and ours."""
    tell(f"making a log of {plan.history:,} events")
    log = HistoryLog(sandbox.database())
    log.grow_to(plan.history)
    with Folds(log.database.admin_url, log.events) as folds:
        floors: dict[str, Callable[[], float]] = {
            "SQL, 10,000 events a transaction": partial(folds.set_based, 10_000),
            "SQL, 1,000 events a transaction": partial(folds.set_based, 1_000),
            "SQL, one statement": partial(folds.set_based, log.events),
            "Python loop by hand, 1,000 a transaction": folds.by_hand,
            "read by cursor, bytes": partial(folds.read, decoded=False),
            "read by cursor, decoded": partial(folds.read, decoded=True),
        }
        ours = {label: partial(_rebuilt, log, form) for label, form in _FORMS.items()}
        found = take_turns(plan.rounds, floors | ours, tell)
    yield Outcome(
        name="history",
        title=f"rebuild of package histories, {log.events:,} {source()} events",
        unit="events/s",
        ours=found[len(floors) :],
        beside=found[: len(floors)],
        aims=_AIMS,
    )


def _rebuilt(log: HistoryLog, projection: Projection) -> float:
    return rebuild_once(log.database.url, projection).rate
