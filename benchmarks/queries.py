"""How long every named query of the contexts takes, beside the same query of plain tables.

The read models come from a log of made-up events, with a session of ten thousand messages in it.
Plain tables have the same rows and indexes, and no row security: what a system has that changes
its tables in place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from statistics import quantiles
from time import perf_counter
from typing import Any, Final
from uuid import uuid4

import psycopg

from benchmarks.engine import rebuild_once
from benchmarks.filling import MixedLog
from benchmarks.sandbox import Database, Sandbox
from eventstore import EventStore
from eventstore.connection.database import Connection
from eventstore.connection.queries import load
from eventstore.vocabulary.trust import MessageSent, SessionStarted
from projections.catalogue import PROJECTIONS
from projections.packaging.queries import PackagingQueries
from projections.projects.queries import ProjectQueries
from projections.questions import Questions
from projections.trust.queries import TrustQueries
from projections.work.queries import WorkQueries
from projections.workspaces.queries import WorkspaceQueries

__all__ = ["COLUMNS", "Taken", "measure_queries"]

COLUMNS: Final = (
    "query", "rows", "p50, ms", "p95, ms", "plain p50, ms", "plain p95, ms", "aim", "met",
)  # fmt: skip
_CONTEXTS: Final[dict[str, type[Questions]]] = {
    "packaging": PackagingQueries,
    "work": WorkQueries,
    "projects": ProjectQueries,
    "trust": TrustQueries,
    "workspaces": WorkspaceQueries,
}
_PLAIN: Final = load("benchmarks.sql", "plain.sql")
_ARGUMENTS: Final = load("benchmarks.sql", "arguments.sql")
_LIMITS: Final = {"limit": 50, "parts": 50, "looked_at": 1_000, "sessions": 10, "most": 1_000}
"""As the methods have them."""
_AIM: Final = 100.0
_AIMS: Final = {"trust: messages": 20.0, "workspaces: sign_in": 50.0}
"""Milliseconds of the 95th percentile."""
_LONG: Final = 10_000
"""Messages of one session."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a query took, in seconds, of the read models and of plain tables."""

    query: str
    rows: float
    """Of an answer, on average."""
    ours: tuple[float, ...]
    plain: tuple[float, ...]

    @property
    def aim(self) -> float:
        """What we want of the 95th percentile, in milliseconds."""
        return _AIMS.get(self.query, _AIM)

    def cells(self) -> tuple[str, ...]:
        """What stands under COLUMNS."""
        numbers = [_percentile(values, at) for values in (self.ours, self.plain) for at in (50, 95)]
        met = "yes" if numbers[1] <= self.aim else "no"
        return (
            self.query,
            f"{self.rows:.3g}",
            *(f"{number:.2f}" for number in numbers),
            f"at most {self.aim:.0f}",
            met,
        )


def measure_queries(
    sandbox: Sandbox, events: int, times: int, tell: Callable[[str], None]
) -> list[Taken]:
    """Every named query, so many times, with values from all over the tables."""
    database = sandbox.database()
    tell(f"appending {events:,} events")
    MixedLog(database).grow_to(events - _LONG)
    _talk(database)
    for projection in PROJECTIONS:
        tell(f"making the tables of {projection.name}")
        rebuild_once(database.url, projection)
    with (
        closing(psycopg.connect(database.admin_url, autocommit=True)) as admin,
        EventStore.open(database.url) as store,
    ):
        tell("copying the tables")
        admin.execute(_PLAIN["copy"])
        admin.execute(_PLAIN["path"])
        admin.execute(_PLAIN["tidy"])
        admin.prepare_threshold = 1
        taken = []
        for context, kind in _CONTEXTS.items():
            asking = kind(store)
            for query in kind.SQL:
                tell(f"{context}: {query}")
                taken.append(_measured(admin, asking, context, query, times))
    return taken


def _talk(database: Database) -> None:
    """A session of ten thousand messages, at the end of the log."""
    session = uuid4()
    with EventStore.open(database.url) as store:
        agent = next(
            event.agent
            for event in store.read_all()
            if event.event_type == "trust.agent_registered"
        )
        assert agent is not None, "an agent registers itself"
        stream = f"session-{session}"
        store.append(stream, [SessionStarted(session_id=session, agent_id=agent)], agent=agent)
        for _ in range(_LONG // 500):
            said = [
                MessageSent(
                    message_id=uuid4(), session_id=session, role="agent", content="I see. " * 30
                )
                for _ in range(500)
            ]
            store.append(stream, said, agent=agent)


def _measured(admin: Connection, asking: Questions, context: str, query: str, times: int) -> Taken:
    """One query, of the read models and of plain tables in turn, with the same values."""
    text = asking.SQL[query]
    names = set(re.findall(r"%\((\w+)\)s", text))
    plain = text.replace("projections.ids_holding", "plain.ids_holding").encode()
    with admin.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        found = cursor.execute(_ARGUMENTS[f"{context}_{query}"], {"most": times}).fetchall()
    assert found, f"the made-up data has nothing that {query} asks for"
    ours, beside, rows = [], [], 0
    for number in range(-min(times, 10), times):  # the first ones only warm up
        said: Mapping[str, Any] = {**_LIMITS, **found[number % len(found)]}
        values = {name: said.get(name) for name in names - {"tenant"}}
        began = perf_counter()
        answers = asking._ask(query, values)
        middle = perf_counter()
        admin.execute(plain, {"tenant": "default", **values}, binary=True).fetchall()
        ended = perf_counter()
        if number >= 0:
            ours.append(middle - began)
            beside.append(ended - middle)
            rows += len(answers)
    return Taken(f"{context}: {query}", rows / times, tuple(ours), tuple(beside))


def _percentile(values: tuple[float, ...], at: int) -> float:
    """Milliseconds."""
    return quantiles(values, n=100, method="inclusive")[at - 1] * 1000
