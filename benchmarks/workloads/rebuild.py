"""Rebuild of the three contexts' read models: of a generated log, and of real runs if present."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks.measure import Aim, Outcome, Plan, Series
from benchmarks.sandbox import Database, Sandbox
from benchmarks.stories import crew, stories
from eventstore import EventStore
from projections.catalogue import PROJECTIONS
from projections.rebuild import rebuild as rebuild_projection
from projections.rebuild import rebuild_all

__all__ = ["rebuild"]

_TRAILS: Final = Path(__file__).parents[3] / "shared" / "data" / "agent-trails"
"""Recorded runs of real agents; they don't come with the project, and need not be there."""
_STORIES_A_CALL: Final = 20


def rebuild(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """An outcome for the generated log, and one for the real one."""
    database = sandbox.database()
    tell(f"appending {plan.events:,} events")
    with EventStore.open(database.url) as store:
        events = _fill(store, plan.events)
    yield _measured(
        "rebuild",
        f"rebuild of three contexts, {events:,} generated events",
        database,
        plan,
        tell,
        Aim("all three", "at least", 30_000.0),
    )
    if _TRAILS.is_dir():
        database = sandbox.database()
        tell("ingesting recorded runs")
        if _ingest(database):
            with EventStore.open(database.url) as store:
                events = sum(1 for _ in store.read_all())
            yield _measured(
                "rebuild-trails",
                f"rebuild of three contexts, {events:,} events of recorded runs",
                database,
                plan,
                tell,
                None,
            )


def _fill(store: EventStore, events: int) -> int:
    """Appends whole stories until there are at least so many events; returns how many."""
    appended = len(store.append_many([crew()])[0].positions)
    following = stories()
    while appended < events:
        told = [append for _ in range(_STORIES_A_CALL) for append in next(following)]
        appended += sum(len(receipt.positions) for receipt in store.append_many(told))
    return appended


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
    plan: Plan,
    tell: Callable[[str], None],
    aim: Aim | None,
) -> Outcome:
    rates: dict[str, list[float]] = {each.name: [] for each in PROJECTIONS}
    rates["all three"] = []
    for number in range(1, plan.rounds + 1):
        for projection in PROJECTIONS:
            tell(f"round {number} of {plan.rounds}: {projection.name}")
            began = perf_counter()
            done = rebuild_projection(database.url, projection)
            rates[projection.name].append(done.events / (perf_counter() - began))
        tell(f"round {number} of {plan.rounds}: all three at once")
        began = perf_counter()
        events = sum(done.events for done in rebuild_all(database.url, PROJECTIONS))
        rates["all three"].append(events / (perf_counter() - began))
    return Outcome(
        name=name,
        title=title,
        unit="events/s",
        ours=tuple(Series(label, tuple(values)) for label, values in rates.items()),
        aim=aim,
    )
