"""Runs projections live, together with all other daemons on the same database.

Each daemon holds its fair share of the shards: a thread and a connection for each one, one tail
that reads the log for all of them, and one coordinator that decides what to take and what to give
back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Event as Signal

from projections.batch import BATCH
from projections.checkpoint import LEASE_SECONDS
from projections.coordinator import Coordinator
from projections.projection import Projection
from projections.tail import Tail

__all__ = ["run_daemon"]


def run_daemon(
    url: str,
    projections: Iterable[Projection],
    stop: Signal,
    *,
    until_caught_up: bool = False,
    lease_seconds: float = LEASE_SECONDS,
    batch: int = BATCH,
    revive: Callable[[], None] = lambda: None,
) -> dict[str, Exception]:
    """Keeps the projections' tables up to date until `stop` is set; returns what failed, by name.

    Any number of daemons share the work evenly; what a dead one held goes on elsewhere after
    `lease_seconds`. `until_caught_up` ends it when all have passed the watermark of this moment,
    whoever brought them there. A shard that can't go on is marked as failed, and left to others;
    the rest goes on. `revive` brings back a server that this process may start. On `stop`, batches
    under way are finished and leases given back.
    """
    rules = tuple(projections)
    if not rules:
        return {}
    with Tail(url, batch=batch, revive=revive) as tail:
        coordinator = Coordinator(
            url,
            rules,
            tail,
            until_caught_up=until_caught_up,
            lease_seconds=lease_seconds,
            batch=batch,
            revive=revive,
        )
        coordinator.run(stop)
    return coordinator.failures
