"""One event a call, from one writer process and from eight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.measure import Aim, Outcome, Plan, take_turns
from benchmarks.pgbench import insert_rate
from benchmarks.sandbox import Sandbox
from benchmarks.writers import Writers, inserting

__all__ = ["append"]


def append(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """An outcome for each number of writers; the same bare insert by the driver stands beside."""
    for writers, ratio in ((1, 0.60), (8, 0.45)):
        database = sandbox.database()
        with (
            Writers(database.url, writers, plan.seconds) as crew,
            Writers(database.admin_url, writers, plan.seconds, inserting) as bare,
        ):
            floor, driver, ours = take_turns(
                plan.rounds,
                {
                    "pgbench": partial(insert_rate, sandbox, database, writers, plan.seconds),
                    "psycopg": bare.rate,
                    "append": crew.rate,
                },
                tell,
            )
        yield Outcome(
            name=f"append-{writers}",
            title=f"one append a call, {writers} writer{'s' if writers > 1 else ''}",
            unit="events/s",
            ours=(ours,),
            beside=(floor, driver),
            aims=(Aim("append", "ratio at least", ratio),),
        )
