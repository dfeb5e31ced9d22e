"""Runs projections live, together with all other daemons on the same database.

Each daemon holds its fair share of the shards: a thread and a connection for each one, one tail
that reads the log for all of them, and one coordinator that decides what to take and what to give
back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from threading import Event as Signal

from eventstore.limits import MONTHS_AHEAD
from eventstore.upkeep.chores import Upkeep
from projections.apply.batch import BATCH
from projections.apply.holding import MAX_FAILURES
from projections.checkpoint import LEASE_SECONDS
from projections.hooks.hook import Hook
from projections.hooks.installed import checked
from projections.live.coordinator import Coordinator
from projections.live.observer import Observer
from projections.live.tail import Tail
from projections.log import LOG
from projections.projection import Projection

__all__ = ["run_daemon"]


def run_daemon(
    url: str,
    projections: Iterable[Projection],
    stop: Signal,
    *,
    until_caught_up: bool = False,
    lease_seconds: float = LEASE_SECONDS,
    batch: int = BATCH,
    max_failures: int = MAX_FAILURES,
    revive: Callable[[], None] = lambda: None,
    hooks: Iterable[Hook] = (),
    http: str | None = None,
    months_ahead: int = MONTHS_AHEAD,
) -> dict[str, Exception]:
    """Keeps the projections' tables up to date until `stop` is set; returns what failed, by name.

    Any number of daemons share the work evenly; what a dead one held goes on elsewhere after
    `lease_seconds`. Of a projection that is given in several versions, the one that made the live
    rows is run. `until_caught_up` ends it when all have passed the watermark of this moment,
    whoever brought them there, or have failed or paused. Events that can't be applied are held;
    with more than `max_failures` of them a shard pauses. A shard that can't go on at all is marked
    as failed, and left to others; the rest goes on, and when nothing is left it waits until
    somebody has put it right. `revive` brings back a server that this process may start. On
    `stop`, batches under way are finished and leases given back.
    `hooks` are told what was committed; one that fails does not end anything. `http` is where
    pages with health and metrics are served, as HOST:PORT. A daemon keeps the log too: partitions
    for `months_ahead`, the stored watermark, the counts. Raises HookRefused, ConfigurationError.
    """
    rules = tuple(projections)
    if not rules:
        return {}
    hooks = checked(hooks, [projection.name for projection in rules])
    with (
        Observer(url, rules, hooks=hooks, http=http) as observer,
        nullcontext() if until_caught_up else _upkeep(url, months_ahead),
        Tail(url, batch=batch, revive=revive, pulse=observer.pulse) as tail,
    ):
        coordinator = Coordinator(
            url,
            rules,
            tail,
            observer,
            until_caught_up=until_caught_up,
            lease_seconds=lease_seconds,
            batch=batch,
            max_failures=max_failures,
            revive=revive,
        )
        coordinator.run(stop)
    if until_caught_up:
        return coordinator.failures | observer.hook_errors()
    return coordinator.failures


def _upkeep(url: str, months_ahead: int) -> Upkeep:
    def told(what: str, about: str) -> None:
        if what == "failed":
            LOG.warning("upkeep of the log failed", reason=about)
        else:
            LOG.info(f"partitions {what}", names=about)

    return Upkeep(url, told=told, months_ahead=months_ahead)
