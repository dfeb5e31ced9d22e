"""The projection engine as the workloads use it: what it can be told is told here, nowhere else.

It runs in processes of its own, as it would for a user, so that its memory is its own too.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from threading import Event as Signal
from time import perf_counter
from types import FrameType
from typing import Final

from benchmarks.memory import PeakMemory, peak_megabytes
from projections.builds.rebuild import RebuildOptions, rebuild
from projections.builds.rebuild_all import rebuild_all
from projections.live.daemon import run_daemon
from projections.projection import Projection

__all__ = ["WORKERS", "Daemons", "Rebuilding", "daemons", "rebuild_once"]

WORKERS: Final = os.cpu_count() or 1
"""Processes that a rebuild may use."""
_PATIENCE: Final = 60.0
"""Seconds that a process may take to end."""

_spawning = get_context("spawn")


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """What a rebuild took, from its call to the switched tables, the start of a process aside."""

    events: int
    seconds: float
    megabytes: float
    """Peak of the largest of its processes."""

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds


def rebuild_once(url: str, *projections: Projection) -> Rebuilding:
    """Rebuilds the tables of a projection, or of several at once, in a new process."""
    here, there = _spawning.Pipe(duplex=False)
    process = _spawning.Process(target=_rebuild, args=(url, projections, there))
    process.start()
    there.close()
    try:
        done: Rebuilding = here.recv()
    except EOFError:
        names = ", ".join(each.name for each in projections)
        raise RuntimeError(f"the rebuild of {names} ended with an error") from None
    finally:
        process.join(_PATIENCE)
    return done


def _rebuild(url: str, projections: Sequence[Projection], told: Pipe) -> None:
    with PeakMemory() as memory:
        began = perf_counter()
        how = RebuildOptions(workers=WORKERS)
        if len(projections) == 1:
            events = rebuild(url, projections[0], how).events
        else:
            events = sum(done.events for done in rebuild_all(url, projections, how))
        seconds = perf_counter() - began
    told.send(Rebuilding(events, seconds, memory.megabytes))


class Daemons:
    """Projectors that follow the log, until the block of `daemons` ends."""

    def __init__(self, processes: Sequence[BaseProcess]) -> None:
        self._processes = processes

    def check(self) -> None:
        """Raises RuntimeError when one has ended."""
        for process in self._processes:
            if process.exitcode is not None:
                raise RuntimeError(f"a projector ended with exit code {process.exitcode}")

    def megabytes(self) -> float:
        """Peak memory of the largest so far."""
        return max(peak_megabytes(process.pid or 0) for process in self._processes)


@contextmanager
def daemons(url: str, projections: Sequence[Projection], number: int) -> Iterator[Daemons]:
    """So many projector processes for the same projections, which they share as they can."""
    processes = [_spawning.Process(target=_follow, args=(url, projections)) for _ in range(number)]
    for process in processes:
        process.start()
    try:
        yield Daemons(processes)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(_PATIENCE)
            if process.exitcode is None:
                process.kill()


def _follow(url: str, projections: Sequence[Projection]) -> None:
    stop = Signal()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    # The place of the option that makes several daemons share the keys of one projection.
    failures = run_daemon(url, projections, stop)
    if failures:
        raise RuntimeError(f"projections failed: {failures}")
