"""One look at the end of the log for all projections of a process.

The watermark costs a look at all locks of the server, so it is read once for everybody, and only
while somebody is waiting for it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from threading import Condition, Thread
from time import monotonic
from types import TracebackType
from typing import Final, Self

from eventstore.errors import EventStoreError, StoreUnavailable
from eventstore.read import watermark
from projections.pulse import Pulse
from projections.session import Connection, open_session

__all__ = ["Tail"]

_RETRY_PAUSE: Final = 0.1
"""Seconds between two tries to reach a server that is away."""

_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.001, 0.02
"""Seconds between two looks, while events come and when none do."""
_SHARE_OF_SILENCE: Final = 0.05
"""The pause grows with the silence, so that an event waits for a 40th of it on average."""


class Tail:
    """Follows the watermark in a thread of its own, from `with` until the block ends."""

    def __init__(
        self, url: str, *, revive: Callable[[], None] = lambda: None, pulse: Pulse | None = None
    ) -> None:
        self._url, self._revive = url, revive
        self._pulse = pulse or Pulse()
        self._changed = Condition()
        self._waiting = 0
        self._mark = -1
        self._read_at = 0.0
        self._closed = False
        self._error: EventStoreError | None = None
        self._thread = Thread(target=self._run, name="tail", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
        self._thread.join()

    def close(self) -> None:
        """Ends every wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self, beyond: int, *, since: float, timeout: float) -> int:
        """A watermark higher than `beyond`, or `beyond` after `timeout` seconds or at the end.

        It was read after the moment `since`, by monotonic(): a crash of the server can take back
        positions that nobody committed, so what was seen before a reconnect counts no more.

        Raises what keeps the watermark from being read, unless waiting cures it.
        """

        def there() -> bool:
            return self._closed or self._error is not None or self._mark > beyond

        with self._changed:
            if self._read_at <= since:
                self._mark = -1
            self._waiting += 1
            self._changed.notify_all()
            self._changed.wait_for(there, timeout)
            self._waiting -= 1
            if self._error is not None:
                raise self._error
            return max(self._mark, beyond)

    def _run(self) -> None:
        while not self._closed:
            self._pulse.beat()
            try:
                with closing(open_session(self._url, part="tail")) as conn:
                    self._follow(conn)
            except StoreUnavailable:
                with self._changed:
                    self._mark = -1
                    self._changed.wait_for(lambda: self._closed, _RETRY_PAUSE)
                if not self._closed:
                    self._revive()
            except EventStoreError as error:
                with self._changed:
                    self._error = error
                    self._changed.notify_all()
                return

    def _follow(self, conn: Connection) -> None:
        news_at = monotonic()
        while True:
            self._pulse.end()  # nobody waits for it, so it may take its time
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._waiting > 0)
                if self._closed:
                    return
            self._pulse.beat()
            began = monotonic()
            mark = watermark(conn)
            with self._changed:
                if mark != self._mark:
                    news_at = began
                    self._changed.notify_all()
                self._mark, self._read_at = mark, began
                pause = (monotonic() - news_at) * _SHARE_OF_SILENCE
                pause = min(max(pause, _SHORTEST_PAUSE), _LONGEST_PAUSE)
                self._changed.wait_for(lambda: self._closed, pause)
