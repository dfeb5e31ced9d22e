"""A request that waits for the group commit, and how its caller gets the outcome."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from eventstore.append import Receipt, Request

if TYPE_CHECKING:
    from eventstore.writing.desk import Desk

__all__ = ["Blocked", "Outcome", "Pending", "Submitted"]

Outcome = list[Receipt] | BaseException


class Pending:
    """A request in the queue, and its outcome once there is one; the first one counts.

    `entered` and `deadline` are by monotonic(). How the caller is told is for the subclasses.
    """

    __slots__ = ("deadline", "entered", "outcome", "request")

    def __init__(self, request: Request, deadline: float) -> None:
        self.request, self.deadline = request, deadline
        self.entered = monotonic()
        self.outcome: Outcome | None = None

    def wanted(self) -> bool:
        """Whether its caller still waits, now that it is about to be sent."""
        return self.outcome is None

    def settle(self, outcome: Outcome) -> Desk | None:
        """Notes the outcome and tells the caller, or says at which desk to ring for that."""
        raise NotImplementedError


class Blocked(Pending):
    """Its caller is a thread that waits at a gate, and opens the next one when it comes through.

    All gates of a batch opened at once would have hundreds of threads contend for the interpreter,
    each waking every few milliseconds to ask for it.
    """

    __slots__ = ("_gate", "_left", "next")

    def __init__(self, request: Request, deadline: float) -> None:
        super().__init__(request, deadline)
        self.next: Blocked | None = None
        self._left = False
        self._gate = Lock()
        self._gate.acquire()

    def wait(self) -> bool:
        """Whether the gate opened before the deadline; if not, the caller leaves."""
        opened = False
        try:
            opened = self._gate.acquire(timeout=max(0.0, self.deadline - monotonic()))
        finally:
            if not opened:  # too late, or interrupted
                self._left = True
                opened = self._gate.acquire(blocking=False)
            if opened and self.next is not None:
                self.next.open()
        return opened

    def settle(self, outcome: Outcome) -> Desk | None:
        """Notes the outcome; the gate is opened afterwards."""
        self.outcome = outcome
        return None

    def open(self) -> None:
        """Lets the caller come through, or the next one when it has left."""
        this: Blocked | None = self
        while this is not None:
            this._gate.release()
            # Who finds it open, the caller that leaves or this, goes on; never both.
            if not (this._left and this._gate.acquire(blocking=False)):
                return
            this = this.next


class Submitted(Pending):
    """Its caller has a future, and may be anywhere."""

    __slots__ = ("future",)

    def __init__(self, request: Request, deadline: float) -> None:
        super().__init__(request, deadline)
        self.future: Future[list[Receipt]] = Future()

    def wanted(self) -> bool:
        """Whether the future was not cancelled; from now on it can't be."""
        return self.future.running() or self.future.set_running_or_notify_cancel()

    def settle(self, outcome: Outcome) -> Desk | None:
        """Gives the future its result, unless it was cancelled."""
        self.outcome = outcome
        if not self.wanted():
            return None
        if isinstance(outcome, BaseException):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)
        return None
