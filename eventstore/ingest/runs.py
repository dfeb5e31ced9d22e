"""The runs of a file, one at a time, as its reader tells them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from eventstore.append import Append
from eventstore.ingest.reader import BrokenRecord
from eventstore.limits import MAX_EVENTS_PER_CALL

__all__ = ["Run", "runs"]


@dataclass(slots=True)
class Run:
    """Appends that are recorded all or nothing."""

    correlation_id: UUID
    appends: list[Append] = field(default_factory=list)
    events: int = 0

    def add(self, append: Append) -> None:
        """One more; of a run that is too long for one call none is kept."""
        self.events += len(append.events)
        if self.events > MAX_EVENTS_PER_CALL:
            self.appends.clear()
        else:
            self.appends.append(append)

    def told(self) -> Run | BrokenRecord:
        """Itself when it can be recorded."""
        if self.events <= MAX_EVENTS_PER_CALL:
            return self
        return BrokenRecord(
            f"has {self.events:,} events; a run is recorded all or nothing, and the limit for that "
            f"is {MAX_EVENTS_PER_CALL:,}",
            f"run {self.correlation_id}",
        )


def runs(
    records: Iterable[Append | BrokenRecord],
) -> Iterator[Run | Append | BrokenRecord]:
    """Each run when it has ended; what belongs to no run, and what is broken, where it stands.

    An error of the reader passes through, and the run that was under way is not given.
    """
    run: Run | None = None
    for record in records:
        correlation_id = record.correlation_id if isinstance(record, Append) else None
        if run is not None and run.correlation_id != correlation_id:
            yield run.told()
            run = None
        if isinstance(record, BrokenRecord) or correlation_id is None:
            yield record
            continue
        if run is None:
            run = Run(correlation_id)
        run.add(record)
    if run is not None:
        yield run.told()
