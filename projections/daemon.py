"""Runs projections live: a thread and a connection each, until told to stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from threading import Event as Signal
from threading import Thread
from typing import Final

from eventstore.read import watermark
from projections.batch import BATCH
from projections.checkpoint import LEASE_SECONDS
from projections.holding import MAX_FAILURES
from projections.hooks.hook import Hook
from projections.hooks.installed import checked
from projections.log import LOG
from projections.observer import Observer
from projections.projection import Projection
from projections.session import open_session
from projections.tail import Tail
from projections.worker import Worker

__all__ = ["run_daemon"]

_LOOK: Final = 0.02
"""Seconds between two looks at whether to stop, or whether all have ended."""


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
) -> dict[str, Exception]:
    """Keeps the projections' tables up to date until `stop` is set; returns what failed, by name.

    Of a projection that is given in several versions, the one that made the live rows is run.
    `until_caught_up` ends it when all have passed the watermark of this moment. Events that can't
    be applied are held; with more than `max_failures` of them a projection pauses. One that can't
    go on at all is marked as failed and ends; the others go on. A second daemon stands by, and
    takes over a projection when its holder stops or dies. `revive` brings back a server that this
    process may start. On `stop`, batches under way are finished and leases given back.
    `hooks` are told what was committed; one that fails does not end anything. `http` is where
    pages with health and metrics are served, as HOST:PORT. Raises HookRefused, ConfigurationError.
    """
    target = None
    if until_caught_up:
        with closing(open_session(url, part="daemon")) as conn:
            target = watermark(conn)
    by_name: dict[str, list[Projection]] = {}
    for projection in sorted(projections, key=lambda each: each.version):
        by_name.setdefault(projection.name, []).append(projection)
    failures: dict[str, Exception] = {}
    projections = tuple(projections)

    def run(worker: Worker, name: str) -> None:
        try:
            worker.run()
        except Exception as error:  # noqa: BLE001 - a thread can't raise to anybody
            # The error is in the checkpoint as well, if there was a lease to write it under.
            failures[name] = error
            LOG.error("failed", projection=name, shard=0, error=str(error))
        observer.pulse.end()

    hooks = checked(hooks, [projection.name for projection in projections])
    with (
        Observer(url, projections, hooks=hooks, http=http) as observer,
        Tail(url, revive=revive, pulse=observer.pulse) as tail,
    ):
        threads = [
            Thread(
                target=run,
                name=name,
                args=(
                    Worker(
                        url,
                        versions,
                        tail,
                        stop,
                        LOG,
                        observer,
                        lease_seconds=lease_seconds,
                        batch=batch,
                        target=target,
                        max_failures=max_failures,
                        revive=revive,
                    ),
                    name,
                ),
            )
            for name, versions in by_name.items()
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads) and not stop.wait(_LOOK):
            pass
        tail.close()
        for thread in threads:
            thread.join()
    if until_caught_up:
        failures |= observer.hook_errors()
    return failures
