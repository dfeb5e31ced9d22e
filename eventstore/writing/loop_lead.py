"""An event loop leads the group commit: it sends, and looks at the answer when that is there.

No thread is woken for a batch, and nobody contends for the interpreter. The loop does only what
needs no waiting; with anything else the writer's thread takes the batch over, and repeats it if
need be, which the event ids make safe.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from contextlib import suppress

from eventstore.writing.batch import Told
from eventstore.writing.pending import Pending
from eventstore.writing.writer import GroupCommitWriter

__all__ = ["LoopLead"]


class LoopLead:
    """The part of leading a writer that `loop` can do; `tell` tells callers their outcomes.

    All but `dismiss` is for the loop's own thread.
    """

    def __init__(
        self,
        writer: GroupCommitWriter,
        loop: asyncio.AbstractEventLoop,
        tell: Callable[[Told], None],
    ) -> None:
        self._writer, self._loop, self._tell = writer, loop, tell
        self._flight: Sequence[Pending] = ()
        """The batch that the database works on."""
        self._watched: tuple[object, int] | None = None
        """Whose answers are waited for, and a copy of its socket, which nobody closes elsewhere."""
        self._can_watch = True

    def enqueue(self, pending: Pending) -> None:
        """Has a request sent in its turn, together with those of the tasks that are ready now."""
        if self._writer.enqueue(pending, loop=self if self._can_watch else None):
            self._flight = ()
            self._loop.call_soon(self._next, [])

    def dismiss(self) -> None:
        """Told by whoever leads from now on, in any thread."""
        with suppress(RuntimeError):  # the loop is closed, and watches nothing any more
            self._loop.call_soon_threadsafe(self._stop_watching)

    def _next(self, told: Told) -> None:
        """Sends the next batch, and tells the callers of the last one meanwhile."""
        writer, batch = self._writer, None
        try:
            with writer.hands:
                if writer.is_led_by(self) and not self._flight:
                    batch = writer.next_batch(told)
                    if batch:
                        self._launch(batch)
                    elif batch is None:
                        self._stop_watching()
        finally:
            if told:
                self._tell(told)
        if batch is not None and not batch:
            # Those who were told go on first, and most likely append again.
            self._loop.call_soon(self._next, [])

    def _launch(self, batch: Sequence[Pending]) -> None:
        self._flight = batch
        session = self._writer.appender.launch([pending.request for pending in batch])
        if session is None or not self._watch(session, session.pgconn.socket):
            self._writer.hand_over()

    def _readable(self) -> None:
        writer = self._writer
        with writer.hands:
            if not writer.is_led_by(self):
                self._stop_watching()
                return
            if not self._flight or not writer.appender.arrived():
                return
            batch = self._flight
            outcomes = writer.appender.land([pending.request for pending in batch])
            if outcomes is None:
                writer.hand_over()
                return
            self._flight = ()
        self._next(list(zip(batch, outcomes, strict=True)))

    def _watch(self, whose: object, socket: int) -> bool:
        """Whether the loop can watch it."""
        if self._watched is not None and self._watched[0] is whose:
            return True
        self._stop_watching()
        copy = os.dup(socket)
        try:
            self._loop.add_reader(copy, self._readable)
        except NotImplementedError:
            os.close(copy)
            self._can_watch = False
            return False
        self._watched = (whose, copy)
        return True

    def _stop_watching(self) -> None:
        watched, self._watched = self._watched, None
        if watched is not None:
            self._loop.remove_reader(watched[1])
            os.close(watched[1])
