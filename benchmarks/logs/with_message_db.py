"""message-db: the SQL functions of the npm package @eventide/message-db, called through psycopg.

Its lock is one a category, and within a category its order has no gaps. Where many categories are
followed, everything is read by global_position in plain SQL, since it has no function for that.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import LifoQueue
from typing import Any, Final
from uuid import UUID, uuid4

import psycopg

from benchmarks.logs.adapter import CONNECTIONS, PAGE

__all__ = ["Store"]

_FOLDERS: Final = ("schema", "types", "tables", "functions", "indexes", "views")
"""Without roles and privileges, as the superuser calls it, and without an extension that nothing
in it uses and that our server comes without."""


class Store:
    def __init__(self, url: str, payload: dict[str, Any], sql: dict[str, Any]) -> None:
        self._url, self._sql = url, sql
        self._payload = sql["payload_text"]
        self._database = Path(sql["message_db"])
        self._free: LifoQueue[psycopg.Connection[Any] | None] = LifoQueue()
        for _ in range(CONNECTIONS):
            self._free.put(None)

    def begin(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(self._sql["message_store_schema"])
            # Functions call each other, some by their types only, so they are not yet checked.
            connection.execute(self._sql["unchecked_bodies"])
            for folder in _FOLDERS:
                for file in sorted((self._database / folder).glob("*.sql")):
                    connection.execute(file.read_text())  # type: ignore[call-overload, unused-ignore]

    def append(self, category: str, key: UUID, version: int, count: int) -> object:
        rows = [
            (str(uuid4()), f"{category}-{key}", "StepTaken", self._payload) for _ in range(count)
        ]
        with self._connection() as connection:
            if count == 1:
                return connection.execute(self._sql["write_message"], rows[0]).fetchone()
            with connection.pipeline(), connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(self._sql["write_message"], rows)
            return None

    def read_stream(self, category: str, key: UUID) -> int:
        with self._connection() as connection:
            arguments = (f"{category}-{key}",)
            return len(connection.execute(self._sql["get_stream_messages"], arguments).fetchall())

    def page(self, category: str, after: int | None) -> tuple[int, Sequence[Any]]:
        with self._connection() as connection:
            if category:
                arguments: tuple[Any, ...] = (category, (after or 0) + 1, PAGE)
                found = connection.execute(self._sql["get_category_messages"], arguments).fetchall()
            else:
                arguments = (after or 0, PAGE)
                found = connection.execute(self._sql["all_messages"], arguments).fetchall()
        return (found[-1][4] if found else after or 0), found

    def identity(self, event: Any) -> Hashable:
        return int(event[4])

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        connection = self._free.get()
        if connection is None:
            connection = psycopg.connect(
                self._url, autocommit=True, options="-c search_path=message_store,public"
            )
            connection.prepare_threshold = 1
        try:
            yield connection
        finally:
            self._free.put(connection)
