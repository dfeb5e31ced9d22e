"""The group-commit writer: many callers, one connection, one transaction for all who wait.

The first caller leads: it sends what is queued as one batch, its own request among it, and hands
each caller its outcome. Who comes meanwhile queues, and one of them leads next. A lone caller so
pays for no hand-over, and many share one round trip and one flush to disk. Callers that can't
block (the asynchronous store) are led by a thread of the writer's own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from threading import Event as Signal
from threading import Lock, Thread
from typing import Final
from uuid import UUID

from eventstore.append import Receipt, Request
from eventstore.appender import Appender, is_lost
from eventstore.database import Database
from eventstore.errors import AppendRefused, EventStoreError, StoreUnavailable
from eventstore.pending import Pending

__all__ = ["GroupCommitWriter"]

MAX_BATCH_EVENTS: Final = 1_000
MAX_BATCH_BYTES: Final = 8 * 1024 * 1024


class GroupCommitWriter:
    """Appends requests through one connection, an outcome for each.

    Any number of threads may call; `append` blocks, `submit` gives a future.
    """

    def __init__(self, database: Database) -> None:
        self._appender = Appender(database)
        self._mutex = Lock()
        self._queue: deque[Pending] = deque()
        self._led = False
        self._appointed: Pending | None = None
        """Whose turn it is to lead, until it begins to."""
        self._closed = False
        self._thread: Thread | None = None
        self._wake = Signal()

    def append(self, request: Request) -> list[Receipt]:
        """Appends, waits, and returns a receipt for each append of the request.

        Raises AppendRefused, PermissionDenied, or StoreUnavailable with the ids in doubt.
        """
        with self._mutex:
            alone = not (self._led or self._closed)
            if alone:
                self._led = True
        if alone:
            return self._send_alone(request)
        pending = Pending(request, None)
        if self._enqueue(pending):
            self._lead(pending)
        else:
            self._follow(pending)
        if pending.error is not None:
            raise pending.error
        assert pending.receipts is not None
        return pending.receipts

    def submit(self, request: Request) -> Future[list[Receipt]]:
        """Appends in the background; the future gives what `append` returns or raises."""
        return self.submit_many([request])[0]

    def submit_many(self, requests: Sequence[Request]) -> list[Future[list[Receipt]]]:
        """Appends in the background, in order, each by itself and as many as can be at once."""
        futures: list[Future[list[Receipt]]] = [Future() for _ in requests]
        pending = list(map(Pending, requests, futures))
        if pending and self._enqueue(*pending):
            self._appointed = pending[0]
            self._rouse()
        return futures

    def close(self) -> None:
        """Sends what is queued, refuses what comes after, and closes the connection."""
        with self._mutex:
            self._closed = True
            thread = self._thread
        if thread is not None:
            self._wake.set()
            thread.join()
        with self._mutex:
            idle = not self._led
        if idle:
            self._appender.close()

    def _enqueue(self, *pending: Pending) -> bool:
        """Whether the caller is the one to lead."""
        with self._mutex:
            if self._closed:
                raise StoreUnavailable("the store is closed; open it again")
            self._queue.extend(pending)
            if self._led:
                return False
            self._led = True
            return True

    def _send_alone(self, request: Request) -> list[Receipt]:
        """Sends the request of a caller who met nobody: the usual case, without the queue."""
        try:
            outcome = self._appender.append([request])[0]
        except EventStoreError as error:
            raise _in_doubt(error, request) from error.__cause__
        finally:
            self._hand_over()
        if isinstance(outcome, AppendRefused):
            raise outcome
        return outcome

    def _follow(self, pending: Pending) -> None:
        """Waits for the outcome, or for the turn to lead."""
        try:
            pending.gate.acquire()
        except BaseException:
            # The caller was interrupted and leaves: should it be its turn to lead, now or later,
            # the writer's own thread leads in its place.
            with self._mutex:
                pending.future = Future()
                pending.future.set_running_or_notify_cancel()
                appointed = self._appointed is pending
            if appointed:
                self._rouse()
            raise
        if not pending.done:
            self._lead(pending)

    def _lead(self, own: Pending) -> None:
        """Sends batches until the leader's own request has its outcome, then hands over."""
        self._appointed = None
        try:
            while not own.done:
                self._flush(own)
        finally:
            self._hand_over()

    def _hand_over(self) -> None:
        with self._mutex:
            if not self._queue:
                self._led = False
                if self._closed:
                    self._appender.close()
                    self._wake.set()
                return
            self._appointed = successor = self._queue[0]
            blocking = successor.future is None
            if blocking:
                successor.gate.release()
        if not blocking:
            self._rouse()

    def _rouse(self) -> None:
        """Lets the writer's own thread lead."""
        with self._mutex:
            if self._thread is None:
                self._thread = Thread(target=self._serve, name="eventstore writer", daemon=True)
                self._thread.start()
        self._wake.set()

    def _serve(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._mutex:
                appointed = self._appointed
                done = self._closed and not self._led
            if appointed is not None and appointed.future is not None:
                self._lead(appointed)
            elif done:
                return

    def _flush(self, own: Pending) -> None:
        batch = self._take()
        if not batch:
            return
        try:
            self._send(batch)
        except BaseException as error:
            # An interrupt of the leader is not the others' failure: they go on, first in line.
            # Their ids make the repeat safe, whether or not this batch reached the log.
            waiting = [pending for pending in batch if not pending.done]
            if isinstance(error, Exception):
                for pending in waiting:
                    pending.settle(None, _in_doubt(error, pending.request))
                return
            own.settle(None, error)
            with self._mutex:
                self._queue.extendleft(other for other in reversed(waiting) if other is not own)
            raise

    def _take(self) -> list[Pending]:
        """The next batch: in order, within its limits, no event id twice; a guarded one alone."""
        batch: list[Pending] = []
        ids: set[UUID] = set()
        size = 0
        with self._mutex:
            while self._queue:
                request = self._queue[0].request
                size += request.size
                if batch and (
                    request.guards is not None
                    or batch[0].request.guards is not None
                    or len(ids) + len(request.event_ids) > MAX_BATCH_EVENTS
                    or size > MAX_BATCH_BYTES
                    or not ids.isdisjoint(request.event_ids)
                ):
                    break
                pending = self._queue.popleft()
                if pending.begin():
                    ids.update(request.event_ids)
                    batch.append(pending)
        return batch

    def _send(self, batch: Sequence[Pending]) -> None:
        try:
            outcomes = self._appender.append([pending.request for pending in batch])
        except EventStoreError as error:
            if len(batch) == 1 or is_lost(error):
                raise
            self._send_each(batch)
        else:
            for pending, outcome in zip(batch, outcomes, strict=True):
                if isinstance(outcome, AppendRefused):
                    pending.settle(None, outcome)
                else:
                    pending.settle(outcome, None)

    def _send_each(self, batch: Sequence[Pending]) -> None:
        """Sends each request alone: one of them spoils the statement for all.

        A stream that somebody holds locked for too long is not waited for again.
        """
        held: dict[str, EventStoreError] = {}
        for pending in batch:
            streams = {append.stream_id for append in pending.request.appends}
            known = next((held[stream_id] for stream_id in streams if stream_id in held), None)
            try:
                if known is not None:
                    raise known
                self._send([pending])
            except EventStoreError as error:
                if is_lost(error):
                    raise
                if isinstance(error, StoreUnavailable):
                    held.update(dict.fromkeys(streams, error))
                pending.settle(None, error)


def _in_doubt(error: Exception, request: Request) -> Exception:
    """The error with the ids of the request, if nobody knows whether it was recorded."""
    if isinstance(error, StoreUnavailable) and is_lost(error):
        doubt = StoreUnavailable(error.reason, event_ids=request.event_ids)
        doubt.__cause__ = error.__cause__
        return doubt
    return error
