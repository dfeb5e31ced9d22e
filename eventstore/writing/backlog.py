"""The requests that wait to be sent: in order, within limits, and a batch at a time.

For one thread at a time; the writer sees to that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Final
from uuid import UUID

from eventstore.errors import Overloaded
from eventstore.writing.pending import Pending

__all__ = ["Backlog"]

MAX_BATCH_EVENTS: Final = 1_000
MAX_BATCH_BYTES: Final = 8 * 1024 * 1024


class Backlog:
    """Requests in the order in which they came.

    Beyond the limits nobody is let in who can go on without an outcome. Who waits for one stands
    in the same line, whether inside or outside.
    """

    def __init__(self, max_appends: int, max_bytes: int) -> None:
        self._max_appends, self._max_bytes = max_appends, max_bytes
        self._line: deque[Pending] = deque()
        self.bytes = 0
        """Of all requests in the line."""

    def __len__(self) -> int:
        return len(self._line)

    def __iter__(self) -> Iterator[Pending]:
        return iter(self._line)

    @property
    def has_room(self) -> bool:
        """Whether it is within its limits."""
        return len(self._line) < self._max_appends and self.bytes < self._max_bytes

    def extend(self, requests: Iterable[Pending]) -> None:
        """Lets requests in, at the end."""
        for pending in requests:
            self._line.append(pending)
            self.bytes += pending.request.size

    def take(self, most: int, now: float) -> tuple[list[Pending], list[Pending]]:
        """The next batch, of at most so many requests; and those that `now` are too late for it.

        No event id stands twice in a batch, and a guarded request stands alone. What nobody wants
        any more is left out.
        """
        line = self._line
        batch: list[Pending] = []
        late: list[Pending] = []
        ids: set[UUID] = set()
        size = 0
        while line and len(batch) < most:
            request = line[0].request
            size += request.size
            if batch and (
                request.guards is not None
                or batch[0].request.guards is not None
                or len(ids) + len(request.event_ids) > MAX_BATCH_EVENTS
                or size > MAX_BATCH_BYTES
                or not ids.isdisjoint(request.event_ids)
            ):
                break
            pending = line.popleft()
            self.bytes -= request.size
            if pending.deadline < now:
                late.append(pending)
            elif pending.wanted():
                ids.update(request.event_ids)
                batch.append(pending)
        return batch, late

    def withdraw(self, pending: Pending) -> bool:
        """Takes a request out of the line; whether it was still there."""
        try:
            self._line.remove(pending)
        except ValueError:
            return False
        self.bytes -= pending.request.size
        return True

    def clear(self) -> list[Pending]:
        """Takes all out of the line."""
        left, self._line, self.bytes = list(self._line), deque(), 0
        return left

    def overloaded(self, waited: float) -> Overloaded:
        """What is said to who waited so many seconds in vain."""
        return Overloaded(len(self), self.bytes, self._max_appends, self._max_bytes, waited)
