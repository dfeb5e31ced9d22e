"""Applies events to a projection's tables for whoever holds its lease, and minds what is held."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from time import monotonic
from typing import Final, NamedTuple

from eventstore import RecordedEvent
from eventstore.errors import StoreUnavailable
from projections.apply.batch import BATCH, apply_events, hold_refused
from projections.apply.discards import discarded
from projections.apply.failure import facts_of
from projections.apply.held_rows import go_on, is_due, pause
from projections.apply.holding import MAX_FAILURES, Holding
from projections.apply.refusal import may_blame_an_event
from projections.apply.retry import Which, retry
from projections.checkpoint import Lease
from projections.errors import ProjectionPaused
from projections.log import LOG
from projections.row_store import RowStore
from projections.session import Connection

__all__ = ["Applier"]

_LOOK: Final = 0.5
"""Seconds between two looks at whether a held event is due."""
_TRIES: Final = 3
"""How often an event by itself may be too much for the database before it is held."""


class _Suspect(NamedTuple):
    """An event that, by itself, was too much for the database so many times."""

    position: int
    tries: int
    error: Exception | None


class Applier:
    """Lives as long as a worker; `take_up` begins each lease, and each connection.

    While nothing is held, it sends no statement of its own after that.
    """

    def __init__(self, store: RowStore, *, max_failures: int = MAX_FAILURES) -> None:
        self._store, self._max_failures = store, max_failures
        self._holding = Holding()
        self._token = 0
        self._paused: bool | None = False
        self._look_at = 0.0
        self._at_once = BATCH
        self._suspect = _Suspect(0, 0, None)

    @property
    def paused(self) -> bool:
        """Whether so much is held that no further events should be applied."""
        return bool(self._paused)

    @property
    def why_paused(self) -> ProjectionPaused:
        """The error for whoever can't wait."""
        name = self._store.projection.name
        return ProjectionPaused(name, self._holding.failed, len(self._holding))

    @property
    def attend_in(self) -> float:
        """Seconds until `attend` wants to look; infinity while nothing is held."""
        return max(0.0, self._look_at - monotonic()) if self._holding else inf

    def take_up(self, conn: Connection, lease: Lease) -> None:
        """Loads what is held, and tries all of it: this code may apply what another could not.

        Raises LeaseLost.
        """
        # Over a new connection it is not known whether the last word came through.
        self._paused = None if self._token == lease.fencing_token else False
        self._lease, self._token = lease, lease.fencing_token
        self._store.months.forget()
        self._retry(conn, "all")

    def apply(self, conn: Connection, events: Sequence[RecordedEvent], until: int) -> None:
        """Applies events in order, or holds them, and moves the checkpoint to `until`.

        When too much is held it pauses, with the checkpoint at the last event that it dealt with.
        Raises LeaseLost; and StoreUnavailable, after which it tries with fewer events if some of
        them may have been too much.
        """
        start = 0
        while True:
            part = events[start : start + self._at_once]
            start += len(part)
            self._apply(conn, part, until if start >= len(events) else part[-1].position)
            self._judge(conn)
            if self._paused or start >= len(events):
                return

    def attend(self, conn: Connection) -> None:
        """Tries again what is due; raises LeaseLost."""
        if self._holding and monotonic() >= self._look_at:
            self._look_at = monotonic() + _LOOK
            if is_due(conn, self._lease):
                self._retry(conn, "due")

    def _apply(self, conn: Connection, part: Sequence[RecordedEvent], until: int) -> None:
        suspect, common = self._suspect, (conn, self._store, self._lease, self._holding)
        if len(part) == 1 and suspect.position == part[0].position and suspect.tries >= _TRIES:
            assert suspect.error is not None
            hold_refused(*common, part[0], until, suspect.error)
        else:
            try:
                apply_events(*common, part, until)
            except StoreUnavailable as error:
                # The connection may be gone, and the lease with it: this is remembered beyond both.
                if may_blame_an_event(error) and part:
                    self._at_once = max(1, len(part) // 2)
                    if len(part) == 1:
                        first = part[0].position
                        tries = suspect.tries + 1 if suspect.position == first else 1
                        self._suspect = _Suspect(first, tries, error)
                raise
        self._at_once = min(self._at_once * 2, BATCH)

    def _retry(self, conn: Connection, which: Which) -> None:
        """Goes over what is held as often as that gets it any further."""
        projection = self._store.projection
        left_out = discarded(conn, projection)
        while True:
            holding = Holding(discarded=left_out, max_failures=self._max_failures)
            gone = retry(conn, self._store, self._lease, holding, which)
            self._holding = holding
            if not gone:
                break
            LOG.info("held no longer", projection=projection.name, events=len(gone), first=gone[0])
            # One that is applied may give up what the database refused to another.
            which = "refused"
        self._judge(conn)

    def _judge(self, conn: Connection) -> None:
        """Pauses, or goes on, if that has changed."""
        if self._holding.full == self._paused:
            return
        self._paused = self._holding.full
        if self._paused:
            LOG.error("paused", projection=self._store.projection.name, reason=str(self.why_paused))
            pause(conn, self._lease, facts_of(self.why_paused))
        else:
            LOG.info("goes on", projection=self._store.projection.name)
            go_on(conn, self._lease)
