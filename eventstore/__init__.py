"""An append-only event store on PostgreSQL that AI agents can be held to account by."""

from eventstore.append import ANY, NO_STREAM, STREAM_EXISTS, Append, Receipt
from eventstore.async_store import AsyncEventStore
from eventstore.batch_key import events_with_key
from eventstore.command import Command, Decision
from eventstore.event import BigInt, Event
from eventstore.guards import Claim
from eventstore.importing import Imported
from eventstore.query import Query
from eventstore.reader import LogReader
from eventstore.recorded import RawEvent, RecordedEvent
from eventstore.registry import EventRegistry, upcaster
from eventstore.snapshots import Snapshots
from eventstore.store import EventStore
from eventstore.subscription import Checkpoint, Subscription

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
