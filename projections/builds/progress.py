"""How far long work is: which phase, how much of it, how fast, how long still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Literal

from projections.builds.heartbeat import Heartbeat
from projections.builds.shard_build import Shard
from projections.rate import Rate

__all__ = ["FoldReport", "Phase", "PhaseReport", "Progress"]

Phase = Literal["fold", "index", "catch up", "switch"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a build is: `done` events or rows, `seconds` after this phase began.

    `position` is on its way to `target`, the end of the log when the phase began; of several
    shards it is the mean.
    """

    phase: Phase
    done: int
    position: int
    target: int
    seconds: float
    events_per_second: float = 0.0
    """Of the last seconds, all shards together."""
    seconds_left: float | None = None
    """Until this phase ends, if it goes on as it has gone; None while that can't be said."""


class FoldReport:
    """Adds up what the shards report."""

    def __init__(self, shards: Sequence[Shard], report: Callable[[Progress], None]) -> None:
        self._report = report
        self._began, self._rate, self._mutex = monotonic(), Rate(), Lock()
        self._events = [0] * len(shards)
        self._positions = [shard.after for shard in shards]
        self._from = sum(self._positions)
        self._target = sum(shard.until for shard in shards)

    def of(self, number: int) -> Callable[[int, int], None]:
        """What the fold of the shard of that number calls."""

        def tell(events: int, position: int) -> None:
            with self._mutex:
                self._rate.add(events - self._events[number])
                self._events[number], self._positions[number] = events, position
                self._report(self._progress())

        return tell

    def _progress(self) -> Progress:
        seconds, at = monotonic() - self._began, sum(self._positions)
        gone, left = at - self._from, self._target - at
        shards = len(self._positions)
        return Progress(
            "fold",
            sum(self._events),
            at // shards,
            self._target // shards,
            seconds,
            self._rate.per_second(),
            seconds * left / gone if gone > 0 else None,
        )


class PhaseReport:
    """Times the phases; and raises LeaseLost when the lease turns out to be lost meanwhile."""

    def __init__(self, heartbeat: Heartbeat, report: Callable[[Progress], None]) -> None:
        self._heartbeat, self._report = heartbeat, report
        self._phase: Phase | None = None
        self._began, self._done, self._rate = 0.0, 0, Rate()

    def __call__(self, phase: Phase, done: int, position: int, target: int) -> None:
        """How far the phase is; its clock starts with its first report."""
        if phase != self._phase:
            self._phase, self._began, self._done, self._rate = phase, monotonic(), 0, Rate()
        self._rate.add(done - self._done)
        self._done = done
        seconds = monotonic() - self._began
        self.hear(Progress(phase, done, position, target, seconds, self._rate.per_second()))

    def hear(self, progress: Progress) -> None:
        """Passes on what somebody else has measured."""
        self._heartbeat.check()
        self._report(progress)
