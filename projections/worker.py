"""One projection, live: follows the log and keeps its tables up to date."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from threading import Event as Signal
from time import monotonic
from typing import Final

from structlog.typing import FilteringBoundLogger

from eventstore.errors import StoreUnavailable
from eventstore.read import page_after
from projections.applier import Applier
from projections.batch import BATCH
from projections.checkpoint import LEASE_SECONDS, Lease, acquire, position_of
from projections.errors import LeaseLost, ProjectionPaused, RulesDiffer
from projections.failure import facts_of
from projections.holding import MAX_FAILURES
from projections.observer import Observer
from projections.projection import Projection
from projections.row_store import RowStore
from projections.session import Connection, open_session, plan_for_keys
from projections.tail import Tail

__all__ = ["Worker"]

_STANDBY_PAUSE: Final = 0.25
"""Seconds between two tries to get a lease that another projector holds."""

_IDLE_ADVANCE: Final = 0.25
"""Seconds between two moves of the checkpoint over events of other projections."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
"""Seconds between two tries to reach a server that is away, at first and in the end."""


class Worker:
    """Runs one projection until it is told to stop, or can't go on.

    `versions` are the rules there are for it, the newest last: it goes by those that made the live
    rows, also when a rebuild puts rows of others in their place. When `target` is given it stops
    once the checkpoint has passed that position, whoever moved it.
    """

    def __init__(
        self,
        url: str,
        versions: Sequence[Projection],
        tail: Tail,
        stop: Signal,
        log: FilteringBoundLogger,
        observer: Observer,
        *,
        lease_seconds: float = LEASE_SECONDS,
        batch: int = BATCH,
        target: int | None = None,
        max_failures: int = MAX_FAILURES,
        revive: Callable[[], None] = lambda: None,
    ) -> None:
        self._url, self._versions, self._tail, self._stop = url, versions, tail, stop
        self._log = log.bind(projection=versions[-1].name, shard=0)
        self._observer = observer
        self._lease_seconds, self._batch = lease_seconds, batch
        self._target, self._revive = target, revive
        self._projection, self._max_failures = versions[-1], max_failures
        self._applier = Applier(RowStore(self._projection), max_failures=max_failures)
        self._lease: Lease | None = None

    def run(self) -> None:
        """Returns when it was stopped or has reached its target.

        Raises NotInstalled or RulesDiffer when the tables need a rebuild; ProjectionPaused when it
        has a target and can't reach it, because too many events failed; other errors of the store
        that waiting won't cure. Loss of the connection or of the lease is not among them.
        """
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            self._observer.pulse.beat()
            try:
                with closing(open_session(self._url, part=self._projection.name)) as conn:
                    plan_for_keys(conn)
                    lease = self._acquire(conn)
                    pause = _FIRST_PAUSE
                    if lease is not None:
                        self._hold(conn, lease)
                    return
            except StoreUnavailable as error:
                self._log.warning("connection lost", reason=error.reason, retry_in=pause)
                self._stop.wait(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                self._revive()
            except LeaseLost as error:
                self._log.warning("lease lost", fencing_token=error.fencing_token)
                self._lease = None

    def _acquire(self, conn: Connection) -> Lease | None:
        """The lease, waited for as long as another has it; None when there is nothing to do."""
        if self._lease is not None:
            # The connection was lost, not the lease: the row says which commits came through.
            self._lease.resume(conn)
            return self._lease
        known_holder = None
        while not self._stop.is_set():
            self._observer.pulse.beat()
            try:
                got = acquire(conn, self._projection, seconds=self._lease_seconds)
            except RulesDiffer as differ:
                self._go_by(differ.found)
                continue
            if isinstance(got, Lease):
                self._lease = got
                self._log.info("lease acquired", position=got.position, token=got.fencing_token)
                return got
            if self._reached(position_of(conn, self._projection)):
                return None
            if got.holder != known_holder:
                known_holder = got.holder
                self._log.info("standby", holder=got.holder, silent_seconds=got.silent_seconds)
            self._stop.wait(_STANDBY_PAUSE)
        return None

    def _go_by(self, version: int) -> None:
        """Takes the rules that made the live rows; raises RulesDiffer when they are not known."""
        for known in self._versions:
            if known.version == version:
                self._projection = known
                self._applier = Applier(RowStore(known), max_failures=self._max_failures)
                self._log.info("rules taken", projection_version=version)
                return
        newest = self._versions[-1]
        raise RulesDiffer(newest.name, version, newest.version)

    def _hold(self, conn: Connection, lease: Lease) -> None:
        try:
            with self._observer.holding(conn, self._projection, lease) as hooks:
                self._follow(conn, lease)
                if self._target is not None:
                    hooks.catch_up(conn, self._stop)
        except (StoreUnavailable, LeaseLost):
            raise
        except ProjectionPaused:
            lease.release(conn)
            raise
        except Exception as error:
            lease.fail(conn, facts_of(error))
            raise
        lease.release(conn)
        self._lease = None
        self._log.info("stopped", position=lease.position)

    def _follow(self, conn: Connection, lease: Lease) -> None:
        began, applier = monotonic(), self._applier
        applier.take_up(conn, lease)
        seen = lease.position  # no event of this projection up to here is left to apply
        while not self._stop.is_set() and not self._reached(lease.position):
            self._observer.pulse.beat()
            applier.attend(conn)
            pause = min(lease.heartbeat_in, applier.attend_in)
            if applier.paused:
                self._sit_out(conn, lease, pause)
                continue
            if seen > lease.position:
                pause = min(pause, lease.advanced_at + _IDLE_ADVANCE - monotonic())
            mark = self._tail.wait(seen, since=began, timeout=max(pause, 0.0))
            if mark > seen:
                events = page_after(
                    conn, seen, mark, self._batch, event_types=self._projection.event_types
                )
                seen = mark if len(events) < self._batch else events[-1].position
                if events:
                    with self._observer.batch(lease):
                        applier.apply(conn, events, seen)
                    seen = lease.position
            if seen > lease.position and (
                self._reached(seen) or monotonic() >= lease.advanced_at + _IDLE_ADVANCE
            ):
                lease.advance(conn, seen)
            elif lease.heartbeat_in <= 0.0:
                lease.heartbeat(conn)
        if seen > lease.position:
            lease.advance(conn, seen)

    def _sit_out(self, conn: Connection, lease: Lease, seconds: float) -> None:
        """Keeps the lease while the projection is paused."""
        if self._target is not None:
            raise self._applier.why_paused
        self._stop.wait(seconds)
        if lease.heartbeat_in <= 0.0:
            lease.heartbeat(conn)

    def _reached(self, position: int) -> bool:
        return self._target is not None and position >= self._target
