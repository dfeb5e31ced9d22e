"""The group-commit writer in numbers, for metrics and for whoever wonders what it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eventstore.writing.pending import Pending

__all__ = ["Tally", "WriterStats"]


@dataclass(frozen=True, slots=True)
class WriterStats:
    """What waits now, and what was done since the store was opened; times in seconds."""

    pending: int
    """Requests that wait to be sent."""
    pending_bytes: int
    """Of their payloads and metadata."""
    in_flight: int
    """Requests that the database works on."""
    alone: int
    """Requests whose caller met nobody, and which so did not wait."""
    batches: int
    """Transactions for those who met somebody."""
    batched: int
    """Requests in them."""
    largest_batch: int
    """Requests in the largest of them."""
    waited: float
    """That all requests of all batches waited until they were sent."""
    longest_wait: float
    """Of one of them."""
    overloaded: int
    """Requests that were not sent, because their time was over."""


class Tally:
    """Counts for the writer; whoever leads counts, and nobody else."""

    def __init__(self) -> None:
        self.alone = self.batches = self.batched = self.largest_batch = self.overloaded = 0
        self.waited = self.longest_wait = 0.0

    def batch(self, batch: Sequence[Pending], now: float) -> None:
        """Counts one that is about to be sent."""
        self.batches += 1
        self.batched += len(batch)
        self.largest_batch = max(self.largest_batch, len(batch))
        self.waited += sum([now - pending.entered for pending in batch])
        # They stand in the order in which they came.
        self.longest_wait = max(self.longest_wait, now - batch[0].entered)

    def stats(self, pending: int, pending_bytes: int, in_flight: int) -> WriterStats:
        """The counts so far, and what is there now."""
        return WriterStats(
            pending=pending,
            pending_bytes=pending_bytes,
            in_flight=in_flight,
            alone=self.alone,
            batches=self.batches,
            batched=self.batched,
            largest_batch=self.largest_batch,
            waited=self.waited,
            longest_wait=self.longest_wait,
            overloaded=self.overloaded,
        )
