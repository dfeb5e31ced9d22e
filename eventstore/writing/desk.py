"""Where the tasks of one event loop wait for their appends.

The loop itself sends them, if it can. A batch that another thread sent rings once for all of them,
their futures are the loop's own, and one timer watches all deadlines.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from time import monotonic

from eventstore.append import Receipt, Request
from eventstore.writing.batch import Told, tell
from eventstore.writing.loop_lead import LoopLead
from eventstore.writing.pending import Outcome, Pending
from eventstore.writing.writer import GroupCommitWriter

__all__ = ["Desk"]


class Desk:
    """Hands requests to a writer, and their outcomes to the tasks of `loop`."""

    def __init__(self, writer: GroupCommitWriter, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._writer = writer
        self._lead = LoopLead(writer, loop, self._tell)
        self._settled: deque[_Awaited] = deque()
        self._rung = False
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def append(self, request: Request, timeout: float | None) -> asyncio.Future[list[Receipt]]:
        """Has a request sent; the future gives what GroupCommitWriter.append does.

        Cancelling it while the request queues means that it is never sent.
        """
        deadline = self._writer.deadline(timeout)
        pending = _Awaited(request, deadline, self)
        self._lead.enqueue(pending)
        if self._timer is None or deadline < self._due:
            self._watch(deadline)
        return pending.future

    def lay(self, pending: _Awaited) -> None:
        """Lays one that has an outcome on the desk; from any thread."""
        self._settled.append(pending)

    def ring(self) -> None:
        """Has what lies on the desk handed out; from any thread."""
        if not self._rung:
            self._rung = True
            with suppress(RuntimeError):  # the loop is closed, so nobody waits there
                self.loop.call_soon_threadsafe(self._hand_out)

    def _tell(self, told: Told) -> None:
        """Gives outcomes to callers here and elsewhere, in the loop's thread."""
        self._rung = True  # nobody need ring
        tell(told)
        self._hand_out()

    def _hand_out(self) -> None:
        self._rung = False  # before the look, so that what comes after it rings again
        while self._settled:
            self._settled.popleft().hand_out()

    def _watch(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._due = deadline
        self._timer = self.loop.call_later(deadline - monotonic(), self._look_at_the_clock)

    def _look_at_the_clock(self) -> None:
        self._timer = None
        now, rest = monotonic(), list[float]()
        for pending in self._writer.waiting():
            if not isinstance(pending, _Awaited) or pending.desk is not self:
                continue
            if pending.deadline <= now:
                self._writer.give_up(pending)
                pending.hand_out()
            else:
                rest.append(pending.deadline)
        if rest:
            self._watch(min(rest))


class _Awaited(Pending):
    """Its caller is a task, which awaits a future of its loop."""

    __slots__ = ("desk", "future")

    def __init__(self, request: Request, deadline: float, desk: Desk) -> None:
        super().__init__(request, deadline)
        self.desk = desk
        self.future: asyncio.Future[list[Receipt]] = desk.loop.create_future()

    def wanted(self) -> bool:
        """Whether the task was not cancelled."""
        return not self.future.done()

    def settle(self, outcome: Outcome) -> Desk:
        """Lays the outcome on the desk."""
        self.outcome = outcome
        self.desk.lay(self)
        return self.desk

    def hand_out(self) -> None:
        """Gives the task its outcome, unless it has gone; in the loop's thread."""
        if self.future.done():
            return
        if isinstance(self.outcome, list):
            self.future.set_result(self.outcome)
        elif self.outcome is not None:
            self.future.set_exception(self.outcome)
