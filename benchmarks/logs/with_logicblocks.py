"""The package logicblocks-event-store: its PostgreSQL adapter, with its default guarantee.

Its releases with PostgreSQL need Python 3.13, and bring no DDL: the table here has the columns and
indexes that its documentation names.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable, Sequence
from typing import Any
from uuid import UUID

import psycopg
import structlog
from logicblocks.event.sources.constraints import sequence_number_after
from logicblocks.event.store import EventStore
from logicblocks.event.store.adapters import PostgresEventStorageAdapter
from logicblocks.event.store.adapters.postgres import QuerySettings
from logicblocks.event.types import NewEvent, StoredEvent
from psycopg_pool import AsyncConnectionPool

from benchmarks.logs.adapter import CONNECTIONS, PAGE

__all__ = ["Store"]


class Store:
    def __init__(self, url: str, payload: dict[str, Any], sql: dict[str, Any]) -> None:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
        self._url, self._payload, self._sql = url, payload, sql
        self.run = asyncio.Runner().run
        self._store: Any = None

    def begin(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(self._sql["logicblocks_events"])

    async def append_async(self, category: str, key: UUID, version: int, count: int) -> object:
        store = await self._open()
        events = [
            NewEvent(name="step-taken", payload=self._payload, metadata=None) for _ in range(count)
        ]
        return await store.stream(category=category, stream=str(key)).publish(events=events)

    def read_stream(self, category: str, key: UUID) -> int:
        async def read() -> int:
            stream = (await self._open()).stream(category=category, stream=str(key))
            return len([each async for each in stream.iterate()])

        return self.run(read())

    def page(self, category: str, after: int | None) -> tuple[int, Sequence[StoredEvent]]:
        async def read() -> list[StoredEvent]:
            log = (await self._open()).log()
            constraints = frozenset([sequence_number_after(after or 0)])
            found = []
            async for each in log.iterate(constraints=constraints):
                found.append(each)
                if len(found) == PAGE:
                    break
            return found

        found = self.run(read())
        return (found[-1].sequence_number if found else after or 0), found

    def identity(self, event: StoredEvent) -> Hashable:
        return int(event.sequence_number)

    async def _open(self) -> Any:
        if self._store is None:
            pool = AsyncConnectionPool(self._url, min_size=1, max_size=CONNECTIONS, open=False)
            await pool.open()
            self._store = EventStore(
                PostgresEventStorageAdapter(
                    connection_source=pool,
                    query_settings=QuerySettings(scan_query_page_size=PAGE),
                )
            )
        return self._store
