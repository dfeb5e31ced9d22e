"""Keeps the counts of the log up to date, so that nobody's listing has much left to count."""

from __future__ import annotations

from contextlib import closing
from threading import Event as Signal
from threading import Thread
from types import TracebackType
from typing import Final, Self

from eventstore.errors import EventStoreError
from eventstore.streams.counts import count_all
from projections.log import LOG
from projections.session import open_session

__all__ = ["Counting"]

PAUSE: Final = 5.0
"""Seconds between two looks, and before the first."""


class Counting:
    """Counts in a thread of its own until the block ends.

    Any number of processes may do it: what one has counted, another one does not. A listing counts
    what is left, so that an error only costs time; it is told, and tried again after a pause.
    """

    def __init__(self, url: str, pause: float | None = None) -> None:
        self._url, self._pause = url, PAUSE if pause is None else pause
        self._ended = Signal()
        self._thread = Thread(target=self._run, name="counting", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._pause):
            try:
                with closing(open_session(self._url, part="counting")) as conn:
                    while not self._ended.is_set():
                        if not count_all(conn) and self._ended.wait(self._pause):
                            return
            except EventStoreError as error:
                LOG.warning("counts of the log wait", error=str(error))
