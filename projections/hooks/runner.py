"""One hook on one shard: a thread that tells it what the shard's holder has committed.

It outlives the lease that it works under, so that a call which takes long is over before the next
one begins, and is never waited for by the projection.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from threading import Condition, Thread
from time import monotonic

from structlog.typing import FilteringBoundLogger

from eventstore.errors import StoreUnavailable
from projections.errors import HookFailed, LeaseLost
from projections.hooks.hook import Changes, Hook
from projections.hooks.place import Place
from projections.hooks.stretch import Stretch, next_stretch
from projections.row_store import RowStore
from projections.session import Connection, open_session

__all__ = ["Runner"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 60.0
"""Seconds between two tries of a hook that fails, at first and in the end."""
_FIRST_RETURN, _LONGEST_RETURN = 0.05, 2.0
"""Seconds between two tries to reach a server that is away, at first and in the end."""


class Runner:
    """Tells a hook of everything, for as long as the process holds the shard's lease."""

    def __init__(
        self,
        url: str,
        hook: Hook,
        shard: int,
        log: FilteringBoundLogger,
        *,
        failed: Callable[[], None] = lambda: None,
    ) -> None:
        self.hook = hook
        self.error: HookFailed | None = None
        """Why the last call failed; None when it succeeded."""
        self.calling_since: float | None = None
        """When the call under way began, by monotonic(); None between calls."""
        self._url, self._failed = url, failed
        self._log = log.bind(projection=hook.projection, shard=shard, hook=hook.name)
        self._changed = Condition()
        self._place: Place | None = None
        self._store: RowStore | None = None
        self._closed = False
        self._signals = 0
        self._settled = 0  # the last signal after which there was nothing left to tell, or to try
        self._resting = True
        self._pause = _FIRST_PAUSE
        self._thread = Thread(
            target=self._run, name=f"hook {hook.name} {hook.projection}/{shard}", daemon=True
        )
        self._thread.start()

    def follow(self, place: Place, store: RowStore) -> None:
        """Goes on under this lease, with the tables of the rules that are live."""
        with self._changed:
            self._place, self._store = place, store
            self._changed.notify_all()

    def wake(self) -> int:
        """There is news; returns the number of this signal, for `settled`."""
        with self._changed:
            self._signals += 1
            self._changed.notify_all()
            return self._signals

    def settled(self, signal: int, timeout: float) -> bool:
        """Waits until all that was committed before a signal was told, or the hook has failed."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._settled >= signal or self._place is None, timeout
            )

    def rest(self, timeout: float = 0.0) -> bool:
        """Begins no call from now on; whether the one under way has ended in time."""
        with self._changed:
            self._place = None
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._resting, timeout)

    def close(self, timeout: float) -> bool:
        """Ends the thread; whether it has ended in time. A call can't be broken off."""
        with self._changed:
            self._closed, self._place = True, None
            self._changed.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        pause = _FIRST_RETURN
        while (found := self._next_place()) is not None:
            place, store = found
            try:
                with closing(open_session(self._url, part=f"hook {self.hook.name}")) as conn:
                    if not self._claimed(conn, place):
                        continue
                    pause = _FIRST_RETURN
                    with self.hook.holding(place.shard, place.fencing_token):
                        self._follow(conn, place, store)
            except LeaseLost:
                continue  # or so it seems: to claim it again says whether it is
            except Exception as error:  # noqa: BLE001 - a thread can't raise to anybody
                self._log.warning("hook interrupted", reason=str(error), retry_in=pause)
                if not isinstance(error, StoreUnavailable):  # which is not cured by waiting
                    self.error = self._failure(place, str(error))
                    self._settle(self._signals)
                self._wait(place, lambda: False, pause)
                pause = min(pause * 2, _LONGEST_RETURN)

    def _next_place(self) -> tuple[Place, RowStore] | None:
        """Where to go on, waited for; None at the end."""
        with self._changed:
            self._resting = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed or self._place is not None)
            if self._place is None or self._store is None:
                return None
            self._resting = False
            return self._place, self._store

    def _claimed(self, conn: Connection, place: Place) -> bool:
        try:
            place.claim(conn)
        except LeaseLost:
            with self._changed:
                if self._place is place:
                    self._place = None
            return False
        return True

    def _follow(self, conn: Connection, place: Place, store: RowStore) -> None:
        while self._place is place:
            signals = self._signals
            stretch = next_stretch(conn, store.projection, place)
            if stretch is not None:
                changes = stretch.changes(conn, store, place)
                self._tell(conn, place, stretch, changes, signals)
                continue
            self._settle(signals)
            self._wait(place, lambda: self._signals != signals)  # noqa: B023 - ends in this turn

    def _tell(
        self,
        conn: Connection,
        place: Place,
        stretch: Stretch,
        changes: Changes | None,
        signals: int,
    ) -> None:
        if changes is not None and self._place is place:
            self.calling_since = began = monotonic()
            try:
                self.hook.after_commit(changes)
            except BaseException as error:  # noqa: BLE001 - SystemExit would end the thread unseen
                self.calling_since = None
                self._keep(conn, place, error, signals)
                return
            self.calling_since = None
            self._log.debug(
                "hook told",
                position=changes.until,
                events=len(changes.events),
                seconds=round(monotonic() - began, 6),
            )
        elif changes is not None:
            return
        place.advance(conn, stretch.until, stretch.positions)
        self.error, self._pause = None, _FIRST_PAUSE

    def _keep(self, conn: Connection, place: Place, error: BaseException, signals: int) -> None:
        """Writes down why a call failed, and waits until it is time to try again."""
        pause, self._pause = self._pause, min(self._pause * 2, _LONGEST_PAUSE)
        reason = f"{type(error).__name__}: {error}"
        self.error = self._failure(place, reason)
        self._failed()
        self._log.error("hook failed", position=place.position, error=reason, retry_in=pause)
        place.fail(conn, error, pause)
        self._settle(signals)
        self._wait(place, lambda: False, pause)

    def _failure(self, place: Place, reason: str) -> HookFailed:
        return HookFailed(self.hook.name, place.projection, place.shard, place.position, reason)

    def _settle(self, signals: int) -> None:
        with self._changed:
            self._settled = signals
            self._changed.notify_all()

    def _wait(self, place: Place, ready: Callable[[], bool], timeout: float | None = None) -> None:
        """Waits until it is ready, or the place is no longer this runner's."""
        with self._changed:
            self._changed.wait_for(lambda: self._place is not place or ready(), timeout)
