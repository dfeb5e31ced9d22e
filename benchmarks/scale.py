"""What one operation costs as the log grows, and as its partitions become more.

Wall time is what a caller waits; the processor time of the server's backend says what the work is,
whatever else the machine does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain
from random import Random
from statistics import median
from time import perf_counter
from typing import Final, TypeVar

import psycopg

from benchmarks.events import step
from benchmarks.long_log import LongLog
from benchmarks.profile import served
from benchmarks.sandbox import Sandbox
from benchmarks.scale_memory import Peak, measure_peaks
from eventstore import EventStore
from eventstore.connection.queries import load

__all__ = ["COLUMNS", "PARTITIONS", "Point", "measure_scale"]

T = TypeVar("T")

COLUMNS: Final = (
    "what", "events", "partitions", "wall, ms", "lowest", "highest", "server, µs", "to the first",
    "aim", "met",
)  # fmt: skip
PARTITIONS: Final = (1, 12, 60, 120)
_USUAL: Final = 12
"""Partitions where the length is what differs."""
_ROUNDS: Final = 5
_PAGE: Final = 1_000
_FLAT: Final = 1.5
"""How much more than at the first point an operation may cost the server."""
_RUN: Final = "read a run of 20 events"
_RUN_AIM: Final = 1.0
"""Milliseconds, at the most partitions."""

_SQL: Final = load("benchmarks.sql", "scale.sql")


@dataclass(frozen=True, slots=True)
class Point:
    """What one operation cost at one size of the log: medians of rounds."""

    what: str
    events: int
    partitions: int
    walls: tuple[float, ...]
    """Milliseconds of one call, a round each."""
    server: float | None
    """Microseconds of processor time of the backend, where the system tells."""

    def cells(self, first: Point) -> tuple[str, ...]:
        """What stands under COLUMNS; `first` is the same operation at the smallest size."""
        ratio = self.server / first.server if self.server and first.server else None
        aim, met = "", ""
        if self.what == _RUN and self.partitions == max(PARTITIONS):
            aim, met = f"at most {_RUN_AIM:g} ms", _words(median(self.walls) <= _RUN_AIM)
        elif ratio is not None and self is not first:
            aim, met = f"at most {_FLAT:g} of the first", _words(ratio <= _FLAT)
        return (
            self.what,
            f"{self.events:,}",
            str(self.partitions),
            *(f"{value:.3f}" for value in (median(self.walls), min(self.walls), max(self.walls))),
            "" if self.server is None else f"{self.server:.0f}",
            "" if ratio is None else f"{ratio:.2f}",
            aim,
            met,
        )


def measure_scale(
    sandbox: Sandbox, lengths: tuple[int, ...], calls: int, tell: Callable[[str], None]
) -> Iterator[Point | Peak]:
    """Every operation at each length in the usual partitions, and at each number of partitions.

    The second are of the last but one length. Memory is measured at each length.
    """
    sizes = [(length, _USUAL) for length in lengths]
    sizes += [(lengths[-2], number) for number in PARTITIONS if number != _USUAL]
    for events, number in sizes:
        log = LongLog(sandbox.database(), events, number, tell)
        tell(f"measuring {events:,} events in {number} partitions")
        yield from _points(log, calls)
        if number == _USUAL:
            yield from measure_peaks(log, tell)


def _points(log: LongLog, calls: int) -> Iterator[Point]:
    with (
        closing(psycopg.connect(log.database.admin_url, autocommit=True)) as admin,
        EventStore.open(log.database.url) as store,
    ):
        everything = _operations(log, store, calls)
        measured: dict[str, list[tuple[float, float | None]]] = {what: [] for what in everything}
        for _ in range(_ROUNDS + 1):
            for what, operation in everything.items():
                measured[what].append(_round(operation, calls, admin))
    for what, rounds in measured.items():
        walls, servers = zip(*rounds[1:], strict=True)  # the first one warms up
        told = [each for each in servers if each is not None]
        yield Point(what, log.events, log.partitions, walls, median(told) if told else None)


def _operations(log: LongLog, store: EventStore, calls: int) -> dict[str, Callable[[], object]]:
    """Each takes another stream, run or place of the log with every call."""
    streams, runs = _for_ever(log.streams, calls), _for_ever(log.runs, calls)
    appended = _for_ever(log.streams, calls)
    places = Random(3)

    def page() -> object:
        after = places.randrange(max(1, log.events - _PAGE))
        return sum(1 for _ in store.read_all(after=after, limit=_PAGE))

    return {
        "append an event to one of the streams": lambda: store.append(
            next(appended), [step()], agent="writer"
        ),
        "read a stream of 10 events": lambda: sum(1 for _ in store.read_stream(next(streams))),
        _RUN: lambda: sum(1 for _ in store.read_correlation(next(runs))),
        f"read a page of {_PAGE:,} events of the log": page,
    }


def _for_ever(some: Callable[[int, int], list[T]], calls: int) -> Iterator[T]:
    return chain.from_iterable(map(partial(some, calls), range(1_000_000)))


def _round(
    operation: Callable[[], object], calls: int, admin: psycopg.Connection[tuple[int]]
) -> tuple[float, float | None]:
    """(wall milliseconds of the median call, server microseconds of the mean call)."""
    operation()
    pids = [row[0] for row in admin.execute(_SQL["pids"])]
    before, walls = _all_served(pids), []
    for _ in range(calls):
        began = perf_counter()
        operation()
        walls.append(perf_counter() - began)
    after = _all_served(pids)
    server = None if before is None or after is None else (after - before) / 1000 / calls
    return 1000 * median(walls), server


def _all_served(pids: Iterable[int]) -> int | None:
    """Nanoseconds that the backends have used."""
    found = [served(pid) for pid in pids]
    return None if None in found else sum(each for each in found if each is not None)


def _words(met: bool) -> str:
    return "yes" if met else "no"
