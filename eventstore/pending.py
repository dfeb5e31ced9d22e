"""A request that waits for the group commit, and how its caller gets the outcome."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from threading import Lock

from eventstore.append import Receipt, Request

__all__ = ["Pending"]


class Pending:
    """A request in the queue, and its outcome once there is one.

    A caller that blocks waits at `gate`, which opens when the outcome is there, or when the caller
    is to lead. One that does not block has a future.
    """

    __slots__ = ("error", "future", "gate", "receipts", "request")

    def __init__(self, request: Request, future: Future[list[Receipt]] | None) -> None:
        self.request, self.future = request, future
        self.gate = Lock()
        self.gate.acquire()
        self.receipts: list[Receipt] | None = None
        self.error: BaseException | None = None

    @property
    def done(self) -> bool:
        """Whether there is an outcome."""
        return self.receipts is not None or self.error is not None

    def begin(self) -> bool:
        """Whether it is still wanted: a future may have been cancelled while it queued."""
        future = self.future
        if future is None or future.running() or future.set_running_or_notify_cancel():
            return True
        self.error = CancelledError()
        return False

    def settle(self, receipts: list[Receipt] | None, error: BaseException | None) -> None:
        """Gives the caller its outcome; the first one counts."""
        if self.done:
            return
        self.receipts, self.error = receipts, error
        if self.future is None:
            self.gate.release()
        elif error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(receipts or [])
