"""The event store as a program sees it: open, append, read, subscribe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from types import TracebackType
from typing import Any, Self, Unpack
from uuid import UUID

from eventstore import context, read
from eventstore.append import (
    ANY,
    Append,
    ExpectedVersion,
    Receipt,
    Request,
    check_name,
    prepare,
)
from eventstore.arrivals import Appended, Arrivals
from eventstore.command import Command
from eventstore.config import Settings, load
from eventstore.context import Says
from eventstore.database import Database, Limits
from eventstore.event import Event, RecordedEvent
from eventstore.execute import Executor
from eventstore.guards import Guards
from eventstore.limits import MAX_NAME, MAX_STREAM_ID
from eventstore.registry import EventRegistry, default_registry
from eventstore.schema import check_schema
from eventstore.server import connect_to
from eventstore.streams import Streams
from eventstore.subscription import Checkpoint, Subscription
from eventstore.writer import GroupCommitWriter

__all__ = ["EventStore"]


class EventStore:
    """One tenant's log, for any number of threads.

        with EventStore.open() as store:
            store.append("package-7f3a", [PackageRegistered(...)], agent="analyst")

    Every append is on disk when it returns. After any error the store goes on working.
    """

    def __init__(self, database: Database, registry: EventRegistry, settings: Settings) -> None:
        self.database = database
        self.registry = registry
        self.settings = settings
        self.writer = GroupCommitWriter(database)
        self.arrivals = Arrivals(database)
        self.executor = Executor(self)
        self.streams = Streams(database)

    @classmethod
    def open(
        cls,
        url: str | None = None,
        *,
        tenant: str | None = None,
        registry: EventRegistry = default_registry,
    ) -> Self:
        """Opens the store at `url`, or where the settings point, or an embedded server.

        Raises StoreUnavailable, PermissionDenied, SchemaMismatch or ConfigurationError.
        """
        settings = load(database_url=url, tenant=tenant)
        check_name(settings.tenant, "tenant", MAX_NAME)
        address, revive = connect_to(settings)
        database = Database(
            address,
            settings.tenant,
            Limits(command=settings.command_timeout, lock=settings.lock_timeout),
            settings.pool_min_size,
            settings.pool_max_size,
            revive,
        )
        try:
            # Not through the pool, which would wait long for a login that is refused at once.
            with database.auditor() as connection:
                check_schema(connection)
        except BaseException:
            database.close()
            raise
        return cls(database, registry, settings)

    @property
    def tenant(self) -> str:
        """The tenant whose log this is."""
        return self.database.tenant

    def close(self) -> None:
        """Finishes the appends under way, ends waits, and gives back the connections."""
        self.writer.close()
        self.arrivals.close()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

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
    ) -> Receipt:
        """Appends events to one stream, all or none, and returns when they are on disk.

        What is not given comes from the surrounding `context`. The same event objects again give
        the first receipt, under any expected_version.

        Raises InvalidEvent, ConcurrencyConflict, DuplicateEventId, PermissionDenied or
        StoreUnavailable.
        """
        said = context.in_context(
            Append(
                stream_id,
                events,
                expected_version,
                agent,
                target_agent,
                correlation_id,
                causation_id,
                occurred_at,
                {} if metadata is None else metadata,
            )
        )
        return self.writer.append(self.prepare([said]))[0]

    def append_many(self, appends: Sequence[Append]) -> list[Receipt]:
        """Appends to several streams, all or nothing, and returns a receipt for each.

        Raises what `append` raises; the first refusal refuses all.
        """
        return self.writer.append(self.prepare(context.all_in_context(appends)))

    def execute(self, command: Command, **says: Unpack[Says]) -> Receipt:
        """Decides a command on what its streams say now, and appends what it decides.

        When another writer moves one of these streams meanwhile, it decides again, in bounds. The
        same command again gives the receipt of the first time. The keywords are those of `append`.

        Raises what the command's `decide` does (a CommandRefused), ValueTaken, and what `append`
        raises; ConcurrencyConflict only when other writers were quicker twenty times in a row.
        """
        return self.executor.execute(command, says)

    def wait_for(self, appended: Appended, projection: str, *, timeout: float = 5.0) -> int:
        """Waits until a projection's rows show what was appended, and its hooks were told of it.

        `appended` is a receipt, a position, or several of them; `timeout` is in seconds. Returns
        the position that all shards of the projection have reached.

        Raises EventHeld when the projection could not apply one of the events, NotFound when it is
        unknown or never ran, DeadlineExceeded, or StoreUnavailable.
        """
        return self.arrivals.submit(appended, projection, timeout).result()

    def prepare(self, appends: Sequence[Append], guards: Guards | None = None) -> Request:
        """Checks and encodes appends for this store; raises InvalidEvent or StoreUnavailable."""
        self.database.require_open()
        limit = self.settings.max_payload_bytes
        return prepare(appends, registry=self.registry, limit=limit, guards=guards)

    def read_stream(
        self,
        stream_id: str,
        from_version: int | None = None,
        *,
        backwards: bool = False,
        limit: int | None = None,
    ) -> Iterator[RecordedEvent]:
        """A stream's events from `from_version` on: upwards from 1, or backwards from the end."""
        check_name(stream_id, "stream_id", MAX_STREAM_ID)
        start = from_version if from_version is not None else 2**62 if backwards else 1
        step = -1 if backwards else 1

        def page(last: RecordedEvent | None, size: int) -> list[RecordedEvent]:
            begin = start if last is None else last.stream_version + step
            return self.database.read(
                lambda c: read.stream_page(
                    c,
                    self.tenant,
                    stream_id,
                    begin,
                    size,
                    backwards=backwards,
                    registry=self.registry,
                )
            )

        return read.pages(page, limit)

    def read_all(
        self,
        after: int = 0,
        until: int | None = None,
        *,
        categories: Sequence[str] | None = None,
        event_types: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Iterator[RecordedEvent]:
        """The log's events with after < position <= until, in order, to the watermark at most."""
        mark = self.watermark()
        end = mark if until is None else min(until, mark)

        def page(last: RecordedEvent | None, size: int) -> list[RecordedEvent]:
            begin = after if last is None else last.position
            return self.database.read(
                lambda c: read.page_after(
                    c,
                    begin,
                    end,
                    size,
                    tenant=self.tenant,
                    categories=categories,
                    event_types=event_types,
                    registry=self.registry,
                )
            )

        return read.pages(page, limit)

    def read_correlation(self, correlation_id: UUID) -> Iterator[RecordedEvent]:
        """Every event of one run so far, across streams and agents, in log order."""

        def page(last: RecordedEvent | None, size: int) -> list[RecordedEvent]:
            begin = 0 if last is None else last.position
            return self.database.read(
                lambda c: read.correlation_page(
                    c, self.tenant, correlation_id, begin, size, registry=self.registry
                )
            )

        return read.pages(page, None)

    def read_event(self, event_id: UUID) -> RecordedEvent | None:
        """The event with that id, or None."""
        return self.database.read(
            lambda c: read.event_by_id(c, self.tenant, event_id, registry=self.registry)
        )

    def stream_version(self, stream_id: str) -> int:
        """The stream's version now, 0 when it does not exist."""
        check_name(stream_id, "stream_id", MAX_STREAM_ID)
        return self.database.read(lambda c: read.stream_version(c, self.tenant, stream_id))

    def watermark(self) -> int:
        """The highest position below which nothing can still appear."""
        return self.database.read(read.watermark)

    def subscribe(
        self,
        after: int | Checkpoint = 0,
        *,
        categories: Sequence[str] | None = None,
        event_types: Sequence[str] | None = None,
    ) -> Subscription:
        """The log from a checkpoint on: catches up, then follows until it is closed.

        A Checkpoint (as against a bare position) is compared with the log first, and raises
        HistoryDiverged when the log has lost it.
        """
        return Subscription(self.database, self.registry, after, categories, event_types)
