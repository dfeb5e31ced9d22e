"""The group-commit writer: many callers, one connection, one transaction for all who wait.

A caller who meets nobody sends its own request: no queue, no thread, no hand-over. Who comes
meanwhile queues, and somebody leads: sends what is queued, one batch after the other, until nobody
waits, and tells the callers of a batch how it ended while the next one is under way. Where tasks
call, that is their event loop; otherwise it is a thread of the writer's own, which also takes over
from a loop as soon as anybody else appends, because a loop may be kept busy for long.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from threading import Condition, Event, Lock, Thread, current_thread
from time import monotonic
from typing import Final, Protocol
from uuid import UUID

from eventstore.append import Receipt, Request
from eventstore.connection.database import Database
from eventstore.errors import (
    AppendRefused,
    EventStoreError,
    InvalidEvent,
    NotFlushed,
    StoreUnavailable,
)
from eventstore.limits import (
    APPEND_TIMEOUT,
    LONGEST_TIMEOUT,
    MAX_PENDING_APPENDS,
    MAX_PENDING_BYTES,
)
from eventstore.writing.appender import Appender
from eventstore.writing.backlog import Backlog
from eventstore.writing.batch import Told, in_doubt, send, tell
from eventstore.writing.pending import Blocked, Pending, Submitted
from eventstore.writing.writer_stats import Tally, WriterStats

__all__ = ["GroupCommitWriter", "Loop"]

_FEW: Final = 20
"""Requests that are sent at once: two transactions for them would cost more than they gain."""


class Loop(Protocol):
    """An event loop that can lead: see LoopLead."""

    def dismiss(self) -> None:
        """Tells it that it does not lead any more; from any thread."""


class GroupCommitWriter:
    """Appends requests through one connection, an outcome for each.

    Any number of threads may call; `append` blocks, `submit` gives a future. `timeout` is in
    seconds; without one it is `timeout` of the writer.
    """

    def __init__(
        self,
        database: Database,
        *,
        timeout: float = APPEND_TIMEOUT,
        max_appends: int = MAX_PENDING_APPENDS,
        max_bytes: int = MAX_PENDING_BYTES,
    ) -> None:
        self.appender = Appender(database)
        self._timeout = timeout
        # The server itself ends a statement in time, so a lone caller need not watch the clock.
        self._server_is_stricter = timeout >= database.limits.command
        self._mutex = Lock()
        self._room = Condition(self._mutex)
        self._queue = Backlog(max_appends, max_bytes)
        self._led = False
        """Whether somebody uses the connection: a lone caller, an event loop, or the thread."""
        self._loop: Loop | None = None
        """The event loop that leads."""
        self.hands = Lock()
        """Held by the loop while it uses the connection: nobody takes over meanwhile."""
        self._sent: Sequence[Pending] = ()
        self._alone: Request | None = None
        """What the database works on now."""
        self._tally = Tally()
        self._closed = False
        self._over = Event()
        """Closed, and nobody leads any more."""
        self._thread: Thread | None = None
        self._wake = Lock()
        self._wake.acquire()

    def append(self, request: Request, timeout: float | None = None) -> list[Receipt]:
        """Appends, waits, and returns a receipt for each append of the request.

        Raises AppendRefused, PermissionDenied, Overloaded when it could not be sent in time, or
        StoreUnavailable with the ids in doubt.
        """
        if timeout is None and self._server_is_stricter:
            with self._mutex:
                alone = not (self._led or self._closed)
                if alone:
                    self._led = True
            if alone:
                return self._send_alone(request)
        pending = Blocked(request, self.deadline(timeout))
        self.enqueue(pending)
        try:
            told = pending.wait()
        except BaseException:
            self.give_up(pending)
            raise
        if not told:
            self.give_up(pending)
        if isinstance(pending.outcome, list):
            return pending.outcome
        assert pending.outcome is not None, "the gate opens with an outcome"
        raise pending.outcome

    def submit(self, request: Request) -> Future[list[Receipt]]:
        """Appends in the background; the future gives what `append` returns or raises."""
        return self.submit_many([request])[0]

    def submit_many(self, requests: Sequence[Request]) -> list[Future[list[Receipt]]]:
        """Appends in the background, in order, each by itself and as many as can be at once.

        Waits for room first; raises Overloaded when there is none in time.
        """
        deadline = self.deadline(None)
        with self._room:
            room = self._room.wait_for(lambda: self._queue.has_room or self._closed, self._timeout)
            if not room:
                self._tally.overloaded += 1
                raise self._queue.overloaded(self._timeout)
        pending = [Submitted(request, deadline) for request in requests]
        if pending:
            self.enqueue(*pending)
        return [each.future for each in pending]

    def deadline(self, timeout: float | None) -> float:
        """When a call that begins now is over, by monotonic(); raises InvalidEvent.

        One that is over already is no mistake: it is what a caller's own deadline leaves.
        """
        if timeout is not None and not (
            isinstance(timeout, int | float) and timeout <= LONGEST_TIMEOUT
        ):
            reason = f"{timeout!r} is no number of seconds, or more than {LONGEST_TIMEOUT:,}"
            raise InvalidEvent(reason, path="timeout")
        return monotonic() + (self._timeout if timeout is None else timeout)

    def enqueue(self, *pending: Pending, loop: Loop | None = None) -> bool:
        """Has requests sent in their turn, and their callers told.

        A loop that offers itself and gets True leads from now on.
        """
        with self._mutex:
            if self._closed:
                raise StoreUnavailable("the store is closed; open it again")
            self._queue.extend(pending)
            led, self._led = self._led, True
            if not led:
                self._loop = loop
            elsewhere = self._loop is not None and self._loop is not loop
        if elsewhere:
            self._take_over()
        if led or loop is not None:
            return not led
        self._rouse()
        return False

    def is_led_by(self, loop: Loop) -> bool:
        """Whether that loop leads; sure only while it holds `hands`."""
        return self._loop is loop

    def next_batch(self, told: Told) -> Sequence[Pending] | None:
        """What whoever leads sends next; those who are too late for it join `told`.

        None when there is nothing to send and nobody to tell: then the lead has ended.
        """
        now = monotonic()
        with self._mutex:
            # Half of those who wait or are about to be told, unless they are few: so one half
            # says what is next while the database works for the other.
            most = max(_FEW, (len(told) + len(self._queue) + 1) // 2)
            batch, late = self._queue.take(most, now)
            told += [(each, self._queue.overloaded(now - each.entered)) for each in late]
            self._tally.overloaded += len(late)
            self._sent = batch
            self._room.notify_all()
            if batch:
                self._tally.batch(batch, now)
            if batch or told:
                return batch
            self._loop = None
            self._led = last = self._closed
        if last:
            self._end()
        return None

    def hand_over(self) -> None:
        """Has the thread lead in place of a loop, and begin with what that has sent."""
        with self._mutex:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.dismiss()
            self._rouse()

    def _take_over(self) -> None:
        with self.hands:
            self.hand_over()

    def waiting(self) -> list[Pending]:
        """The requests that queue, and those under way."""
        with self._mutex:
            return [*self._queue, *self._sent]

    def give_up(self, pending: Pending) -> None:
        """Ends the wait of one whose caller leaves: its outcome says what is known of it."""
        with self._mutex:
            if pending.outcome is not None:
                return
            now = monotonic()
            waited = now - pending.entered
            if self._queue.withdraw(pending):
                self._tally.overloaded += now >= pending.deadline  # else it was interrupted
                pending.outcome = self._queue.overloaded(waited)
            else:
                pending.outcome = StoreUnavailable(
                    f"no answer within {waited:.3g} s", event_ids=pending.request.event_ids
                )

    @property
    def stats(self) -> WriterStats:
        """What waits now, and what was done since the writer was made."""
        with self._mutex:
            in_flight = len(self._sent) + (self._alone is not None)
            return self._tally.stats(len(self._queue), self._queue.bytes, in_flight)

    def close(self, timeout: float | None = None) -> None:
        """Refuses what comes after, sends what is queued, and closes the connection.

        Raises NotFlushed with the ids of what was not recorded for certain within `timeout`.
        """
        with self._mutex:
            self._closed = True
            self._room.notify_all()
            idle, self._led = not self._led, True
        if idle:
            self._end()
        self._take_over()
        if self._over.wait(min(self._timeout if timeout is None else timeout, LONGEST_TIMEOUT)):
            if self._thread is not None:
                self._thread.join()
            return
        with self._mutex:
            left, sent = self._queue.clear(), [pending.request for pending in self._sent]
            if self._alone is not None:
                sent.append(self._alone)
        reason = "the store was closed before this was sent; nothing of it was recorded"
        tell([(pending, StoreUnavailable(reason)) for pending in left])
        raise NotFlushed(_ids([pending.request for pending in left]), _ids(sent))

    def _send_alone(self, request: Request) -> list[Receipt]:
        """Sends the request of a caller who met nobody: the usual case, without the queue."""
        self._alone = request
        self._tally.alone += 1
        try:
            outcome = self.appender.append([request])[0]
        except EventStoreError as error:
            raise in_doubt(error, request) from error.__cause__
        finally:
            self._alone = None
            with self._mutex:
                done, last = not self._queue, self._closed
                if done:
                    self._led = last
            if not done:
                self._rouse()
            elif last:
                self._end()
        if isinstance(outcome, AppendRefused):
            raise outcome
        return outcome

    def _rouse(self) -> None:
        """Has the writer's thread lead; whoever calls this leads until then."""
        if self._thread is None:
            thread = Thread(target=self._serve, name="eventstore writer", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # there are too many; who comes next tries again
                with self._mutex:
                    left, sent = self._queue.clear(), self._sent
                    self._sent = ()
                    self._led = last = self._closed
                    self._room.notify_all()
                self.appender.close()
                reason = "no thread could be started to send this"
                nothing = StoreUnavailable(f"{reason}; nothing of it was recorded")
                tell([(pending, nothing) for pending in left])
                tell(
                    [
                        (one, StoreUnavailable(reason, event_ids=one.request.event_ids))
                        for one in sent
                    ]
                )
                if last:
                    self._end()
                return
            self._thread = thread
        self._wake.release()

    def _serve(self) -> None:
        while True:
            self._wake.acquire()
            if not self._over.is_set():
                self._lead()
            if self._over.is_set():
                return

    def _lead(self) -> None:
        """Sends batches until nobody waits; the first may be one that a loop has sent."""
        told: Told = []
        batch: Sequence[Pending] | None = self._sent
        while batch is not None:
            former, told = told, []
            if batch:
                told = send(self.appender, batch, lambda: tell(former))  # noqa: B023
            tell(former)
            batch = self.next_batch(told)

    def _end(self) -> None:
        """Closes the connection; whoever leads calls this, last."""
        self.appender.close()
        self._over.set()
        if self._thread is not None and self._thread is not current_thread():
            self._wake.release()  # so that it ends too


def _ids(requests: Sequence[Request]) -> list[UUID]:
    return [event_id for request in requests for event_id in request.event_ids]
