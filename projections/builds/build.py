"""Builds a projection's rows from the log: its shards, each folded for itself, several at once.

What rebuild, verification and what-if runs share. The shards of a long log are folded in processes
of their own; a short one is not worth starting them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from threading import Event as Signal
from typing import Final, Literal

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.connection.session import Session
from projections.builds.processes import Processes, Stopped, can_travel, cores, wait_for
from projections.builds.progress import FoldReport, Progress
from projections.builds.rebuild_target import RebuildTarget
from projections.builds.shadow_target import ShadowTarget
from projections.builds.shard_build import Failed, Shard, ShardFold, Target
from projections.checkpoint import Lease
from projections.projection import Projection, State
from projections.session import open_session

__all__ = [
    "Built",
    "ShardTask",
    "build",
    "few_positions",
    "open_long",
    "shards_for",
]

_SQL: Final = load("projections.sql", "builds.sql")
_FEW_POSITIONS: Final = 20_000
"""What can be folded while a process starts."""


@dataclass(frozen=True, slots=True)
class Built:
    """What came of one shard. `state` are its rows, if they went to no table."""

    events: int
    held: int
    """Events that were not applied: those that failed, and those that wait behind them."""
    failed: int
    failures: tuple[Failed, ...]
    """The first of those that failed."""
    state: State | None = None


@dataclass(frozen=True, slots=True)
class ShardTask:
    """One shard, and where its rows go; without a `schema` they stay in memory."""

    url: str
    shard: Shard
    schema: str | None
    lease: Lease | None = None
    """Of the shard's checkpoint; None when the build is not kept."""

    @property
    def name(self) -> str:
        """For people."""
        shard, name = self.shard, self.shard.projection.name
        return name if shard.of == 1 else f"{name}, shard {shard.number} of {shard.of}"

    def run(self, report: Callable[[int, int], None]) -> Built:
        """Folds it, over connections of its own."""
        with ExitStack() as stack:
            log = stack.enter_context(closing(open_long(self.url, self.shard.projection)))
            fold = ShardFold(self.shard, log, self._target(stack), report)
            fold.run()
        state = fold.state if self.schema is None else None
        return Built(fold.events, fold.held, fold.failed, tuple(fold.failures), state)

    def _target(self, stack: ExitStack) -> Target | None:
        if self.schema is None:
            return None
        projection = self.shard.projection
        owner = stack.enter_context(closing(open_long(self.url, projection, owner=True)))
        if self.lease is None:
            return ShadowTarget(owner, projection, self.schema)
        return RebuildTarget(owner, projection, self.schema, self.lease)


def open_long(url: str, projection: Projection, *, owner: bool = False) -> Session:
    """A session without a limit on the time of a statement: as the projector, or as the owner."""
    role: Literal["owner", "projector"] = "owner" if owner else "projector"
    conn = open_session(url, part=f"build {projection.name}", role=role)
    try:
        with translated():
            conn.adopt(_SQL["long_work"], {})
    except BaseException:
        conn.close()
        raise
    return conn


def few_positions(shards: Sequence[Shard]) -> bool:
    """Whether to fold them here and in memory: they are done before a process has started."""
    return max(shard.until - shard.after for shard in shards) < _FEW_POSITIONS


def shards_for(projection: Projection, workers: int | None) -> int:
    """How many shards to fold at once, if `workers` are asked for; None for all cores."""
    if projection.shard_by is None or not can_travel(projection):
        return 1
    return cores() if workers is None else workers


def build(
    tasks: Sequence[ShardTask],
    report: Callable[[Progress], None],
    processes: Processes | None = None,
) -> list[Built]:
    """Runs the tasks: in these processes, else in ones of its own, or here if they are small.

    When one fails the others are given up, and its error is raised. So is what `report` raises.
    """
    shards = [task.shard for task in tasks]
    telling = FoldReport(shards, report)
    if few_positions(shards) or not can_travel(shards[0].projection):
        return [task.run(telling.of(number)) for number, task in enumerate(tasks)]
    if processes is not None:
        return _in_processes(tasks, telling, processes)
    if len(tasks) == 1:
        return [tasks[0].run(telling.of(0))]
    with Processes(min(len(tasks), cores())) as own:
        return _in_processes(tasks, telling, own)


def _in_processes(
    tasks: Sequence[ShardTask], telling: FoldReport, processes: Processes
) -> list[Built]:
    stop = Signal()
    try:
        futures = [
            processes.submit(task, telling.of(number), stop) for number, task in enumerate(tasks)
        ]
        wait_for(futures, first_error=True)
    finally:
        stop.set()
    wait_for(futures)
    errors = [
        Stopped() if future.cancelled() else future.exception()
        for future in futures
        if future.cancelled() or future.exception() is not None
    ]
    for error in errors:
        if error is not None and not isinstance(error, Stopped):
            raise error
    if errors:  # not by one of these tasks, then
        raise KeyboardInterrupt
    return [future.result() for future in futures]
