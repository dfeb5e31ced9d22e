"""Why nothing, or nobody knows what, was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from eventstore.errors.base import EventStoreError

if TYPE_CHECKING:
    from eventstore.query import Query

__all__ = [
    "AppendRefused",
    "CommandRefused",
    "ConcurrencyConflict",
    "ConditionFailed",
    "DuplicateEventId",
    "NotFlushed",
    "Overloaded",
    "StreamClosed",
    "StreamNotClosed",
    "ValueTaken",
]


class AppendRefused(EventStoreError):
    """The log refused an append; nothing of it was recorded."""

    exit_code = 5


class ConcurrencyConflict(AppendRefused):
    """Somebody else wrote first: the stream is at `actual`, the writer expected `expected`.

    `expected` is a stream_version, or the name of the expectation (NO_STREAM, STREAM_EXISTS);
    `actual` is the stream_version now, 0 when the stream does not exist.
    """

    def __init__(self, stream_id: str, expected: int | str, actual: int) -> None:
        self.stream_id, self.expected, self.actual = stream_id, expected, actual
        super().__init__(
            f"stream {stream_id} is at stream_version {actual}, expected {expected}; "
            "read the new events, decide again, and append with the actual stream_version"
        )

    @property
    def stream(self) -> str:
        """The stream's id, under its short name."""
        return self.stream_id


class ConditionFailed(AppendRefused):
    """An event of `event_type` at `position` is one that `query` means, after position `after`.

    It is the first of them.
    """

    def __init__(self, query: Query, after: int, position: int, event_type: str) -> None:
        self.query, self.after = query, after
        self.position, self.event_type = position, event_type
        super().__init__(
            f"{event_type} at position {position} should not be there: the append must not follow "
            f"any event after position {after} that is {query}; read these, and decide again"
        )


class DuplicateEventId(AppendRefused):
    """The event id is already recorded as another fact.

    `recorded_in` is the stream that holds it; `reason` is "another stream", "other content",
    "partly recorded", "in another order", or "in a detached month", where nobody can tell whether
    it is the same. The same fact in the same stream is no error: it returns its first receipt.
    """

    def __init__(self, event_id: UUID, stream_id: str, recorded_in: str, reason: str) -> None:
        self.event_id, self.stream_id = event_id, stream_id
        self.recorded_in, self.reason = recorded_in, reason
        super().__init__(
            f"event id {event_id} can't be recorded in {stream_id}: {reason} "
            f"(recorded in {recorded_in}); give every fact an id of its own"
        )


class StreamClosed(AppendRefused):
    """The stream takes no more events, since `closed_at`."""

    def __init__(self, stream_id: str, closed_at: datetime) -> None:
        self.stream_id, self.closed_at = stream_id, closed_at
        super().__init__(
            f"stream {stream_id} is closed since {closed_at.isoformat(' ', 'seconds')}; reopen it, "
            "or say it in another stream"
        )


class StreamNotClosed(AppendRefused):
    """The stream was to be reopened, and is open."""

    def __init__(self, stream_id: str) -> None:
        self.stream_id = stream_id
        super().__init__(f"stream {stream_id} is not closed; append to it")


class ValueTaken(AppendRefused):
    """Another stream, `held_by`, has the `value` that is unique in its `scope`."""

    def __init__(self, scope: str, value: str, held_by: str) -> None:
        self.scope, self.value, self.held_by = scope, value, held_by
        super().__init__(f"{scope} {value!r} is taken by {held_by}; choose another")


class CommandRefused(EventStoreError):
    """A rule forbids what a command asks for; nothing was recorded."""

    exit_code = 5


class Overloaded(EventStoreError):
    """An append was not sent before its time was over, and never will be: nothing was recorded.

    It `waited` so many seconds, while `pending` appends of `pending_bytes` were in line; `limit`
    and `limit_bytes` are how many may be.
    """

    exit_code = 4

    def __init__(
        self, pending: int, pending_bytes: int, limit: int, limit_bytes: int, waited: float
    ) -> None:
        self.pending, self.pending_bytes = pending, pending_bytes
        self.limit, self.limit_bytes, self.waited = limit, limit_bytes, waited
        super().__init__(
            f"nothing was recorded: after {waited:.3g} s the append was not sent yet, with "
            f"{pending:,} in line ({pending_bytes:,} bytes; the limits are {limit:,} and "
            f"{limit_bytes:,}); append the same events again later, or with a longer timeout"
        )


class NotFlushed(EventStoreError):
    """The store was closed while some appends had no outcome yet.

    `not_sent` are the ids of events that were not recorded and never will be; those `in_doubt` may
    have been recorded. Appending the same events again is safe for both.
    """

    exit_code = 4

    def __init__(self, not_sent: Sequence[UUID], in_doubt: Sequence[UUID]) -> None:
        self.not_sent, self.in_doubt = tuple(not_sent), tuple(in_doubt)
        super().__init__(
            f"the store was closed before {len(not_sent):,} events were sent, which were not "
            f"recorded, and while {len(in_doubt):,} were under way, which may have been; append "
            "the same events again"
        )
