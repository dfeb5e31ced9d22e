"""One shard of a projection, live: follows the log and keeps its rows up to date."""

from __future__ import annotations

from contextlib import closing
from threading import Event as Signal
from threading import Thread

from eventstore.errors import StoreUnavailable
from eventstore.follow import Page
from eventstore.read import watermark
from projections.batch import BATCH, apply_events
from projections.checkpoint import Lease
from projections.errors import LeaseLost
from projections.failure import facts_of
from projections.feed import Feed
from projections.log import LOG
from projections.pages import pages
from projections.projection import Projection
from projections.row_store import RowStore
from projections.session import Connection, open_session, plan_for_keys
from projections.tail import Tail

__all__ = ["Worker"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
"""Seconds between two tries to reach a server that is away, at first and in the end."""


class Worker:
    """Applies the events of one shard, in a thread, until it is told to stop or can't go on.

    It has the lease when it starts. The daemon gives the signs of life; a batch is one as well.
    When `target` is given it stops once the checkpoint has reached that position.
    """

    def __init__(
        self,
        url: str,
        projection: Projection,
        lease: Lease,
        tail: Tail,
        *,
        batch: int = BATCH,
        target: int | None = None,
    ) -> None:
        self.projection, self.lease = projection, lease
        self.error: Exception | None = None
        """Why it could not go on; the checkpoint says so too."""
        self._url, self._tail, self._target = url, tail, target
        self._batch = self._limit = batch
        self._log = LOG.bind(projection=projection.name, shard=lease.shard)
        self._store = RowStore(projection)
        self._stop = Signal()
        self._feed: Feed | None = None
        self._thread = Thread(target=self._run, name=f"{projection.name}/{lease.shard}")

    def start(self) -> None:
        """Begins to work."""
        self._log.info(
            "lease acquired", position=self.lease.position, token=self.lease.fencing_token
        )
        self._thread.start()

    def stop(self) -> None:
        """Asks for the end of the batch under way; the lease is then given back."""
        self._stop.set()
        if self._feed is not None:
            self._feed.close()

    def join(self) -> None:
        """Waits until it has ended."""
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet."""
        return self._thread.is_alive()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        try:
            while not self._stop.is_set():
                try:
                    with closing(open_session(self._url, part=self._thread.name)) as conn:
                        plan_for_keys(conn)
                        # After a lost connection the row says which commits came through.
                        self.lease.resume(conn)
                        pause = _FIRST_PAUSE
                        self._hold(conn, self.lease)
                        return
                except StoreUnavailable as error:
                    self._log.warning("connection lost", reason=error.reason, retry_in=pause)
                    self._stop.wait(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
        except LeaseLost as error:
            self._log.warning("lease lost", fencing_token=error.fencing_token)
        except Exception as error:  # noqa: BLE001 - a thread can't raise to anybody
            # The error is in the checkpoint as well, if the lease still counts.
            self.error = error

    def _hold(self, conn: Connection, lease: Lease) -> None:
        try:
            self._follow(conn, lease)
        except (StoreUnavailable, LeaseLost):
            raise
        except Exception as error:
            lease.fail(conn, facts_of(error))
            raise
        lease.release(conn)
        self._log.info("stopped", position=lease.position)

    def _follow(self, conn: Connection, lease: Lease) -> None:
        """Raises EventNotApplied at an event that can't be applied, with all before it applied."""
        if self._target is not None:
            self._catch_up(conn, lease, self._target)
            return
        while not self._stop.is_set():
            self._catch_up(conn, lease, watermark(conn))
            with self._tail.feed(self.projection, lease) as self._feed:
                if self._stop.is_set():
                    return
                self._take(conn, lease, self._feed)

    def _catch_up(self, conn: Connection, lease: Lease, until: int) -> None:
        """Reads for itself up to a position."""
        if until <= lease.position:
            return
        for page in pages(self._url, conn, self.projection, lease, until, self._limit):
            self._apply(conn, lease, page)
            if self._stop.is_set():
                return

    def _take(self, conn: Connection, lease: Lease, feed: Feed) -> None:
        """Applies what the tail delivers, until the feed ends."""
        begins = feed.start()
        if begins is None:
            return
        self._catch_up(conn, lease, begins)
        feed.skip(lease.position)
        while not self._stop.is_set():
            page = feed.take(self._limit)
            if page is None:
                return
            self._apply(conn, lease, page)

    def _apply(self, conn: Connection, lease: Lease, page: Page) -> None:
        try:
            apply_events(conn, self._store, lease, page.events, page.until)
        except StoreUnavailable:
            # The server ends a transaction that takes too long, and with it the connection.
            self._limit = max(1, len(page.events) // 2)
            raise
        self._limit = min(self._batch, self._limit + self._limit // 4 + 1)
