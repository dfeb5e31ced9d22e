"""Logs of any length for the workloads: of package histories, and made-up ones of all contexts.

What is appended goes through the store's public API. A package history is then repeated under
other names, five times as fast, by a statement that keeps what an append keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import islice
from time import perf_counter
from typing import Final

import psycopg

from benchmarks.events import step
from benchmarks.history import FIRST_COPY, history
from benchmarks.packages import PackageHistories
from benchmarks.sandbox import Database
from eventstore import Append, EventStore
from eventstore.connection.queries import load
from eventstore.seed import tell
from eventstore.seed.filling import fill
from projections.builds.rebuild import rebuild

__all__ = ["HistoryLog", "MixedLog", "fill_streams"]

_SQL: Final = load("benchmarks.sql", "filling.sql")
_TABLES: Final = load("benchmarks.sql", "packages.sql")
_EVENTS_A_CALL: Final = 500


class HistoryLog:
    """A database with the read model of the package histories, and a log that grows on demand.

    `source` gives up to so many events; when it gives fewer, they are repeated. Nobody else
    appends, so positions have no gaps, and the last one is the number of events.
    """

    def __init__(
        self, database: Database, source: Callable[[int], Iterator[list[Append]]] = history
    ) -> None:
        self.database, self._source = database, source
        self.events = 0
        self._appended = 0
        """Events that came through the API: the first of the log, and what copies are made of."""
        self._copies = 0
        rebuild(self.database.url, PackageHistories())  # of an empty log: it makes the tables
        with closing(psycopg.connect(self.database.admin_url, autocommit=True)) as admin:
            admin.execute(_TABLES["make_bare_tables"])

    def grow_to(self, events: int) -> float:
        """Appends and copies until there are so many events; returns the seconds it took."""
        began = perf_counter()
        if not self._appended:
            with EventStore.open(self.database.url) as store:
                for told in _calls(self._source(events)):
                    store.append_many(told)
                    self._appended += len(told)
            self.events = self._appended
        with closing(psycopg.connect(self.database.admin_url, autocommit=True)) as admin:
            while self.events < events:
                self._copies += 1
                some = min(self._appended, events - self.events)
                admin.execute(
                    _SQL["replicate"],
                    {
                        "from_prefix": FIRST_COPY,
                        "to_prefix": f"{self._copies:04}.",
                        "until": self._appended,
                        "limit": some,
                    },
                )
                self.events += some
            taken = perf_counter() - began
            admin.execute(_SQL["tidy"])
        return taken


class MixedLog:
    """A database with the made-up data of all contexts."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.events = 0
        self._told = tell()

    def grow_to(self, events: int) -> float:
        """Appends until there are so many events; returns the seconds it took."""
        began = perf_counter()
        with EventStore.open(self.database.url) as store:
            more = islice(self._told, max(0, events - self.events))
            self.events += fill(store, more).appended.total()
        return perf_counter() - began


def fill_streams(store: EventStore, streams: int, length: int) -> list[str]:
    """Appends that many streams of `length` events of 300 bytes, and returns their names."""
    names = [f"read-{number}" for number in range(streams)]
    for at in range(0, streams, 10):
        store.append_many(
            [
                Append(name, [step() for _ in range(length)], agent="writer")
                for name in names[at : at + 10]
            ]
        )
    return names


def _calls(commits: Iterator[list[Append]]) -> Iterator[list[Append]]:
    """Whole commits, some hundred events a call."""
    call: list[Append] = []
    for told in commits:
        call += told
        if len(call) >= _EVENTS_A_CALL:
            yield call
            call = []
    if call:
        yield call
