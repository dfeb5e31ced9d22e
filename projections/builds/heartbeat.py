"""Signs of life for a lease whose holder is busy for longer than the lease lasts."""

from __future__ import annotations

from contextlib import closing
from threading import Event as Signal
from threading import Thread
from types import TracebackType
from typing import Self

from eventstore.errors import StoreUnavailable
from projections.checkpoint import Lease
from projections.errors import LeaseLost
from projections.session import open_session

__all__ = ["Heartbeat"]


class Heartbeat:
    """Beats in a thread and over a connection of its own, from `with` until the block ends.

    A lost lease shows when the holder writes; `check` tells it earlier.
    """

    def __init__(self, url: str, lease: Lease) -> None:
        self._url, self._lease = url, lease
        self._ended = Signal()
        self._lost: LeaseLost | None = None
        self._thread = Thread(target=self._run, name="heartbeat", daemon=True)

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

    def check(self) -> None:
        """Raises LeaseLost once that is known."""
        if self._lost is not None:
            raise self._lost

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with closing(open_session(self._url, part="heartbeat")) as conn:
                    while not self._ended.wait(self._lease.heartbeat_in):
                        self._lease.heartbeat(conn)
            except LeaseLost as error:
                self._lost = error
                return
            except StoreUnavailable:
                self._ended.wait(self._lease.seconds / 10)
