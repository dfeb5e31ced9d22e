"""Rebuild of all contexts' read models: of a made-up log, and of real runs if present."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.engine import rebuild_once
from benchmarks.filling import MixedLog
from benchmarks.measure import Aim, Outcome, Plan, take_turns
from benchmarks.sandbox import Database, Sandbox
from eventstore import EventStore
from projections.catalogue import PROJECTIONS
from projections.projection import Projection

__all__ = ["rebuild"]

_TRAILS: Final = Path(__file__).parents[3] / "shared" / "data" / "agent-trails"
"""Recorded runs of real agents; they don't come with the project, and need not be there."""
_ALL: Final = "all at once"


def rebuild(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """An outcome for the generated log, and one for the real one."""
    tell(f"appending {plan.events:,} events")
    log = MixedLog(sandbox.database())
    log.grow_to(plan.events)
    yield _measured(
        "rebuild",
        f"rebuild of all contexts, {log.events:,} made-up events",
        log.database,
        PROJECTIONS,
        plan,
        tell,
        (Aim(_ALL, "at least", 30_000.0),),
    )
    if _TRAILS.is_dir():
        database = sandbox.database()
        tell("ingesting recorded runs")
        if _ingest(database):
            with EventStore.open(database.url) as store:
                types = [each.event_type for each in store.read_all()]
            yield _measured(
                "rebuild-trails",
                f"rebuild of all contexts, {len(types):,} events of recorded runs",
                database,
                [each for each in PROJECTIONS if not set(types).isdisjoint(each.event_types)],
                plan,
                tell,
                (),
            )


def _ingest(database: Database) -> bool:
    """Whether recorded runs are now in the log; those that can't be read don't matter here."""
    done = subprocess.run(
        [sys.executable, "-m", "eventstore", "ingest", "agent-trail", str(_TRAILS)],
        env=os.environ | {"EVENTSTORE_DATABASE_URL": database.url},
        capture_output=True,
        check=False,
    )
    return done.returncode in (0, 5)


def _measured(
    name: str,
    title: str,
    database: Database,
    alone: Sequence[Projection],
    plan: Plan,
    tell: Callable[[str], None],
    aims: tuple[Aim, ...],
) -> Outcome:
    def rate(*projections: Projection) -> float:
        return rebuild_once(database.url, *projections).rate

    sides = {each.name: partial(rate, each) for each in alone}
    sides[_ALL] = partial(rate, *PROJECTIONS)
    return Outcome(
        name=name,
        title=title,
        unit="events/s",
        ours=take_turns(plan.rounds, sides, tell),
        aims=aims,
    )
