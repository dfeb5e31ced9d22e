"""How much memory processes have had at their largest.

Linux keeps the high-water mark of each program, from its start on. The usual `ru_maxrss` is no
substitute: a program inherits in it what its parent had.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Final, Self

import psutil

__all__ = ["PeakMemory", "peak_megabytes"]

_LOOK: Final = 0.2
"""Seconds between two looks at child processes, which take their mark with them when they end."""


def peak_megabytes(pid: int) -> float:
    """The most memory that a running process has had; where the system keeps no mark, has now."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return float(psutil.Process(pid).memory_info().rss) / 1e6
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024 / 1e6 if "VmHWM" in lines else 0.0


class PeakMemory:
    """Watches this process and its children, until the block ends."""

    def __init__(self) -> None:
        self.megabytes = 0.0
        """Peak of the largest of them."""
        self._ended = Event()
        self._thread = Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._look()

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK):
            self._look()

    def _look(self) -> None:
        me = psutil.Process()
        for pid in [os.getpid(), *(child.pid for child in me.children(recursive=True))]:
            with suppress(psutil.NoSuchProcess):
                self.megabytes = max(self.megabytes, peak_megabytes(pid))
