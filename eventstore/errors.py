"""Every error that the store raises, as a tree.

    EventStoreError
    ├── InvalidEvent             what you said can't be recorded; raised before any SQL
    ├── UnknownEventType         no class in this process reads that event
    ├── NotFound                 the log holds no such event, stream, run or partition
    ├── AppendRefused            the log said no; nothing of the append was recorded
    │   ├── ConditionFailed      there is an event that must not be there
    │   ├── ConcurrencyConflict  the stream is not at the version that the writer believed
    │   ├── DuplicateEventId     the event id already names another fact
    │   ├── StreamClosed         the stream takes no more events
    │   ├── StreamNotClosed      the stream can't be reopened: it is open
    │   └── ValueTaken           another stream has the value that must be unique
    ├── CommandRefused           the rules said no: see eventstore.refusals
    ├── SubscriptionExists       one of that name is there, with another definition
    ├── SubscriptionInUse        it has consumers or parked events, so it is not dropped
    ├── LeaseLost                a consumer's deliveries were given to others
    ├── DeliverySettled          a delivery can be settled once
    ├── PositionNotReady         the isolation level can't give an ordered read
    ├── HistoryDiverged          the log is not the one that a checkpoint was taken from
    ├── EventHeld                a projection has set the event aside, and its rows lack it
    ├── DeadlineExceeded         a projection has not applied the event in time
    ├── Overloaded               an append was not sent in time; nothing of it was recorded
    ├── NotFlushed               the store was closed before every append had its outcome
    ├── ReadBehind               reads do not show the log up to a position in time
    ├── StoreUnavailable         no answer from the database; safe to repeat with the same events
    ├── SchemaMismatch           the database's schema is not the one that this code knows
    ├── PermissionDenied         the login may not do that
    ├── DatabaseFault            the database refused in a way that nobody foresaw
    └── ConfigurationError       a setting is missing, contradictory or malformed

Each carries its facts as attributes, and a message that says what to do. `exit_code` is what the
command line ends with (0 done, 1 error, 2 usage, 3 not found, 4 cannot connect or not allowed,
5 conflict or invalid input, 6 a check found something).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

if TYPE_CHECKING:
    from eventstore.query import Query

__all__ = [
    "AppendRefused",
    "CommandRefused",
    "ConcurrencyConflict",
    "ConditionFailed",
    "ConfigurationError",
    "DatabaseFault",
    "DeadlineExceeded",
    "DeliverySettled",
    "DuplicateEventId",
    "EventHeld",
    "EventStoreError",
    "HistoryDiverged",
    "InvalidEvent",
    "LeaseLost",
    "NotFlushed",
    "NotFound",
    "Overloaded",
    "PermissionDenied",
    "PositionNotReady",
    "ReadBehind",
    "SchemaMismatch",
    "StoreUnavailable",
    "StreamClosed",
    "StreamNotClosed",
    "SubscriptionExists",
    "SubscriptionInUse",
    "UnknownEventType",
    "ValueTaken",
]


class EventStoreError(Exception):
    """The root: catch it to catch whatever the store can raise."""

    exit_code: ClassVar[int] = 1

    @property
    def facts(self) -> dict[str, Any]:
        """The attributes that describe this error, for logs and `--json`."""
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}


class InvalidEvent(EventStoreError, ValueError):
    """The event breaks a rule of its type or of the log, so it never reached the database.

    `reason` is the rule in words; `path` leads to the offending value, such as `data.tags.3`;
    `event_type` is the type when it is known.
    """

    exit_code = 5

    def __init__(self, reason: str, *, path: str = "", event_type: str | None = None) -> None:
        self.reason, self.path, self.event_type = reason, path, event_type
        where = " at ".join(part for part in (event_type, path) if part)
        super().__init__(f"{where}: {reason}" if where else reason)


class UnknownEventType(EventStoreError, LookupError):
    """No registered class reads (event_type, schema_version); the raw form is still readable."""

    def __init__(self, event_type: str, schema_version: int) -> None:
        self.event_type, self.schema_version = event_type, schema_version
        super().__init__(
            f"no class is registered for {event_type} with schema_version {schema_version}; "
            "import the module that defines it, or read the event's raw form"
        )


class NotFound(EventStoreError, LookupError):
    """The log holds no `thing` (event, stream, ...) named `key`; `hint` says where to look."""

    exit_code = 3

    def __init__(self, thing: str, key: object, hint: str = "") -> None:
        self.thing, self.key, self.hint = thing, key, hint
        super().__init__(f"there is no {thing} {key}" + (f"; {hint}" if hint else ""))


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

    `recorded_in` is the stream that holds it; `reason` is "another stream", "other content", or
    "twice in one append". The same fact in the same stream is no error: it returns its first
    receipt.
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


class SubscriptionExists(EventStoreError):
    """There is a subscription of that name, with another filter or other rules."""

    exit_code = 5

    def __init__(self, subscription: str) -> None:
        self.subscription = subscription
        super().__init__(
            f"subscription {subscription} is there already, with another definition; see "
            f"`eventstore subscriptions show {subscription}`, and drop it or choose another name"
        )


class SubscriptionInUse(EventStoreError):
    """A subscription was not dropped: it has so many live `consumers` and `parked` events."""

    exit_code = 5

    def __init__(self, subscription: str, consumers: int, parked: int) -> None:
        self.subscription, self.consumers, self.parked = subscription, consumers, parked
        super().__init__(
            f"subscription {subscription} has {consumers} consumers and {parked} parked events; "
            "end the former and resolve the latter, or drop it by force"
        )


class LeaseLost(EventStoreError):
    """A consumer gave no sign of life for the length of its lease, so others have its deliveries.

    What it wanted to settle is delivered again.
    """

    exit_code = 5

    def __init__(self, subscription: str) -> None:
        self.subscription = subscription
        super().__init__(
            f"the lease on subscription {subscription} is lost, and its deliveries are given to "
            "other consumers; go on with the next delivery, and let a slow handler call "
            "delivery.renew()"
        )


class DeliverySettled(EventStoreError):
    """The delivery with this idempotency `key` was acknowledged, retried or parked before."""

    exit_code = 5

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"delivery {key} was settled before; each is settled once")


class PositionNotReady(EventStoreError):
    """An ordered read was tried where it can't be had: the transaction keeps one snapshot."""


class HistoryDiverged(EventStoreError):
    """The log does not hold the event that a checkpoint names: a fail-over or a restore lost it.

    `position` is the checkpoint's; going on would hide the loss.
    """

    exit_code = 6

    def __init__(self, position: int, reason: str) -> None:
        self.position, self.reason = position, reason
        super().__init__(
            f"the log is not the one that the checkpoint at position {position} was taken from: "
            f"{reason}; find out what was lost, then start again from a position that both share"
        )


class EventHeld(EventStoreError):
    """A projection holds the event at `position` back, so its rows do not show it.

    It failed for `reason`, or it waits for the event at `behind`, which failed.
    """

    exit_code = 6

    def __init__(
        self, projection: str, position: int, behind: int | None, reason: str | None
    ) -> None:
        self.projection, self.position = projection, position
        self.behind, self.reason = behind, reason
        why = reason if behind is None else f"it waits for the event at position {behind}"
        super().__init__(
            f"projection {projection} has not applied the event at position {position}: {why}; see "
            f"`eventstore projections failures show {projection} {behind or position}`"
        )


class DeadlineExceeded(EventStoreError, TimeoutError):
    """A projection did not reach `position` within `timeout` seconds.

    Its slowest shard has `reached` that position, and is in `state`; `holder` runs it, if anybody
    does. The event is recorded, and will be applied all the same.
    """

    def __init__(
        self,
        projection: str,
        position: int,
        timeout: float,
        reached: int,
        state: str,
        holder: str | None,
        *,
        last_error: str | None = None,
    ) -> None:
        self.projection, self.position, self.timeout = projection, position, timeout
        self.reached, self.state, self.holder = reached, state, holder
        self.last_error = last_error
        who = f"run by {holder}" if holder else "run by nobody: start `eventstore projections run`"
        said = f", {last_error}" if last_error else ""
        super().__init__(
            f"projection {projection} did not reach position {position} within {timeout:g} s: it "
            f"is at {reached}, {state}{said}, {who}"
        )


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


class ReadBehind(EventStoreError, TimeoutError):
    """Reads did not show the log up to `position` within `timeout` seconds.

    They show it up to `reached`, as it was `age` seconds ago; 0 on the primary, where an append in
    flight holds readers back.
    """

    def __init__(self, position: int, timeout: float, reached: int, age: float) -> None:
        self.position, self.timeout = position, timeout
        self.reached, self.age = reached, age
        super().__init__(
            f"reads do not show position {position} after {timeout:g} s: they are at {reached}, as "
            f"of {age:.1f} s ago; read from the primary, or see `eventstore health`"
        )


class StoreUnavailable(EventStoreError):
    """The database gave no answer in time.

    For an append, `event_ids` names the events whose outcome is unknown. Appending the very same
    event objects again is safe: what was recorded answers with its first receipt.
    """

    exit_code = 4

    def __init__(self, reason: str, *, event_ids: Sequence[UUID] = ()) -> None:
        self.reason, self.event_ids = reason, tuple(event_ids)
        tail = "; the outcome is unknown, append the same events again" if event_ids else ""
        super().__init__(f"the event store can't be reached: {reason}{tail}")


class SchemaMismatch(EventStoreError):
    """The database's schema is behind or ahead of this code.

    `found` is the revision in the database (None when it has no store), `expected` the one that
    this code was written for, `cure` the command that mends it.
    """

    exit_code = 4

    def __init__(self, found: str | None, expected: str, reason: str, cure: str) -> None:
        self.found, self.expected, self.reason, self.cure = found, expected, reason, cure
        super().__init__(
            f"{reason} (database at {found or 'no revision'}, code at {expected}): {cure}"
        )


class PermissionDenied(EventStoreError):
    """The login may not do that; `reason` says what was tried and what is missing."""

    exit_code = 4

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class DatabaseFault(EventStoreError):
    """The database refused with an error that this code does not foresee; `sqlstate` is its."""

    def __init__(self, sqlstate: str | None, reason: str) -> None:
        self.sqlstate, self.reason = sqlstate, reason
        super().__init__(f"the database answered {sqlstate or 'an error'}: {reason}")


class ConfigurationError(EventStoreError):
    """A setting is missing, contradictory or malformed; `setting` names it."""

    exit_code = 2

    def __init__(self, setting: str, reason: str) -> None:
        self.setting, self.reason = setting, reason
        super().__init__(f"{setting}: {reason}")
