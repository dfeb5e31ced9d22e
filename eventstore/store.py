"""The event store as a program sees it: what `LogReader` reads, and append, execute, wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, TypeVar, Unpack
from uuid import UUID

from eventstore import context, telemetry
from eventstore.append import (
    ANY,
    Append,
    ExpectedVersion,
    Receipt,
    Request,
    prepare,
)
from eventstore.command import Command, Decided, State
from eventstore.config import Settings
from eventstore.connection.database import Database
from eventstore.connection.server import connect_to
from eventstore.context import Says
from eventstore.deciding.execute import Executor
from eventstore.event import Event
from eventstore.guards import Guards
from eventstore.query import Query
from eventstore.reader import LogReader
from eventstore.reading.arrivals import Appended, Arrivals
from eventstore.registry import EventRegistry
from eventstore.streams import Streams
from eventstore.subscriptions import Subscriptions
from eventstore.writing.batch_key import events_with_key
from eventstore.writing.importer import Importers
from eventstore.writing.importing import Imported, import_appends
from eventstore.writing.writer import GroupCommitWriter
from eventstore.writing.writer_stats import WriterStats

__all__ = ["EventStore"]

S = TypeVar("S", bound=State)


class EventStore(LogReader):
    """One tenant's log, to be read and written by any number of threads.

        with EventStore.open() as store:
            store.append("package-7f3a", [PackageRegistered(...)], agent="analyst")

    Every append is on disk when it returns. After any error the store goes on working.
    """

    streams: Streams

    def __init__(self, database: Database, registry: EventRegistry, settings: Settings) -> None:
        super().__init__(database, registry, settings)
        self.writer = GroupCommitWriter(
            database,
            timeout=settings.append_timeout,
            max_appends=settings.max_pending_appends,
            max_bytes=settings.max_pending_bytes,
        )
        self.importers = Importers(database)
        self.arrivals = Arrivals(database)
        self.executor = Executor(self)
        self.streams = Streams(database)
        self.subscriptions = Subscriptions(database, registry)

    @classmethod
    def _address(cls, settings: Settings) -> tuple[str, Callable[[], None]]:
        """Reads go where writes go, so that they show what was written."""
        return connect_to(settings)

    @property
    def elsewhere(self) -> None:
        """Nowhere else."""

    def close(self, timeout: float | None = None) -> None:
        """Refuses what comes after, finishes the appends, ends waits, gives back the connections.

        `timeout` is in seconds, by default `append_timeout` of the settings. Raises NotFlushed,
        with the ids of the events, when appends have no outcome until then; it is closed all the
        same.
        """
        try:
            self.writer.close(timeout)
        finally:
            self.importers.close()
            self.arrivals.close()
            super().close()

    @property
    def writer_stats(self) -> WriterStats:
        """How many appends wait, how they were sent, and how long they waited."""
        return self.writer.stats

    def context(
        self,
        *,
        agent: str | None = None,
        target_agent: str | None = None,
        correlation_id: UUID | None = None,
        causation_id: UUID | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> AbstractContextManager[None]:
        """Who speaks, and in which run, for every append in a `with` block (and its tasks)."""
        return context.speaking(
            agent=agent,
            target_agent=target_agent,
            correlation_id=correlation_id,
            causation_id=causation_id,
            metadata=metadata,
        )

    def append(
        self,
        stream_id: str,
        events: Sequence[Event],
        *,
        expected_version: ExpectedVersion = ANY,
        agent: str | None = None,
        target_agent: str | None = None,
        correlation_id: UUID | None = None,
        causation_id: UUID | None = None,
        occurred_at: datetime | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: Sequence[str] = (),
        fail_if_any: Query | None = None,
        after: int = 0,
        batch_key: str | None = None,
        timeout: float | None = None,
    ) -> Receipt:
        """Appends events to one stream, all or none, and returns when they are on disk.

        What is not given comes from the surrounding `context`. The same event objects again give
        the first receipt, under any expected_version and any condition; with a `batch_key`, equal
        events under the same key do.

        `tags` name what else the events are about. `fail_if_any` is a condition: nothing is
        recorded when an event that the query means has a position above `after`. That is the last
        position that the caller has read to (see docs/tags.md); 0 means that there may be none.
        `timeout` is in seconds, by default `append_timeout` of the settings.

        Raises InvalidEvent, ConcurrencyConflict, ConditionFailed, DuplicateEventId, StreamClosed,
        PermissionDenied, Overloaded when it could not be sent in time, or StoreUnavailable.
        """
        said = Append(
            stream_id,
            events if batch_key is None else events_with_key(batch_key, events),
            expected_version,
            agent,
            target_agent,
            correlation_id,
            causation_id,
            occurred_at,
            {} if metadata is None else metadata,
            tags,
            fail_if_any,
            after,
        )
        return self.record([said], timeout=timeout)[0]

    def append_many(
        self, appends: Sequence[Append], *, timeout: float | None = None
    ) -> list[Receipt]:
        """Appends to several streams, all or nothing, and returns a receipt for each.

        Raises what `append` raises; the first refusal refuses all. The conditions of all are
        judged before any of them is recorded.
        """
        return self.record(appends, timeout=timeout)

    def import_events(
        self,
        appends: Iterable[Append],
        *,
        progress: Callable[[Imported], object] | None = None,
    ) -> Imported:
        """Appends very many, each with an outcome of its own, some thousand in one transaction.

        Their order is that of the log. Memory stays flat, however many there are. `progress` is
        called after each batch. The same import again adds nothing, so one that broke off is
        resumed by doing it again, if its events have ids that stay (`Event.with_id`).

        Raises PermissionDenied or StoreUnavailable, and what the iterable raises; what came before
        stays recorded.
        """
        with self.importers.lend() as importer:
            return import_appends(
                importer,
                appends,
                lambda append: self.prepare([context.in_context(append)]),
                progress,
            )

    def execute(
        self, command: Command, *, timeout: float | None = None, **says: Unpack[Says]
    ) -> Receipt:
        """Decides a command on what its streams say now, and appends what it decides.

        When another writer moves one of these streams meanwhile, it decides again, in bounds. The
        same command again gives the receipt of the first time. The keywords are those of `append`;
        `timeout` is for the appends of all tries.

        Raises what the command's `decide` does (a CommandRefused), ValueTaken, and what `append`
        raises; ConcurrencyConflict only when other writers were quicker twenty times in a row.
        """
        return self.executor.execute(command, says, timeout)

    def transact(
        self,
        stream_id: str,
        state: S,
        decide: Callable[[S], Decided],
        *,
        timeout: float | None = None,
        **says: Unpack[Says],
    ) -> Receipt | None:
        """Decides on what one stream says now, and appends what is decided; None for nothing.

            store.transact("account-7", Account(), lambda account: account.withdraw(30))

        `state` is the state before any event, and folds by `after`; `decide` is pure, because it
        is asked again when another writer was quicker. Unlike a command, a transaction that is
        called again is another one. The keywords are those of `execute`.

        Raises what `decide` does, ValueTaken, and what `append` raises; ConcurrencyConflict only
        when other writers were quicker twenty times in a row.
        """
        return self.executor.transact(stream_id, state, decide, says, timeout)

    def wait_for(self, appended: Appended, projection: str, *, timeout: float = 5.0) -> int:
        """Waits until a projection's rows show what was appended, and its hooks were told of it.

        `appended` is a receipt, a position, or several of them; `timeout` is in seconds. Returns
        the position that all shards of the projection have reached.

        Raises EventHeld when the projection could not apply one of the events, NotFound when it is
        unknown or never ran, DeadlineExceeded, or StoreUnavailable.
        """
        return self.arrivals.submit(appended, projection, timeout).result()

    def record(
        self,
        appends: Sequence[Append],
        guards: Guards | None = None,
        *,
        timeout: float | None = None,
    ) -> list[Receipt]:
        """Completes appends from the context, appends them all or nothing, and waits.

        What `append`, `append_many` and the decisions come to; raises what they do.
        """
        with telemetry.operation("append") as noted:
            request = self.prepare(context.all_in_context(appends), guards)
            noted.tell(request)
            return self.writer.append(request, timeout)

    def prepare(self, appends: Sequence[Append], guards: Guards | None = None) -> Request:
        """Checks and encodes appends for this store; raises InvalidEvent or StoreUnavailable."""
        self.database.require_open()
        limit = self.settings.max_payload_bytes
        return prepare(appends, registry=self.registry, limit=limit, guards=guards)
