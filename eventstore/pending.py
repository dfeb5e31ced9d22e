"""A request that waits for the group commit, and how its caller gets the outcome."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING

from eventstore.append import Receipt, Request

if TYPE_CHECKING:
    from eventstore.desk import Desk

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
    """Its caller is a thread that waits at `gate`."""

    __slots__ = ("gate",)

    def __init__(self, request: Request, deadline: float) -> None:
        super().__init__(request, deadline)
        self.gate = Lock()
        self.gate.acquire()

    def settle(self, outcome: Outcome) -> Desk | None:
        """Opens the gate."""
        self.outcome = outcome
        self.gate.release()
        return None


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
