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

from eventstore.errors.appending import (
    AppendRefused,
    CommandRefused,
    ConcurrencyConflict,
    ConditionFailed,
    DuplicateEventId,
    NotFlushed,
    Overloaded,
    StreamClosed,
    StreamNotClosed,
    ValueTaken,
)
from eventstore.errors.base import (
    ConfigurationError,
    EventStoreError,
    InvalidEvent,
    NotFound,
    UnknownEventType,
)
from eventstore.errors.database import (
    DatabaseFault,
    PermissionDenied,
    SchemaMismatch,
    StoreUnavailable,
)
from eventstore.errors.delivering import (
    DeliverySettled,
    LeaseLost,
    SubscriptionExists,
    SubscriptionInUse,
)
from eventstore.errors.reading import (
    DeadlineExceeded,
    EventHeld,
    HistoryDiverged,
    PositionNotReady,
    ReadBehind,
)

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
