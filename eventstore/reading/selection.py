"""Finding events by what is known of them, from whichever end of the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from uuid import UUID

from eventstore.errors import NotFound
from eventstore.limits import MAX_NAME, MAX_STREAM_ID
from eventstore.names import check_name
from eventstore.query import Query
from eventstore.reader import LogReader
from eventstore.reading import read
from eventstore.reading.read_query import windows
from eventstore.reading.rows import Rows
from eventstore.recorded import RecordedEvent

__all__ = ["Selection", "find"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events are wanted: all conditions hold, and what is None is no condition."""

    after: int = 0
    """Positions above this,"""
    until: int | None = None
    """and up to this."""
    categories: Sequence[str] | None = None
    event_types: Sequence[str] | None = None
    stream_id: str | None = None
    correlation_id: UUID | None = None
    tags: Sequence[str] | None = None
    """All of them."""

    @property
    def query(self) -> Query | None:
        """What of it can be looked up by tags."""
        return Query(types=self.event_types or (), tags=self.tags) if self.tags else None

    def holds(self, recorded: RecordedEvent) -> bool:
        """Whether the event is wanted."""
        return (
            recorded.position > self.after
            and (self.until is None or recorded.position <= self.until)
            and (not self.categories or recorded.category in self.categories)
            and (not self.event_types or recorded.event_type in self.event_types)
            and self.stream_id in (None, recorded.stream_id)
            and self.correlation_id in (None, recorded.correlation_id)
            and (not self.tags or set(self.tags) <= set(recorded.tags))
        )


def find(
    store: LogReader, wanted: Selection, *, limit: int | None = None, reverse: bool = False
) -> Iterator[RecordedEvent]:
    """Up to `limit` events in order of position, or the newest first; memory holds one page.

    Reversed, a run is the exception: all of it is held; and of a tag, what lies between two
    positions that grow apart. Raises NotFound when there is no such
    stream or run, and InvalidEvent for names that no event can have.
    """
    for name in wanted.categories or ():
        check_name(name, "category", MAX_STREAM_ID)
    for name in wanted.event_types or ():
        check_name(name, "event_type", MAX_NAME)
    if wanted.stream_id is not None:
        check_name(wanted.stream_id, "stream_id", MAX_STREAM_ID)
        if not store.stream_version(wanted.stream_id):
            raise NotFound("stream", wanted.stream_id, "see `eventstore streams list`")
        stream = store.read_stream(wanted.stream_id, backwards=reverse)
        return islice(filter(wanted.holds, stream), limit)
    if wanted.correlation_id is not None:
        run = _run(store, wanted.correlation_id, reverse)
        return islice(filter(wanted.holds, run), limit)
    if wanted.query is not None:
        return islice(filter(wanted.holds, _tagged(store, wanted, wanted.query, reverse)), limit)
    if reverse:
        return _newest_first(store, wanted, limit)
    return store.read_all(
        wanted.after,
        wanted.until,
        categories=wanted.categories or None,
        event_types=wanted.event_types or None,
        limit=limit,
    )


def _run(store: LogReader, correlation_id: UUID, reverse: bool) -> Iterator[RecordedEvent]:
    events = store.read_correlation(correlation_id)
    first = next(events, None)
    if first is None:
        raise NotFound("run", correlation_id, "a run is named by its correlation_id")
    return reversed([first, *events]) if reverse else chain([first], events)


def _tagged(
    store: LogReader, wanted: Selection, query: Query, reverse: bool
) -> Iterator[RecordedEvent]:
    if not reverse:
        yield from store.read_all(wanted.after, wanted.until, query=query)
        return
    mark = store.watermark()
    until = mark if wanted.until is None else min(wanted.until, mark)
    for begin, end in windows(wanted.after, until):
        yield from reversed(list(store.read_all(begin, end, query=query)))


def _newest_first(
    store: LogReader, wanted: Selection, limit: int | None
) -> Iterator[RecordedEvent]:
    mark = store.watermark()
    end = mark if wanted.until is None else min(wanted.until, mark)

    def page(last: RecordedEvent | None, size: int) -> Rows:
        before = end + 1 if last is None else last.position
        return store.database.read(
            lambda c: read.page_before(
                c,
                before,
                size,
                tenant=store.tenant,
                categories=wanted.categories or None,
                event_types=wanted.event_types or None,
                registry=store.registry,
            )
        )

    for recorded in read.pages(page, limit):
        if recorded.position <= wanted.after:
            return
        yield recorded
