"""This event store: threads or tasks, and raw reads."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable, Sequence
from typing import Any
from uuid import UUID

from benchmarks.events import step
from benchmarks.logs.adapter import PAGE
from eventstore import AsyncEventStore, EventStore, RecordedEvent

__all__ = ["Store"]


class Store:
    def __init__(self, url: str, payload: dict[str, Any], sql: dict[str, str]) -> None:
        self._store = EventStore.open(url)
        self._asynchronous = AsyncEventStore(self._store)
        self.run = asyncio.Runner().run

    def begin(self) -> None:
        """The migrations have made the tables."""

    def append(self, category: str, key: UUID, version: int, count: int) -> object:
        events = [step() for _ in range(count)]
        return self._store.append(f"{category}-{key}", events, agent="writer")

    def append_async(
        self, category: str, key: UUID, version: int, count: int
    ) -> Coroutine[Any, Any, object]:
        events = [step() for _ in range(count)]
        return self._asynchronous.append(f"{category}-{key}", events, agent="writer")

    def read_stream(self, category: str, key: UUID) -> int:
        return sum(1 for _ in self._store.read_stream(f"{category}-{key}"))

    def page(self, category: str, after: int | None) -> tuple[int, Sequence[RecordedEvent]]:
        found = list(self._store.read_all(after or 0, limit=PAGE))
        return (found[-1].position if found else after or 0), found

    def identity(self, event: RecordedEvent) -> Hashable:
        return event.position
