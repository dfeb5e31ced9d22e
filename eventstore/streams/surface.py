"""`store.streams`: streams as things, for threads and for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Unpack
from uuid import UUID

from eventstore.append import STREAM_EXISTS, ExpectedVersion, Receipt, check_name
from eventstore.connection.database import Database
from eventstore.context import Says
from eventstore.errors import NotFound
from eventstore.limits import MAX_STREAM_ID, MAX_TAG
from eventstore.streams.counts import CategoryCount, TypeCount, counts
from eventstore.streams.info import StreamInfo, stream_info
from eventstore.streams.links import (
    LinkedStream,
    Run,
    runs,
    streams_of_correlation,
    streams_of_tag,
)
from eventstore.streams.marking import closed, described, mark, reopened

__all__ = ["AsyncStreams", "StreamListings", "Streams"]

MAX_LINKED = 100_000
"""Streams that one answer has at most."""


class StreamListings:
    """The streams of a log, to be looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def info(self, stream_id: str) -> StreamInfo:
        """What is known of a stream; raises NotFound."""
        check_name(stream_id, "stream_id", MAX_STREAM_ID)
        found = self._database.read(lambda c: stream_info(c, self._database.tenant, stream_id))
        if found is None:
            raise NotFound("stream", stream_id, "see `eventstore streams list`")
        return found

    def categories(self) -> list[CategoryCount]:
        """The streams and events of each category, exact up to the watermark, the largest first."""
        return counts(self._database).of_categories()

    def event_types(self, category: str | None = None) -> list[TypeCount]:
        """The events of each type, exact up to the watermark, the most frequent first."""
        return counts(self._database).of_types(category)

    def runs(self, *, before: int | None = None, limit: int = 100) -> Iterator[Run]:
        """The runs of the log by their last event, the newest first, below a position."""
        return runs(self._database, before, limit)

    def of_correlation(
        self, correlation_id: UUID, *, limit: int = MAX_LINKED
    ) -> list[LinkedStream]:
        """The streams that a run has events in, in the order in which it came to them."""
        return streams_of_correlation(self._database, correlation_id, limit)

    def of_tag(self, tag: str, *, limit: int = MAX_LINKED) -> list[LinkedStream]:
        """The streams that have events with a tag, in the order of the first ones."""
        check_name(tag, "tag", MAX_TAG)
        return streams_of_tag(self._database, tag, limit)


class Streams(StreamListings):
    """The streams of a store."""

    def close(
        self,
        stream_id: str,
        *,
        reason: str,
        expected_version: ExpectedVersion = STREAM_EXISTS,
        **says: Unpack[Says],
    ) -> Receipt:
        """Closes a stream: its last event says why, and every later append raises StreamClosed.

        `expected_version` is STREAM_EXISTS or a stream_version; the other keywords are those of
        `execute`. Raises NotFound, StreamClosed when it is closed already, ConcurrencyConflict, and
        what `append` raises.
        """
        return mark(self._database, stream_id, closed(reason), expected_version, says)

    def reopen(
        self,
        stream_id: str,
        *,
        reason: str,
        expected_version: ExpectedVersion = STREAM_EXISTS,
        **says: Unpack[Says],
    ) -> Receipt:
        """Lets a closed stream take events again; raises StreamNotClosed, else as `close`."""
        return mark(self._database, stream_id, reopened(reason), expected_version, says)

    def describe(
        self,
        stream_id: str,
        description: Mapping[str, Any],
        *,
        expected_version: ExpectedVersion = STREAM_EXISTS,
        **says: Unpack[Says],
    ) -> Receipt:
        """Says what is to be known of a stream as a whole, in place of what was said before.

        At most 16 KiB of JSON. Raises what `close` raises; a closed stream is not described.
        """
        return mark(self._database, stream_id, described(description), expected_version, says)


class AsyncStreams:
    """The same for asyncio: the same names, awaited."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    async def close(self, stream_id: str, **keywords: Any) -> Receipt:
        """As Streams.close."""
        return await asyncio.to_thread(self._streams.close, stream_id, **keywords)

    async def reopen(self, stream_id: str, **keywords: Any) -> Receipt:
        """As Streams.reopen."""
        return await asyncio.to_thread(self._streams.reopen, stream_id, **keywords)

    async def describe(
        self, stream_id: str, description: Mapping[str, Any], **keywords: Any
    ) -> Receipt:
        """As Streams.describe."""
        return await asyncio.to_thread(self._streams.describe, stream_id, description, **keywords)

    async def info(self, stream_id: str) -> StreamInfo:
        """As Streams.info."""
        return await asyncio.to_thread(self._streams.info, stream_id)

    async def categories(self) -> list[CategoryCount]:
        """As Streams.categories."""
        return await asyncio.to_thread(self._streams.categories)

    async def event_types(self, category: str | None = None) -> list[TypeCount]:
        """As Streams.event_types."""
        return await asyncio.to_thread(self._streams.event_types, category)

    async def runs(self, *, before: int | None = None, limit: int = 100) -> list[Run]:
        """As Streams.runs, as a list."""
        return await asyncio.to_thread(lambda: list(self._streams.runs(before=before, limit=limit)))

    async def of_correlation(
        self, correlation_id: UUID, *, limit: int = MAX_LINKED
    ) -> list[LinkedStream]:
        """As Streams.of_correlation."""
        return await asyncio.to_thread(self._streams.of_correlation, correlation_id, limit=limit)

    async def of_tag(self, tag: str, *, limit: int = MAX_LINKED) -> list[LinkedStream]:
        """As Streams.of_tag."""
        return await asyncio.to_thread(self._streams.of_tag, tag, limit=limit)
