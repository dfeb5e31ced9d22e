"""The package eventsourcing: its PostgreSQL application recorder, given events that are encoded.

So what its aggregates and transcodings take is not counted. With its database functions on, the
recorder inserts by one function call and without the table lock that keeps its readers' order.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from typing import Any
from uuid import UUID

from eventsourcing.persistence import Notification, StoredEvent
from eventsourcing.postgres import PostgresFactory
from eventsourcing.utils import Environment
from psycopg.conninfo import conninfo_to_dict

from benchmarks.logs.adapter import CONNECTIONS, PAGE

__all__ = ["Store"]


class Store:
    functions = False

    def __init__(self, url: str, payload: dict[str, Any], sql: dict[str, str]) -> None:
        self._payload = json.dumps(payload, separators=(",", ":")).encode()
        self._parts = conninfo_to_dict(url)
        self._recorder: Any = None

    def begin(self) -> None:
        self._open(create="yes")

    def append(self, category: str, key: UUID, version: int, count: int) -> object:
        return self._open().insert_events(
            [
                StoredEvent(key, version + number, "bench:StepTaken", self._payload)
                for number in range(1, count + 1)
            ]
        )

    def read_stream(self, category: str, key: UUID) -> int:
        return len(self._open().select_events(key))

    def page(self, category: str, after: int | None) -> tuple[int, Sequence[Notification]]:
        found = self._open().select_notifications(after, PAGE, inclusive_of_start=False)
        return (found[-1].id if found else after or 0), found

    def identity(self, event: Notification) -> Hashable:
        return int(event.id)

    def _open(self, create: str = "no") -> Any:
        if self._recorder is None:
            environment = {
                "POSTGRES_DBNAME": str(self._parts["dbname"]),
                "POSTGRES_HOST": str(self._parts["host"]),
                "POSTGRES_PORT": str(self._parts["port"]),
                "POSTGRES_USER": str(self._parts["user"]),
                "POSTGRES_PASSWORD": "none is asked for",
                "POSTGRES_POOL_SIZE": str(CONNECTIONS),
                "POSTGRES_MAX_WAITING": "0",
                "POSTGRES_ENABLE_DB_FUNCTIONS": "yes" if self.functions else "no",
                "CREATE_TABLE": create,
            }
            factory = PostgresFactory(Environment("bench", environment))
            self._recorder = factory.application_recorder()
        return self._recorder
