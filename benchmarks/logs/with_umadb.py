"""UmaDB: a server of its own, from the PyPI package umadb, called through its Python client.

It has no streams: an event is tagged with the name of its stream, and a stream is read by its tag.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from typing import Any
from uuid import UUID, uuid4

from umadb import Client, Event, Query, QueryItem, SequencedEvent

from benchmarks.logs.adapter import PAGE

__all__ = ["Store"]


class Store:
    def __init__(self, url: str, payload: dict[str, Any], sql: dict[str, str]) -> None:
        self._payload = json.dumps(payload, separators=(",", ":")).encode()
        self._client = Client(url, batch_size=PAGE)

    def begin(self) -> None:
        """The server has made its file."""

    def append(self, category: str, key: UUID, version: int, count: int) -> object:
        tags = [f"{category}-{key}"]
        return self._client.append(
            [Event("StepTaken", self._payload, tags=tags, uuid=uuid4()) for _ in range(count)]
        )

    def read_stream(self, category: str, key: UUID) -> int:
        query = Query(items=[QueryItem(tags=[f"{category}-{key}"])])
        return sum(1 for _ in self._client.read(query=query))

    def page(self, category: str, after: int | None) -> tuple[int, Sequence[SequencedEvent]]:
        """Everything at once: a read streams by itself."""
        # Reads that find nothing, without pause, make its server cut the connection.
        if (self._client.head() or 0) <= (after or 0):
            return after or 0, []
        found = list(self._client.read(start=(after or 0) + 1))
        return found[-1].position, found

    def identity(self, event: SequencedEvent) -> Hashable:
        return int(event.position)
