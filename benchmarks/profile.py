"""Where the microseconds of one append go: client, server, disk and the way between.

Processor time says what the work costs whatever else the machine does; wall time says what a
caller waits. Chunks of calls take turns, and the median chunk counts.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final

import psycopg

from benchmarks.events import PAYLOAD, step, stream_ids
from benchmarks.sandbox import SQL, Sandbox
from eventstore import Append, EventStore

__all__ = ["COLUMNS", "Cost", "profile_append", "served"]

COLUMNS: Final = ("what", "client CPU, µs", "server CPU, µs", "wall, µs")
_CALLS: Final = 50
"""Calls of one chunk."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Median microseconds of one call; None where the system does not tell, or none is spent."""

    what: str
    client: float | None
    server: float | None
    wall: float | None

    def cells(self) -> tuple[str, ...]:
        """The cost as a line of a table."""
        values = (self.client, self.server, self.wall)
        return (self.what, *("" if value is None else f"{value:.1f}" for value in values))


def profile_append(sandbox: Sandbox, chunks: int) -> list[Cost]:
    """One append, whole and in parts, beside a bare insert and the least round trip."""
    database = sandbox.database()
    streams = stream_ids("profiled")
    with (
        EventStore.open(database.url) as store,
        closing(psycopg.connect(database.admin_url, autocommit=True)) as bare,
        closing(psycopg.connect(database.admin_url, autocommit=True)) as lazy,
    ):
        bare.prepare_threshold = lazy.prepare_threshold = 1
        lazy.execute(SQL["lazy_commits"])

        def append() -> None:
            store.append(next(streams), [step()], agent="writer")

        append()
        found = bare.execute(SQL["writer_pid"]).fetchone()
        assert found is not None, "the store has appended, so its writer is connected"
        event = step()
        insert: Callable[[psycopg.Connection[Any]], object] = lambda connection: (  # noqa: E731
            connection.execute(SQL["insert_one"], {"payload": PAYLOAD})
        )
        parts: dict[str, tuple[Callable[[], object], int | None]] = {
            "the whole append": (append, found[0]),
            "making the event": (step, None),
            "checking and encoding it": (
                lambda: store.prepare([Append("bench-profiled", [event], agent="writer")]),
                None,
            ),
            "bare insert": (lambda: insert(bare), bare.info.backend_pid),
            "bare insert that does not wait for the disk": (
                lambda: insert(lazy),
                lazy.info.backend_pid,
            ),
            "round trip": (
                lambda: bare.execute(SQL["round_trip"]).fetchone(),
                bare.info.backend_pid,
            ),
        }
        measured: dict[str, list[tuple[float, float | None, float]]] = {what: [] for what in parts}
        for _ in range(chunks):
            for what, (call, pid) in parts.items():
                measured[what].append(_chunk(call, pid))
    costs = {what: _median(what, chunks_of) for what, chunks_of in measured.items()}
    return [*costs.values(), *_derived(costs)]


def _derived(costs: dict[str, Cost]) -> list[Cost]:
    """What can't be timed by itself: a whole less its parts."""
    driver = (costs["the whole append"].client or 0.0) - sum(
        costs[part].client or 0.0 for part in ("making the event", "checking and encoding it")
    )
    flush = (costs["bare insert"].wall or 0.0) - (
        costs["bare insert that does not wait for the disk"].wall or 0.0
    )
    return [
        Cost("the rest of an append in the client: driver and hand-over", driver, None, None),
        Cost("waiting for the disk: the one bare insert less the other", None, None, flush),
    ]


def _chunk(call: Callable[[], object], pid: int | None) -> tuple[float, float | None, float]:
    """(client, server, wall) microseconds of one call, over a chunk of them."""
    before = served(pid)
    began, worked = perf_counter(), process_time()
    for _ in range(_CALLS):
        call()
    worked, passed = process_time() - worked, perf_counter() - began
    after = served(pid)
    server = None if before is None or after is None else (after - before) / 1000 / _CALLS
    return worked * 1e6 / _CALLS, server, passed * 1e6 / _CALLS


def served(pid: int | None) -> int | None:
    """Nanoseconds of processor time that a backend has used, where the system counts them."""
    if pid is None:
        return None
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    except OSError:
        return None


def _median(what: str, chunks: list[tuple[float, float | None, float]]) -> Cost:
    client, server, wall = zip(*chunks, strict=True)
    told = [value for value in server if value is not None]
    return Cost(what, median(client), median(told) if told else None, median(wall))
