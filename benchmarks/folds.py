"""The floors of a rebuild: the same rows from the same events, with nothing around the work.

No lease, no fencing token, no typed event, no row security, no poison, no switch: a statement or
a loop, a table and a checkpoint. Each gives its events a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from types import TracebackType
from typing import Any, Final, Self

import orjson
import psycopg
from psycopg.types.string import ByteaBinaryLoader

from benchmarks.packages import PackageHistories
from eventstore.connection.queries import load

__all__ = ["Folds"]

_SQL: Final = load("benchmarks.sql", "folds.sql")
_PAGE: Final = 1_000


class Folds:
    """A superuser's connection to a log of package histories, up to one position."""

    def __init__(self, admin_url: str, until: int) -> None:
        self._until = until
        self._conn = psycopg.connect(admin_url, autocommit=True)
        self._conn.prepare_threshold = 1
        self._conn.adapters.register_loader("json", ByteaBinaryLoader)
        self._conn.execute(_SQL["commit_lazily"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._conn.close()

    def set_based(self, events_a_transaction: int) -> float:
        """Folded by one statement a transaction, inside the database."""
        self._conn.execute(_SQL["start_again"])
        began = perf_counter()
        for after in range(0, self._until, events_a_transaction):
            until = min(after + events_a_transaction, self._until)
            with self._moving(after, until) as span:
                self._conn.execute(_SQL["fold"], span)
        return self._until / (perf_counter() - began)

    def by_hand(self) -> float:
        """Folded by a Python loop that keeps all rows in a dictionary and writes what changed."""
        self._conn.execute(_SQL["start_again"])
        rows: dict[tuple[str, str], dict[str, Any]] = {}
        began = perf_counter()
        for after in range(0, self._until, _PAGE):
            with self._moving(after, min(after + _PAGE, self._until)) as span:
                changed = {}
                for event in self._conn.execute(_SQL["read"], span, binary=True):
                    key = _fold(rows, *event)
                    changed[key] = rows[key]
                written = orjson.dumps(list(changed.values())).decode()
                self._conn.execute(_SQL["write"], {"rows": written})
        return self._until / (perf_counter() - began)

    def read(self, *, decoded: bool) -> float:
        """Read through a server-side cursor, as bytes or as decoded JSON, and dropped."""
        began, events = perf_counter(), 0
        with self._conn.transaction(), self._conn.cursor(name="events", binary=True) as cursor:
            cursor.itersize = _PAGE
            cursor.execute(_SQL["read"], _span(0, self._until))
            for _, _, _, data, _ in cursor:
                events += 1
                if decoded:
                    orjson.loads(data)
        return events / (perf_counter() - began)

    @contextmanager
    def _moving(self, after: int, until: int) -> Iterator[dict[str, Any]]:
        """A transaction that moves the checkpoint over a span of positions."""
        span = _span(after, until)
        with self._conn.transaction():
            yield span
            self._conn.execute(_SQL["move_checkpoint"], {"after": after, "until": until})


def _fold(
    rows: dict[tuple[str, str], dict[str, Any]],
    position: int,
    tenant: str,
    event_type: str,
    data: bytes,
    occurred_at: Any,
) -> tuple[str, str]:
    """One event into its row; returns the row's key."""
    event = orjson.loads(data)
    key = tenant, event["package"]
    row = rows.get(key)
    if row is None:
        row = rows[key] = {
            "tenant_id": tenant,
            "package": event["package"],
            "changes": 0,
            "releases": 0,
            "latest_release": None,
            "created_at": occurred_at,
        }
    row["changes"] += 1
    row["latest_commit"] = event["commit"]
    row["removed"] = event_type == "bench.package_removed"
    row["updated_at"], row["position"] = occurred_at, position
    release = event.get("release")
    if release is not None:
        row["releases"] += 1
        row["latest_release"] = release
    return key


def _span(after: int, until: int) -> dict[str, Any]:
    return {
        "after": after,
        "until": until,
        "event_types": list(PackageHistories.event_types),
    }
