"""One shard of a projection, live: follows the log and keeps its rows up to date."""

from __future__ import annotations

from contextlib import closing
from math import isfinite
from threading import Event as Signal
from threading import Thread

from eventstore.errors import StoreUnavailable
from eventstore.reading.follow import Page
from eventstore.reading.read import watermark
from projections.apply.applier import Applier
from projections.apply.batch import BATCH
from projections.apply.failure import facts_of
from projections.apply.holding import MAX_FAILURES
from projections.checkpoint import Lease
from projections.errors import LeaseLost, ProjectionPaused
from projections.live.feed import Feed
from projections.live.observer import Observer
from projections.live.pages import pages
from projections.live.tail import Tail
from projections.log import LOG
from projections.projection import Projection
from projections.row_store import RowStore
from projections.session import Connection, open_session, plan_for_keys

__all__ = ["Worker"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
"""Seconds between two tries to reach a server that is away, at first and in the end."""


class Worker:
    """Applies the events of one shard, in a thread, until it is told to stop or can't go on.

    It has the lease when it starts. The daemon gives the signs of life; a batch is one as well.
    When `target` is given it stops once the checkpoint has reached that position, and the hooks
    were told of it.
    """

    def __init__(
        self,
        url: str,
        projection: Projection,
        lease: Lease,
        tail: Tail,
        observer: Observer,
        *,
        batch: int = BATCH,
        target: int | None = None,
        max_failures: int = MAX_FAILURES,
    ) -> None:
        self.projection, self.lease = projection, lease
        self.error: Exception | None = None
        """Why it could not go on; the checkpoint says so too."""
        self._url, self._tail, self._observer = url, tail, observer
        self._batch = self._limit = batch
        self._target = target
        self._log = LOG.bind(projection=projection.name, shard=lease.shard)
        self._applier = Applier(RowStore(projection), max_failures=max_failures)
        self._stop = Signal()
        self._feed: Feed | None = None
        self._thread = Thread(target=self._run, name=f"{projection.name}/{lease.shard}")

    def start(self) -> None:
        """Begins to work."""
        self._log.info(
            "lease acquired",
            position=self.lease.position,
            token=self.lease.fencing_token,
            projection_version=self.projection.version,
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
            # It is the holder who gives the lease back, so one that is told to stop before it has
            # begun has to begin.
            while True:
                self._observer.pulse.beat()
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
                    if self._stop.wait(pause):
                        return
                    pause = min(pause * 2, _LONGEST_PAUSE)
        except LeaseLost as error:
            self._log.warning("lease lost", fencing_token=error.fencing_token)
        except Exception as error:  # noqa: BLE001 - a thread can't raise to anybody
            # The error is in the checkpoint as well, if the lease still counts.
            self.error = error
        finally:
            self._observer.pulse.end()

    def _hold(self, conn: Connection, lease: Lease) -> None:
        try:
            with self._observer.holding(conn, self.projection, lease) as hooks:
                self._follow(conn, lease)
                if self._target is not None:
                    hooks.catch_up(conn, self._stop)
        except (StoreUnavailable, LeaseLost):
            raise
        except ProjectionPaused:
            lease.release(conn)
            raise
        except Exception as error:
            lease.fail(conn, facts_of(error))
            raise
        lease.release(conn)
        self._log.info("stopped", position=lease.position)

    def _follow(self, conn: Connection, lease: Lease) -> None:
        """Raises ProjectionPaused when it has a target and can't reach it."""
        self._applier.take_up(conn, lease)
        while not self._stop.is_set():
            self._observer.pulse.beat()
            if self._applier.paused:
                self._sit_out(conn)
            elif self._target is None:
                self._catch_up(conn, lease, watermark(conn))
                with self._tail.feed(self.projection, lease) as self._feed:
                    self._take(conn, lease, self._feed)
            elif lease.position < self._target:
                self._catch_up(conn, lease, self._target)
            else:
                return

    def _sit_out(self, conn: Connection) -> None:
        """Keeps the lease while the projection is paused."""
        if self._target is not None:
            raise self._applier.why_paused
        self._stop.wait(self._applier.attend_in)
        self._applier.attend(conn)

    def _catch_up(self, conn: Connection, lease: Lease, until: int) -> None:
        """Reads for itself up to a position, unless it is told to stop or has to pause."""
        if until <= lease.position or self._applier.paused:
            return
        # The limit grows from page to page.
        for page in pages(self._url, conn, self.projection, lease, until, lambda: self._limit):
            self._apply(conn, lease, page)
            if self._stop.is_set() or self._applier.paused:
                return

    def _take(self, conn: Connection, lease: Lease, feed: Feed) -> None:
        """Applies what the tail delivers, until the feed ends or there is a pause."""
        if self._stop.is_set():
            return
        self._observer.pulse.end()  # from here on it may take its time
        begins = feed.start()
        if begins is None:
            return
        self._catch_up(conn, lease, begins)
        feed.skip(lease.position)
        while not (self._stop.is_set() or self._applier.paused):
            patience = self._applier.attend_in
            self._observer.pulse.end()
            page = feed.take(self._limit, patience if isfinite(patience) else None)
            if page is None:
                return
            self._apply(conn, lease, page)

    def _apply(self, conn: Connection, lease: Lease, page: Page) -> None:
        self._observer.pulse.beat()
        self._applier.attend(conn)
        if self._applier.paused:
            return
        try:
            if page.events:
                with self._observer.batch(lease, page.events):
                    self._applier.apply(conn, page.events, page.until)
            elif page.until > lease.position:
                lease.advance(conn, page.until)
        except StoreUnavailable:
            # The server ends a transaction that takes too long, and with it the connection.
            self._limit = max(1, len(page.events) // 2)
            raise
        self._limit = min(self._batch, self._limit * 2)
