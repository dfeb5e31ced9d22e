"""The log as a program reads it: open, read, subscribe. Nothing here appends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self
from uuid import UUID

from eventstore.append import Receipt
from eventstore.config import Settings, load, mask
from eventstore.connection.database import Database, Limits
from eventstore.connection.server import connect_to
from eventstore.event import Event
from eventstore.limits import MAX_NAME, MAX_STREAM_ID
from eventstore.names import check_name
from eventstore.query import Query
from eventstore.reading import read
from eventstore.reading.read_query import check_alone, query_page
from eventstore.reading.rows import Rows
from eventstore.reading.subscription import Checkpoint, Subscription
from eventstore.recorded import RecordedEvent
from eventstore.registry import EventRegistry, default_registry
from eventstore.schema.revision import check_schema
from eventstore.streams.surface import StreamListings
from eventstore.upkeep import standby
from eventstore.writing import receipts

__all__ = ["LogReader"]


class LogReader:
    """One tenant's log, to be read by any number of threads.

        with LogReader.open(url) as log:
            for recorded in log.read_all():
                ...

    Its login has to be an auditor and nothing else, and its server may be one that takes no writes.
    """

    def __init__(self, database: Database, registry: EventRegistry, settings: Settings) -> None:
        self.database = database
        self.registry = registry
        self.settings = settings
        self.streams = StreamListings(database)

    @classmethod
    def open(
        cls,
        url: str | None = None,
        *,
        read_url: str | None = None,
        tenant: str | None = None,
        registry: EventRegistry = default_registry,
    ) -> Self:
        """Opens the log at `url`, or where the settings point, or an embedded server.

        `read_url` comes before it: a standby, for instance. So does EVENTSTORE_READ_URL, unless a
        `url` is given.

        Raises StoreUnavailable, PermissionDenied, SchemaMismatch or ConfigurationError.
        """
        settings = load(database_url=url, read_url=read_url, tenant=tenant)
        check_name(settings.tenant, "tenant", MAX_NAME)
        address, revive = cls._address(settings)
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

    @classmethod
    def _address(cls, settings: Settings) -> tuple[str, Callable[[], None]]:
        """Where to connect to, and what brings that server back."""
        if settings.read_url is not None:
            return settings.read_url, lambda: None
        return connect_to(settings)

    @property
    def elsewhere(self) -> str | None:
        """The masked address that reads go to, if it is not where the store is written."""
        return None if self.settings.read_url is None else mask(self.settings.read_url)

    @property
    def tenant(self) -> str:
        """The tenant whose log this is."""
        return self.database.tenant

    def close(self) -> None:
        """Gives back the connections."""
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

    def read_stream(
        self,
        stream_id: str,
        from_version: int | None = None,
        *,
        backwards: bool = False,
        limit: int | None = None,
        min_position: int | None = None,
    ) -> Iterator[RecordedEvent]:
        """A stream's events from `from_version` on: upwards from 1, or backwards from the end.

        With `min_position`, it waits first as `wait_for_position` does, and so shows one's writes.
        """
        check_name(stream_id, "stream_id", MAX_STREAM_ID)
        self._reach(min_position)
        start = from_version if from_version is not None else 2**62 if backwards else 1
        step = -1 if backwards else 1

        def page(last: RecordedEvent | None, size: int) -> Rows:
            begin = start if last is None else last.stream_version + step
            return self.database.read_log(
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
        query: Query | None = None,
        limit: int | None = None,
        min_position: int | None = None,
    ) -> Iterator[RecordedEvent]:
        """The log's events with after < position <= until, in order, to the watermark at most.

        Of some categories and event_types, or those that a query means. With `min_position`, it
        waits first as `wait_for_position` does.
        """
        check_alone(query, categories, event_types)
        self._reach(min_position)
        mark = self.watermark()
        end = mark if until is None else min(until, mark)

        def page(last: RecordedEvent | None, size: int) -> Rows:
            begin = after if last is None else last.position
            if query is not None:
                return self.database.read(
                    lambda c: query_page(
                        c, query, begin, end, size, tenant=self.tenant, registry=self.registry
                    )
                )
            return self.database.read_log(
                lambda c: read.log_page(
                    c,
                    self.tenant,
                    begin,
                    end,
                    size,
                    categories=categories,
                    event_types=event_types,
                    registry=self.registry,
                )
            )

        return read.pages(page, limit)

    def read_correlation(
        self, correlation_id: UUID, *, min_position: int | None = None
    ) -> Iterator[RecordedEvent]:
        """Every event of one run so far, across streams and agents, in log order.

        With `min_position`, it waits first as `wait_for_position` does.
        """
        self._reach(min_position)

        def page(last: RecordedEvent | None, size: int) -> Rows:
            begin = 0 if last is None else last.position
            return self.database.read_log(
                lambda c: read.correlation_page(
                    c, self.tenant, correlation_id, begin, size, registry=self.registry
                )
            )

        return read.pages(page, None)

    def read_event(self, event_id: UUID) -> RecordedEvent | None:
        """The event with that id, or None."""
        return self.database.read_log(
            lambda c: read.event_by_id(c, self.tenant, event_id, registry=self.registry)
        )

    def committed(self, events: Sequence[Event | UUID]) -> frozenset[UUID]:
        """The ids of those events, given as such or by their ids, that are recorded by now."""
        return self.database.read(lambda c: receipts.committed(c, self.tenant, events))

    def receipt_of(self, events: Sequence[Event | UUID]) -> Receipt | None:
        """The receipt of the append of these events, if they are recorded by now.

        For whoever has lost it, after a crash for example. None is the answer of this moment: what
        a client sent before it died can still be under way. Appending the same events again is
        certain, and gives the first receipt.

        Raises DuplicateEventId when they are recorded otherwise than by one append to one stream,
        and NotFound when their month is detached.
        """
        return self.database.read(lambda c: receipts.receipt_of(c, self.tenant, events))

    def stream_version(self, stream_id: str) -> int:
        """The stream's version now, 0 when it does not exist."""
        check_name(stream_id, "stream_id", MAX_STREAM_ID)
        return self.database.read_log(lambda c: read.stream_version(c, self.tenant, stream_id))

    def watermark(self) -> int:
        """The highest position below which nothing can still appear.

        On a standby it is the one that the primary stored last, and `read_age` tells its age.
        """
        return self.database.read_log(read.watermark)

    def read_age(self) -> float:
        """How many seconds old the watermark is: what was appended since may be missing.

        0 on the primary. By the clocks of both servers; it grows while nobody stores a watermark.
        """
        return self.database.read(standby.read_age)

    def wait_for_position(self, position: int, *, timeout: float = 5.0) -> int:
        """Waits until reads show the log up to a position, such as a receipt's; returns how far.

        `timeout` is in seconds. Raises ReadBehind or StoreUnavailable.
        """
        return standby.wait_for_position(self.database, position, timeout)

    def _reach(self, min_position: int | None) -> None:
        if min_position is not None:
            self.wait_for_position(min_position)

    def subscribe(
        self,
        after: int | Checkpoint = 0,
        *,
        categories: Sequence[str] | None = None,
        event_types: Sequence[str] | None = None,
        query: Query | None = None,
    ) -> Subscription:
        """The log from a checkpoint on: catches up, then follows until it is closed.

        A Checkpoint (as against a bare position) is compared with the log first, and raises
        HistoryDiverged when the log has lost it.
        """
        check_alone(query, categories, event_types)
        return Subscription(self.database, self.registry, after, categories, event_types, query)
