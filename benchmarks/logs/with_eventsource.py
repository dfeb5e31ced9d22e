"""The package eventsource-py: its PostgreSQLEventStore, on asyncpg."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from eventsource import (
    DomainEvent,
    ExpectedVersion,
    PostgreSQLEventStore,
    StreamId,
    register_event,
)
from eventsource.migrations import get_schema
from eventsource.ports.envelopes import EventEnvelope, FeedReadOptions
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks.logs.adapter import CONNECTIONS, PAGE

__all__ = ["Store"]

_EXTENSION: Final = 'CREATE EXTENSION IF NOT EXISTS "uuid-ossp";'
"""Its schema asks for it and uses nothing of it; our server comes without."""


@register_event
class StepTaken(DomainEvent):
    event_type: str = "StepTaken"
    aggregate_type: str = "bench"
    step: str
    attempt: int
    seconds: float
    outcome: str
    summary: str


class Store:
    def __init__(self, url: str, payload: dict[str, Any], sql: dict[str, str]) -> None:
        self._payload = payload
        self.run = asyncio.Runner().run
        address = urlsplit(url)._replace(scheme="postgresql+asyncpg").geturl()
        self._engine = create_async_engine(address, pool_size=CONNECTIONS, max_overflow=0)
        self._store = PostgreSQLEventStore(self._engine)

    def begin(self) -> None:
        async def make() -> None:
            async with self._engine.connect() as connection:
                raw = await connection.get_raw_connection()
                assert raw.driver_connection is not None
                await raw.driver_connection.execute(get_schema("all").replace(_EXTENSION, ""))

        self.run(make())

    def append_async(
        self, category: str, key: UUID, version: int, count: int
    ) -> Coroutine[Any, Any, object]:
        events = [StepTaken(aggregate_id=key, **self._payload) for _ in range(count)]
        append: Coroutine[Any, Any, object] = self._store.append(
            StreamId(key, category), events, ExpectedVersion.any_()
        )
        return append

    def read_stream(self, category: str, key: UUID) -> int:
        async def read() -> int:
            return len([each async for each in self._store.read_stream(StreamId(key, category))])

        return self.run(read())

    def page(self, category: str, after: Any) -> tuple[Any, Sequence[EventEnvelope]]:
        async def read() -> list[EventEnvelope]:
            options = FeedReadOptions(limit=PAGE)
            return [each async for each in self._store.read_all(after, options)]

        found = self.run(read())
        return (found[-1].position if found else after), found

    def identity(self, event: EventEnvelope) -> Hashable:
        return str(event.event.event_id)
