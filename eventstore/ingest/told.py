"""What becomes of the runs of a file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Literal
from uuid import UUID

from eventstore.errors import AppendRefused, EventStoreError, InvalidEvent
from eventstore.ingest.reader import BrokenFile, BrokenRecord

__all__ = ["FLAWS", "Outcome", "RunDiffers", "Told"]

FLAWS: Final = (BrokenFile, BrokenRecord, InvalidEvent, AppendRefused)
"""What can be wrong with a file, as against with the store."""

Outcome = Literal["appended", "continued", "already there", "failed"]


class RunDiffers(AppendRefused):
    """A run is recorded with other content than the file has; nothing was appended.

    Of the file's `events`, `recorded` are in the log, `differing` of these with other content;
    `recorded_from` is the file that the recorded ones came from, if they say so.
    """

    def __init__(
        self, run: UUID, events: int, recorded: int, differing: int, recorded_from: str | None
    ) -> None:
        self.run, self.events, self.recorded = run, events, recorded
        self.differing, self.recorded_from = differing, recorded_from
        source = f" from {recorded_from}" if recorded_from else ""
        super().__init__(
            f"run {run} is recorded{source} with other content: of {events} events in this file "
            f"{recorded} are recorded, {differing} of them otherwise; what is recorded stays"
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one run, or of a file in which none could be read."""

    file: str
    outcome: Outcome
    correlation_id: UUID | None = None
    events_already_there: int = 0
    appended: Counter[str] = field(default_factory=Counter)
    """Events by type; in a dry run those that would be appended."""
    error: EventStoreError | None = None
