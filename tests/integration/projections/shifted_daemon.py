"""A daemon for the divided things in a process of its own, to be stopped and killed from outside.

Arguments: the database's URL, the lease in seconds, how many hours its clock is ahead, and whether
it is to stand still, once, while a look at the others has its own shards locked.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from threading import Event
from types import FrameType
from typing import Any


def shift_clocks(hours: float) -> None:
    """Puts this process's clocks ahead, before any module has taken hold of one."""
    for name in ("time", "monotonic", "perf_counter"):
        clock = getattr(time, name)
        setattr(time, name, lambda clock=clock: clock() + 3600 * hours)


def stand_still() -> None:
    """Stops this process with SIGSTOP after the signs of life of its leases, before the commit."""
    import psycopg

    from projections.live import membership

    execute = psycopg.Connection.execute

    def stopping(self: Any, query: Any, params: Any = None, **options: Any) -> Any:
        cursor = execute(self, query, params, **options)
        if query == membership._SQL["beat_leases"] and params["projections"]:
            psycopg.Connection.execute = execute  # type: ignore[method-assign]
            os.kill(os.getpid(), signal.SIGSTOP)
        return cursor

    psycopg.Connection.execute = stopping  # type: ignore[method-assign]


if __name__ == "__main__":
    url, lease, hours_ahead = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    if hours_ahead:
        shift_clocks(hours_ahead)
    if sys.argv[4] == "stands still":
        stand_still()
    from projections.live.daemon import run_daemon
    from tests.integration.projections.sharded import Sharded

    stop = Event()

    def end(number: int, frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, end)
    logging.basicConfig(stream=sys.stdout, format="%(message)s", level=logging.INFO)
    run_daemon(url, [Sharded()], stop, lease_seconds=lease)
