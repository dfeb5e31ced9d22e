"""Waits until read models have what was appended.

One thread waits for all callers, with one call at a time and inside the server, so that a thousand
of them cost no more than one.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import ceil
from threading import Condition, Thread
from time import monotonic
from typing import Final

from eventstore.append import Receipt
from eventstore.connection.database import Connection, Database, translated
from eventstore.connection.queries import load
from eventstore.errors import (
    DeadlineExceeded,
    EventHeld,
    EventStoreError,
    NotFound,
    StoreUnavailable,
)

__all__ = ["Appended", "Arrivals"]

Appended = Receipt | int | Iterable[Receipt | int]
"""What to wait for: a receipt, a position, or several of them."""

_SQL: Final = load("eventstore.sql", "arrivals.sql")
_LOOKS: Final = 10
"""Looks of a millisecond in one call; whoever comes meanwhile joins the next."""
_IDLE_SECONDS: Final = 1.0
"""So long the thread stays when nobody waits."""
_RETRY_PAUSE: Final = 0.05
_HOOK_SHARE, _HOOK_PAUSE = 0.25, 0.25
"""Tables take milliseconds, and hooks as long as they like: while only hooks are waited for, there
is a pause of that part of the time that they have taken, and of so many seconds at most."""


@dataclass(slots=True)
class _Wait:
    projection: str
    positions: tuple[int, ...]
    until: int
    timeout: float
    deadline: float
    there_at: float | None = None
    """Since when only hooks are waited for, by monotonic()."""
    future: Future[int] = field(default_factory=Future)

    def fail(self, error: BaseException) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)

    def succeed(self, reached: int) -> None:
        if self.future.set_running_or_notify_cancel():
            self.future.set_result(reached)


class Arrivals:
    """Tells callers when projections have applied their events."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = Condition()
        self._waiting: list[_Wait] = []
        self._thread: Thread | None = None
        self._closed = False

    def submit(self, appended: Appended, projection: str, timeout: float) -> Future[int]:
        """The position that the projection has reached, once it has what was appended.

        The future raises EventHeld, NotFound, DeadlineExceeded or StoreUnavailable.
        """
        self._database.require_open()
        positions = _positions(appended)
        until = max(positions, default=0)
        wait = _Wait(projection, positions, until, timeout, monotonic() + timeout)
        with self._changed:
            if self._closed:
                raise StoreUnavailable("the store is closed; open it again")
            self._waiting.append(wait)
            if self._thread is None:
                self._thread = Thread(target=self._run, name="arrivals", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return wait.future

    def close(self) -> None:
        """Ends every wait."""
        with self._changed:
            self._closed = True
            thread = self._thread
            self._changed.notify_all()
        if thread is not None:
            thread.join()
        for wait in self._waiting:
            wait.fail(StoreUnavailable("the store was closed"))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed, _IDLE_SECONDS)
                if self._closed or not self._waiting:
                    self._thread = None
                    return
                waiting = list(self._waiting)
            done: list[_Wait] = []
            try:
                with self._database.reading() as connection:
                    done = _look(connection, waiting)
            except StoreUnavailable as error:
                done = [wait for wait in waiting if wait.deadline <= monotonic()]
                for wait in done:
                    wait.fail(error)
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, _RETRY_PAUSE)
            except BaseException as error:  # noqa: BLE001 - a thread can't raise to anybody
                done = waiting
                for wait in done:
                    wait.fail(error)
            with self._changed:
                self._waiting = [wait for wait in self._waiting if wait not in done]
                known = len(self._waiting)
                self._changed.wait_for(
                    lambda: self._closed or len(self._waiting) != known,  # noqa: B023
                    _pause(self._waiting),
                )


def _pause(waiting: list[_Wait]) -> float:
    """Seconds until the next look, when all that is waited for are hooks."""
    now = monotonic()
    return min(
        (
            0.0
            if wait.there_at is None
            else min(_HOOK_SHARE * (now - wait.there_at), _HOOK_PAUSE, wait.deadline - now)
            for wait in waiting
        ),
        default=0.0,
    )


def _look(connection: Connection, waiting: list[_Wait]) -> list[_Wait]:
    """Waits a little for some of them; returns those that were settled."""
    wanted: dict[str, int] = {}
    for wait in waiting:
        wanted[wait.projection] = min(wait.until, wanted.get(wait.projection, wait.until))
    left = min(wait.deadline for wait in waiting) - monotonic()
    arguments = {
        "projections": list(wanted),
        "positions": list(wanted.values()),
        "looks": min(max(ceil(left * 1000), 1), _LOOKS),
    }
    with translated():
        reached: dict[str, int] = dict(connection.execute(_SQL["arrived"], arguments).fetchall())
    done: list[_Wait] = []
    for wait in waiting:
        at = reached.get(wait.projection)
        if wait.future.cancelled():
            done.append(wait)
        elif at is None or at >= wait.until or wait.deadline <= monotonic():
            error = _error(connection, wait, at)
            if error is None:
                wait.succeed(int(at or 0))
            elif isinstance(error, DeadlineExceeded) and wait.deadline > monotonic():
                wait.there_at = wait.there_at or monotonic()  # the tables are, the hooks are not
                continue
            else:
                wait.fail(error)
            done.append(wait)
    return done


def _error(connection: Connection, wait: _Wait, reached: int | None) -> EventStoreError | None:
    """Why a wait can't succeed now; None when it has succeeded."""
    name = wait.projection
    if reached is None:
        hint = "see `eventstore projections list`; it may be that it never ran"
        return NotFound("projection", name, hint)
    facts = {"projection": name, "positions": list(wait.positions)}
    with translated():
        held = connection.execute(_SQL["held"], facts).fetchone()
        if held is not None:
            return EventHeld(name, *held)
        if reached >= wait.until:
            until = {"projection": name, "until": wait.until}
            told = connection.execute(_SQL["hooks_told"], until).fetchone()
            if told is None or told[0]:
                return None
        there = connection.execute(_SQL["laggard"], facts).fetchone()
    position, state, holder, last_error = there or (reached, "gone", None, None)
    if reached >= wait.until:
        last_error = "but its hooks were not told yet, see `eventstore projections hooks list`"
    return DeadlineExceeded(
        name, wait.until, wait.timeout, position, state, holder, last_error=last_error
    )


def _positions(appended: Appended) -> tuple[int, ...]:
    if isinstance(appended, Receipt):
        return appended.positions
    if isinstance(appended, int):
        return (appended,)
    return tuple(position for one in appended for position in _positions(one))
