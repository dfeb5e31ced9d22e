"""What the tail has read for one shard of a projection, and its projector has not taken yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from threading import Condition
from types import TracebackType
from typing import Final, Self

from eventstore import RecordedEvent
from eventstore.reading.follow import MAX_PAGE_BYTES, Division, Page
from projections.checkpoint import Lease
from projections.projection import Projection

__all__ = ["Feed"]

_MOST_EVENTS: Final = 10_000
_MOST_BYTES: Final = 2 * MAX_PAGE_BYTES
"""What is kept for a projector that falls behind; beyond that it has to read for itself."""


class Feed:
    """The news of one shard: the tail delivers, a projector takes.

    While the projector waits, its checkpoint is the tail's to move over events of others; its lock
    tells the two apart.
    """

    def __init__(self, projection: Projection, lease: Lease) -> None:
        self.projection, self.lease = projection, lease
        self.division: Division | None = None
        if lease.shards > 1 and projection.shard_by is not None:
            self.division = Division(projection.shard_by, lease.shards)
        self.changed = Condition()
        self._types = frozenset(projection.event_types)
        self._events: deque[RecordedEvent] = deque()
        self._bytes = 0
        self._begins: int | None = None
        self._seen = 0
        self._idle = self._ended = False
        self._error: Exception | None = None

    # The projector's side

    def start(self) -> int | None:
        """The position after which this feed delivers everything; None when it has ended."""
        with self.changed:
            self.changed.wait_for(lambda: self._begins is not None or self._ended)
            self._raise_error()
            return None if self._ended else self._begins

    def skip(self, until: int) -> None:
        """Drops what the projector has read for itself."""
        with self.changed:
            while self._events and self._events[0].position <= until:
                self._bytes -= len(self._events.popleft().data)
            self._seen = max(self._seen, until)

    def take(self, most: int, timeout: float | None = None) -> Page | None:
        """The next events, waited for; none of them after `timeout` seconds.

        None when the feed has ended: it was closed, fell too far behind, or the connection was
        lost. The projector then reads for itself from its checkpoint, and takes a new feed.
        """
        with self.changed:
            self._idle = True
            self.changed.notify_all()
            try:
                self.changed.wait_for(lambda: self._events or self._ended, timeout)
            finally:
                self._idle = False
            self._raise_error()
            if self._ended:
                return None
            taken: list[RecordedEvent] = []
            size = 0
            while self._events and len(taken) < most and size < MAX_PAGE_BYTES:
                taken.append(self._events.popleft())
                size += len(taken[-1].data)
            self._bytes -= size
            return Page(taken, taken[-1].position if self._events else self._seen)

    def close(self, error: Exception | None = None) -> None:
        """Ends the feed; `error` is raised to the projector."""
        with self.changed:
            self._error = self._error or error
            self._end()

    # The tail's side

    @property
    def ended(self) -> bool:
        """Whether there is nobody to deliver to."""
        return self._ended

    @property
    def behind(self) -> bool:
        """Whether the checkpoint is not where the tail is."""
        return not self._ended and self._seen > self.lease.position

    @property
    def seen(self) -> int:
        """Everything up to here was delivered."""
        return self._seen

    @property
    def idle(self) -> bool:
        """Whether the projector has nothing to do; holds as long as the lock `changed` is held."""
        return self._idle and not self._events and not self._ended

    def wait_until_idle(self, seconds: float) -> None:
        """Waits until the projector is done with what it got."""
        with self.changed:
            self.changed.wait_for(lambda: self.idle or self._ended, max(seconds, 0.0))

    def begin(self, position: int) -> None:
        """Everything after this position will be delivered."""
        with self.changed:
            if self._begins is None:
                self._begins = position
                self._seen = max(self._seen, position)
                self.changed.notify_all()

    def deliver(self, events: Iterable[tuple[RecordedEvent, int]], until: int) -> None:
        """Keeps what is of this shard, of events with their shards in this feed's division."""
        types, shard = self._types, self.lease.shard
        ours = [recorded for recorded, of in events if of == shard and recorded.event_type in types]
        with self.changed:
            if self._ended:
                return
            for recorded in ours:
                if recorded.position > self._seen:
                    self._events.append(recorded)
                    self._bytes += len(recorded.data)
            self._seen = max(self._seen, until)
            if len(self._events) > _MOST_EVENTS or self._bytes > _MOST_BYTES:
                self._end()
            elif self._events:
                self.changed.notify_all()

    def _end(self) -> None:
        self._ended = True
        self._events.clear()
        self.changed.notify_all()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
