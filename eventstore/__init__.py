"""An append-only event store on PostgreSQL that AI agents can be held to account by."""

from eventstore.append import ANY, NO_STREAM, STREAM_EXISTS, Append, Receipt
from eventstore.async_store import AsyncEventStore
from eventstore.command import Command, Decision
from eventstore.deciding.snapshots import Snapshots
from eventstore.event import BigInt, Event
from eventstore.guards import Claim
from eventstore.query import Query
from eventstore.reader import LogReader
from eventstore.reading.subscription import Checkpoint, Subscription
from eventstore.recorded import RawEvent, RecordedEvent
from eventstore.registry import EventRegistry, upcaster
from eventstore.store import EventStore
from eventstore.writing.batch_key import events_with_key
from eventstore.writing.importing import Imported

__all__ = [
    "ANY",
    "NO_STREAM",
    "STREAM_EXISTS",
    "Append",
    "AsyncEventStore",
    "BigInt",
    "Checkpoint",
    "Claim",
    "Command",
    "Decision",
    "Event",
    "EventRegistry",
    "EventStore",
    "Imported",
    "LogReader",
    "Query",
    "RawEvent",
    "Receipt",
    "RecordedEvent",
    "Snapshots",
    "Subscription",
    "events_with_key",
    "upcaster",
]
