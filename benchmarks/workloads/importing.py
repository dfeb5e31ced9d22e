"""Bulk import, beside binary COPY of rows that are ready into the table of events itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from time import perf_counter
from typing import Any, Final

import psycopg

from benchmarks.events import EVENTS_A_STREAM, PAYLOAD, step
from benchmarks.measure import Aim, Outcome, Plan, take_turns
from benchmarks.sandbox import SQL, Database, Sandbox
from eventstore import Append, EventStore

__all__ = ["importing"]

_TYPES: Final = (
    "int8", "text", "uuid", "text", "text", "int8", "varchar", "int2", "uuid", "varchar",
    "text", "json", "bytea", "json", "timestamptz", "timestamptz",
)  # fmt: skip
"""Of the columns that the statement `copy_events` names."""
_turns: Final = count(1)


def importing(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """One outcome; what is imported, and what is copied, is made before the clock runs."""
    database, bare = sandbox.database(), sandbox.database()
    floor, ours = take_turns(
        plan.rounds,
        {
            "binary COPY": lambda: _copied(bare, plan.burst),
            "import": lambda: _imported(database, plan.burst),
        },
        tell,
    )
    yield Outcome(
        name="import",
        title=f"bulk import, {plan.burst:,} events",
        unit="events/s",
        ours=(ours,),
        beside=(floor,),
        aims=(Aim("import", "ratio at least", 0.8),),
    )


def _imported(database: Database, events: int) -> float:
    with EventStore.open(database.url) as store:
        appends = [
            Append(stream_id, [step() for _ in range(EVENTS_A_STREAM)], agent="writer")
            for stream_id in _streams(events)
        ]
        began = perf_counter()
        store.import_events(appends)
        return events / (perf_counter() - began)


def _copied(database: Database, events: int) -> float:
    """As the superuser, past the functions: neither streams nor guards, and nothing is checked."""
    with closing(psycopg.connect(database.admin_url)) as bare:
        rows = list(_rows(events))
        began = perf_counter()
        with bare.cursor().copy(SQL["copy_events"]) as copy:
            copy.set_types(_TYPES)
            for row in rows:
                copy.write_row(row)
        bare.commit()
        return events / (perf_counter() - began)


def _rows(events: int) -> Iterator[tuple[Any, ...]]:
    """The same events as an append would record them."""
    digest, now = sha256(PAYLOAD.encode()).digest(), datetime.now(UTC)
    position = next(_turns) * events
    for stream_id in _streams(events):
        for version in range(1, EVENTS_A_STREAM + 1):
            position += 1
            event_id = step().event_id
            yield (
                position, "default", event_id, stream_id, "import", version, "bench.step_taken", 1,
                event_id, "writer", "work", PAYLOAD, digest, "{}", now, now,
            )  # fmt: skip


def _streams(events: int) -> list[str]:
    """Of EVENTS_A_STREAM events each, and new ones in every turn."""
    turn = next(_turns)
    return [f"import-{turn}.{number}" for number in range(events // EVENTS_A_STREAM)]
