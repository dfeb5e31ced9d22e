"""A daemon for the divided things in a process of its own, to be stopped and killed from outside.

Arguments: the database's URL, the lease in seconds, and how many hours its clock is ahead.
"""

from __future__ import annotations

import logging
import signal
import sys
import time
from threading import Event
from types import FrameType


def shift_clocks(hours: float) -> None:
    """Puts this process's clocks ahead, before any module has taken hold of one."""
    for name in ("time", "monotonic", "perf_counter"):
        clock = getattr(time, name)
        setattr(time, name, lambda clock=clock: clock() + 3600 * hours)


if __name__ == "__main__":
    url, lease, hours_ahead = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    if hours_ahead:
        shift_clocks(hours_ahead)
    from projections.live.daemon import run_daemon
    from tests.integration.projections.sharded import Sharded

    stop = Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
    run_daemon(url, [Sharded()], stop, lease_seconds=lease)
