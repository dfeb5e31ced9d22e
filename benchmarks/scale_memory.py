"""How much memory it takes to read a whole log and to import into it: the same, however long."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final

from benchmarks.events import step
from benchmarks.long_log import EVENTS_A_STREAM, LongLog
from benchmarks.memory import peak_megabytes
from eventstore import Append, EventStore

__all__ = ["MEMORY_COLUMNS", "Peak", "measure_peaks"]

MEMORY_COLUMNS: Final = ("a process that", "events", "peak, MB", "to the first", "aim", "met")
_FLAT: Final = 1.15
"""How much more than at the first length it may take."""
_PART: Final = 10
"""An import brings a tenth of what the log has."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The most resident memory that a process had which did nothing else."""

    what: str
    events: int
    megabytes: float

    def cells(self, first: Peak) -> tuple[str, ...]:
        """What stands under MEMORY_COLUMNS; `first` did the same with the fewest events."""
        ratio = self.megabytes / first.megabytes
        aim = "" if self is first else f"at most {_FLAT:g} of the first"
        met = "" if self is first else "yes" if ratio <= _FLAT else "no"
        return self.what, f"{self.events:,}", f"{self.megabytes:.1f}", f"{ratio:.2f}", aim, met


def measure_peaks(log: LongLog, tell: Callable[[str], None]) -> Iterator[Peak]:
    """Of reading all of it, raw and typed, and of importing a part as large as a tenth."""
    works: dict[str, tuple[Callable[[str, int], None], int]] = {
        "reads all of it, raw": (_read, log.events),
        "reads all of it, typed": (_read_typed, log.events),
        "imports": (_import, log.events // _PART),
    }
    for what, (work, events) in works.items():
        tell(f"memory of a process that {what}: {events:,} events")
        with get_context("spawn").Pool(1) as pool:
            yield Peak(what, events, pool.apply(_peak, (work, log.database.url, events)))


def _peak(work: Callable[[str, int], None], url: str, events: int) -> float:
    work(url, events)
    return peak_megabytes(os.getpid())


def _read(url: str, events: int) -> None:
    with EventStore.open(url) as store:
        found = sum(1 for _ in store.read_all())
    assert found >= events, f"{found} of {events} events"


def _read_typed(url: str, events: int) -> None:
    with EventStore.open(url) as store:
        found = sum(1 for recorded in store.read_all() if recorded.event is not None)
    assert found >= events, f"{found} of {events} events"


def _import(url: str, events: int) -> None:
    appends = (
        Append(f"imported-{number}", [step() for _ in range(EVENTS_A_STREAM)])
        for number in range(events // EVENTS_A_STREAM)
    )
    with EventStore.open(url) as store:
        assert store.import_events(appends).new == events // EVENTS_A_STREAM * EVENTS_A_STREAM
