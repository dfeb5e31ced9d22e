"""One projection, live: follows the log and keeps its tables up to date."""

from __future__ import annotations

from collections.abc import Callable
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
from projections.errors import LeaseLost, ProjectionPaused
from projections.failure import facts_of
from projections.holding import MAX_FAILURES
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

    When `target` is given it stops once the checkpoint has passed that position, whoever moved it.
    """

    def __init__(
        self,
        url: str,
        projection: Projection,
        tail: Tail,
        stop: Signal,
        log: FilteringBoundLogger,
        *,
        lease_seconds: float = LEASE_SECONDS,
        batch: int = BATCH,
        target: int | None = None,
        max_failures: int = MAX_FAILURES,
        revive: Callable[[], None] = lambda: None,
    ) -> None:
        self._url, self._projection, self._tail, self._stop = url, projection, tail, stop
        self._log = log.bind(projection=projection.name)
        self._lease_seconds, self._batch = lease_seconds, batch
        self._target, self._revive = target, revive
        self._applier = Applier(RowStore(projection), max_failures=max_failures)
        self._lease: Lease | None = None

    def run(self) -> None:
        """Returns when it was stopped or has reached its target.

        Raises RulesDiffer when the tables need a rebuild; ProjectionPaused when it has a target
        and can't reach it, because too many events failed; other errors of the store that waiting
        won't cure. Loss of the connection or of the lease is not among them.
        """
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
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
            got = acquire(conn, self._projection, seconds=self._lease_seconds)
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

    def _hold(self, conn: Connection, lease: Lease) -> None:
        try:
            self._follow(conn, lease)
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
