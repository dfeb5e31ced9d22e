"""A log of any length in any number of partitions, filled as quickly as the server can.

A statement makes the events; it keeps what an append keeps. Months that are over are sealed, as the
upkeep of a log does.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from random import Random
from typing import Final
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Identifier

from benchmarks.events import PAYLOAD
from benchmarks.sandbox import Database
from eventstore import EventStore
from eventstore.connection.database import connect
from eventstore.connection.queries import load
from eventstore.upkeep.partitions import partitions, seal_partitions

__all__ = ["EVENTS_A_STREAM", "LongLog"]

EVENTS_A_STREAM: Final = 10
_BLOCK: Final = 1_000
"""Events among which the streams take turns, and so how long a run lasts; a log has whole ones."""
_STATEMENT: Final = 100_000
"""Events of one statement."""
_CLASSES: Final = ("audit", "conversation", "decision", "work")

_SQL: Final = load("benchmarks.sql", "scale.sql")


class LongLog:
    """A database with so many events in so many partitions: one, or the same number a class."""

    def __init__(
        self, database: Database, events: int, partitions: int, tell: Callable[[str], None]
    ) -> None:
        self.database, self.events, self.partitions = database, events, partitions
        self._classes = list(_CLASSES) if partitions > 1 else ["work"]
        self._months = _months(max(1, partitions // len(self._classes)))
        self._make_partitions()
        self._fill(tell)
        with EventStore.open(database.url) as store:
            tell("sealing what is over")
            seal_partitions(store.database)

    def streams(self, count: int, seed: int) -> list[str]:
        """Some streams from all over the log."""
        most = self.events // EVENTS_A_STREAM
        return [f"scale-{number}" for number in Random(seed).choices(range(most), k=count)]

    def runs(self, count: int, seed: int) -> list[UUID]:
        """Some runs from all over the log."""
        with closing(psycopg.connect(self.database.admin_url, autocommit=True)) as admin:
            streams = {"streams": self.streams(count, seed)}
            return [row[0] for row in admin.execute(_SQL["runs"], streams)]

    def _make_partitions(self) -> None:
        wanted = {f"events_{one}_{month:%Y_%m}" for one in self._classes for month in self._months}
        with (
            closing(connect(self.database.url, role="owner")) as owner,
            EventStore.open(self.database.url) as store,
        ):
            there = {each["name"] for each in store.database.read(partitions)}
            for name in there - wanted:
                owner.execute(SQL(_SQL["drop_partition"]).format(name=Identifier(name)))
            for name in sorted(wanted - there):
                owner.execute(SQL(_SQL["make_partition"]).format(name=Identifier(name)))
                for query in ("protect_partition", "attach_partition"):
                    owner.execute(_SQL[query], {"name": name})

    def _fill(self, tell: Callable[[str], None]) -> None:
        said = {
            "total": self.events,
            "from_time": self._months[0],
            "until_time": datetime.now(UTC),
            "classes": self._classes,
            "payload": PAYLOAD,
            "block": _BLOCK,
        }
        with closing(psycopg.connect(self.database.admin_url, autocommit=True)) as admin:
            for first in range(0, self.events, _STATEMENT):
                tell(f"{first:,} of {self.events:,} events in {self.partitions} partitions")
                count = min(_STATEMENT, self.events - first)
                admin.execute(_SQL["fill"], {**said, "first": first, "count": count})
            admin.execute(_SQL["tidy"])


def _months(count: int) -> list[datetime]:
    """The beginnings of this month and the ones before, the oldest first."""
    now = datetime.now(UTC)
    numbers = range(12 * now.year + now.month - count, 12 * now.year + now.month)
    return [datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC) for number in numbers]
