"""Delivers events in order of position up to the watermark: catches up, then follows."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, filterfalse
from operator import length_hint
from threading import Event as Signal
from threading import Lock
from typing import Final, Self

from eventstore.connection.database import Connection, Database
from eventstore.errors import HistoryDiverged
from eventstore.query import Query
from eventstore.reading import read
from eventstore.reading.read_query import query_page
from eventstore.reading.rows import Rows
from eventstore.recorded import RecordedEvent
from eventstore.registry import EventRegistry

__all__ = ["Checkpoint", "Pace", "Subscription"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A position together with the hash of the event there, to be kept outside the database.

    After a fail-over or a restore, the hash tells whether the log is still the same one.
    """

    position: int
    data_hash: bytes = b""

    def __str__(self) -> str:
        return f"{self.position}:{self.data_hash.hex()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The reverse of str(); raises ValueError."""
        position, _, digest = text.partition(":")
        return cls(int(position), bytes.fromhex(digest))


class Pace:
    """How long to wait before looking again: short after news, growing while nothing comes."""

    SHORTEST: Final = 0.001
    LONGEST: Final = 0.02

    def __init__(self) -> None:
        self._pause = self.SHORTEST

    def next(self) -> float:
        """Seconds to wait now."""
        pause, self._pause = self._pause, min(self._pause * 1.5, self.LONGEST)
        return pause

    def reset(self) -> None:
        """There was news."""
        self._pause = self.SHORTEST


class Subscription:
    """An iterator over the log from a checkpoint on, that waits at the end for more.

    It ends when `close` is called, from any thread, or when its `with` block ends.
    """

    def __init__(
        self,
        database: Database,
        registry: EventRegistry,
        after: int | Checkpoint,
        categories: Sequence[str] | None = None,
        event_types: Sequence[str] | None = None,
        query: Query | None = None,
    ) -> None:
        self._after = after if isinstance(after, Checkpoint) else Checkpoint(after)
        self._database, self._registry = database, registry
        self._categories, self._event_types, self._query = categories, event_types, query
        self._stopped = Signal()
        self._filling, self._turning = Lock(), Lock()
        self._last = deque[RecordedEvent](maxlen=1)
        """What was handed out last, if anything was."""
        self._few: list[RecordedEvent] = []
        """Of the page, what is made of its rows already,"""
        self._rest: Iterator[list[RecordedEvent]] = iter(())
        """and what is not."""
        self._hand_out([])
        self._read_until = self._after.position
        """So far the log was read."""
        self._mark = 0
        self._size = read.FIRST_PAGE
        self._pace = Pace()
        self._recognised: set[int] = set()
        if self._after.data_hash:
            self._database.read_log(self._recognise)

    def __iter__(self) -> Iterator[RecordedEvent]:
        # Chained, so that an event that is here already costs no call of Python.
        return chain.from_iterable(self._turns())

    def __next__(self) -> RecordedEvent:
        for recorded in self._handing:
            return recorded
        return next(iter(self))

    def _turns(self) -> Iterator[Iterator[RecordedEvent]]:
        """What hands out the events that are here, again and again until this is closed."""
        while True:
            yield self._handing
            if self._stopped.is_set():
                return
            if not self.buffered:
                self.fill()
                if not self.buffered:
                    self._stopped.wait(self.pause())

    def _hand_out(self, few: list[RecordedEvent]) -> None:
        self._few, self._left = few, iter(few)
        # To append gives None, which is false: each event is noted as it goes, then let through.
        self._handing = filterfalse(self._last.append, self._left)

    @property
    def checkpoint(self) -> Checkpoint:
        """Of the last event that was handed out; before the first one, where it began."""
        for last in tuple(self._last):
            return Checkpoint(last.position, last.data_hash)
        return self._after

    @property
    def buffered(self) -> bool:
        """Whether the next event is here already, so that `next` won't wait."""
        if length_hint(self._left):
            return True
        with self._turning:
            if not length_hint(self._left):
                self._hand_out(next(self._rest, []))
            return length_hint(self._left) > 0

    def fill(self) -> None:
        """Looks for the next page, unless something is buffered."""
        # A cancelled task leaves its thread in here; the next one must not drop that page.
        with self._filling:
            if self.buffered:
                return
            rows = self._fetch(self._size)
            if rows:
                self._pace.reset()
                self._size = read.page_size(rows)
                with self._turning:
                    self._rest = rows.few()
            if self._stopped.is_set():
                self._drop()

    def pause(self) -> float:
        """Seconds to wait before the next look."""
        return self._pace.next()

    def fetch(self, limit: int = read.PAGE) -> list[RecordedEvent]:
        """The next page, without waiting; empty when there is nothing new."""
        rows = self._fetch(limit)
        return rows.all() if rows else []

    def close(self) -> None:
        """Ends the iteration, at once if it is waiting."""
        self._stopped.set()
        self._drop()

    def _drop(self) -> None:
        with self._turning:
            self._rest = iter(())
            self._few.clear()  # whoever iterates has no other

    def _fetch(self, limit: int) -> Rows | None:
        def page(connection: Connection) -> tuple[int, Rows | None]:
            self._recognise(connection)
            until = self._watermark(connection)
            if until <= self._read_until:
                return self._read_until, None
            rows = self._read(connection, until, limit)
            return (rows.last.position if len(rows) == limit else until), rows

        self._read_until, rows = self._database.read_log(page)
        return rows

    def _read(self, connection: Connection, until: int, limit: int) -> Rows:
        after, tenant, registry = self._read_until, self._database.tenant, self._registry
        if self._query is not None:
            return query_page(
                connection, self._query, after, until, limit, tenant=tenant, registry=registry
            )
        return read.log_page(
            connection,
            tenant,
            after,
            until,
            limit,
            categories=self._categories,
            event_types=self._event_types,
            registry=registry,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _watermark(self, connection: Connection) -> int:
        """The watermark, asked for once for all pages up to it."""
        if self._mark <= self._read_until:
            self._mark = read.watermark(connection)
        return self._mark

    def _recognise(self, connection: Connection) -> None:
        """Compares the checkpoint with the log, once a connection.

        A new connection may lead to a server that took over and lost the last events.
        """
        session, wanted = connection.info.backend_pid, self.checkpoint
        if wanted.data_hash and session not in self._recognised:
            found = read.event_at(connection, self._database.tenant, wanted.position)
            if found is None:
                raise HistoryDiverged(wanted.position, "there is no event at that position")
            if found[1] != wanted.data_hash:
                raise HistoryDiverged(wanted.position, "another event stands at that position")
            self._recognised.add(session)
