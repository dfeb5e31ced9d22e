"""One event a call, from one writer process and from eight."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.measure import Aim, Outcome, Plan, take_turns
from benchmarks.pgbench import append_rate, insert_rate
from benchmarks.sandbox import Sandbox
from benchmarks.writers import Writers, inserting

__all__ = ["append"]


def append(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """An outcome for each number of writers.

    Beside them stand the same bare insert by the driver, and the function that appends, called by
    pgbench: what the one and the other would take of the floor if there were nothing else.
    """
    for writers, ratio in ((1, 0.60), (8, 0.45)):
        database = sandbox.database()
        with (
            Writers(database.url, writers, plan.seconds) as crew,
            Writers(database.admin_url, writers, plan.seconds, inserting) as bare,
        ):
            *beside, ours = take_turns(
                plan.rounds,
                {
                    "pgbench": partial(insert_rate, sandbox, database, writers, plan.seconds),
                    "psycopg": bare.rate,
                    "append_one, by pgbench": partial(
                        append_rate, sandbox, database, writers, plan.seconds
                    ),
                    "append": crew.rate,
                },
                tell,
            )
        yield Outcome(
            name=f"append-{writers}",
            title=f"one append a call, {writers} writer{'s' if writers > 1 else ''}",
            unit="events/s",
            ours=(ours,),
            beside=tuple(beside),
            aims=(Aim("append", "ratio at least", ratio),),
        )
