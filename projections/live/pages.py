"""The events of one shard from its checkpoint on, read while the ones before are applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Final

from eventstore.reading.follow import Division, Page, page
from projections.checkpoint import Lease
from projections.projection import Projection
from projections.session import Connection, open_session, plan_for_keys

__all__ = ["pages"]

_SPAN: Final = 500_000
"""Positions that one page looks through at most, so that it ends where few events are wanted."""


def pages(
    url: str,
    conn: Connection,
    projection: Projection,
    lease: Lease,
    until: int,
    limit: Callable[[], int],
) -> Iterator[Page]:
    """Pages of at most `limit()` events up to position `until`, the last of which may be empty.

    From the second one on they are read over a connection of their own, one ahead, so the server
    reads while the caller folds. Raises StoreUnavailable.
    """
    division = None
    if lease.shards > 1 and projection.shard_by is not None:
        division = Division(projection.shard_by, lease.shards)

    def read(conn: Connection, after: int) -> Page:
        return page(
            conn,
            after,
            min(until, after + _SPAN),
            limit(),
            event_types=projection.event_types,
            division=division,
            shard=lease.shard,
        )

    first = read(conn, lease.position)
    if first.until >= until:
        yield first
        return
    with (
        closing(open_session(url, part=f"{projection.name} reader")) as reader,
        ThreadPoolExecutor(1, thread_name_prefix="reader") as thread,
    ):
        plan_for_keys(reader)
        now = first
        while now.until < until:
            coming = thread.submit(read, reader, now.until)
            yield now
            now = coming.result()
        yield now
