"""Delivers events in order of position up to the watermark: catches up, then follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from threading import Event as Signal
from threading import Lock
from typing import Final, Self

from eventstore import read
from eventstore.database import Connection, Database
from eventstore.errors import HistoryDiverged
from eventstore.event import RecordedEvent
from eventstore.query import Query
from eventstore.read_query import query_page
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

    It ends when `close` is called, from any thread, or when its `with` block ends. `checkpoint`
    is the last event that was handed out.
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
        self.checkpoint = after if isinstance(after, Checkpoint) else Checkpoint(after)
        self._database, self._registry = database, registry
        self._categories, self._event_types, self._query = categories, event_types, query
        self._stopped = Signal()
        self._filling = Lock()
        self._page: list[RecordedEvent] = []
        self._next = 0
        self._read_until = self.checkpoint.position
        self._pace = Pace()
        self._recognised: set[int] = set()
        if self.checkpoint.data_hash:
            self._database.read(self._recognise)

    def __iter__(self) -> Iterator[RecordedEvent]:
        return self

    def __next__(self) -> RecordedEvent:
        while not self._stopped.is_set() and not self.buffered:
            self.fill()
            if not self.buffered:
                self._stopped.wait(self.pause())
        if self._stopped.is_set():
            raise StopIteration
        recorded = self._page[self._next]
        self._next += 1
        self.checkpoint = Checkpoint(recorded.position, recorded.data_hash)
        return recorded

    @property
    def buffered(self) -> bool:
        """Whether the next event is here already, so that `next` won't wait."""
        return self._next < len(self._page)

    def fill(self) -> None:
        """Looks for the next page, unless something is buffered."""
        # A cancelled task leaves its thread in here; the next one must not drop that page.
        with self._filling:
            if self.buffered:
                return
            self._page, self._next = self.fetch(), 0
            if self._page:
                self._pace.reset()

    def pause(self) -> float:
        """Seconds to wait before the next look."""
        return self._pace.next()

    def fetch(self, limit: int = read.PAGE) -> list[RecordedEvent]:
        """The next page, without waiting; empty when there is nothing new."""

        def page(connection: Connection) -> tuple[int, list[RecordedEvent]]:
            self._recognise(connection)
            until = read.watermark(connection)
            if until <= self._read_until:
                return self._read_until, []
            events = self._read(connection, until, limit)
            return (events[-1].position if len(events) == limit else until), events

        self._read_until, events = self._database.read(page)
        return events

    def _read(self, connection: Connection, until: int, limit: int) -> list[RecordedEvent]:
        after, tenant, registry = self._read_until, self._database.tenant, self._registry
        if self._query is not None:
            return query_page(
                connection, self._query, after, until, limit, tenant=tenant, registry=registry
            )
        return read.page_after(
            connection,
            after,
            until,
            limit,
            tenant=tenant,
            categories=self._categories,
            event_types=self._event_types,
            registry=registry,
        )

    def close(self) -> None:
        """Ends the iteration, at once if it is waiting."""
        self._stopped.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

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
