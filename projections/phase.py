"""What a long work tells of itself: which phase, how far, how fast."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from projections.build import Phase, Progress
from projections.heartbeat import Heartbeat
from projections.rate import Rate

__all__ = ["PhaseReport"]


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
