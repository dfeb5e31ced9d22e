"""Trust in the tables: replays the log and compares with what is stored, row for row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from projections.audit.differences import differing, side_by_side
from projections.audit.live_tables import LiveTables, live_tables
from projections.audit.shadow import Shadow, shadow
from projections.builds.progress import Progress
from projections.builds.shard_build import Failed
from projections.builds.state_size import ROWS
from projections.errors import RulesDiffer
from projections.projection import Projection
from projections.row import Key, full_key
from projections.row_store import Bucket, RowStore

__all__ = ["Difference", "Verified", "verify"]

SHOWN: Final = 100
"""Differences, and failures, that are kept; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not what the events say.

    `columns` maps each column that differs to (what is stored, what the events say).
    """

    table: str
    key: Key
    problem: Literal["missing", "unexpected", "different"]
    columns: dict[str, tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Verified:
    """The outcome: at `position`, so many rows were compared and so many are `wrong`."""

    projection: str
    position: int
    """Of shards at different positions, the lowest; each was verified at its own."""
    starts_after: int
    """The tables hold nothing of the events up to here, and are not meant to."""
    events: int
    held: int
    """Events that the live tables hold back: what they would change is not expected yet."""
    failed: int
    """Further events that these rules can't apply in a replay, though the live tables did."""
    failures: tuple[Failed, ...]
    """The first of those."""
    rows: int
    wrong: int
    differences: tuple[Difference, ...]
    bucket: tuple[int, int] | None = None
    """Which of how many buckets of keys was verified; None for all."""


def verify(
    url: str,
    projection: Projection,
    *,
    workers: int | None = None,
    sample: tuple[int, int] | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    rows_in_memory: int = ROWS,
) -> Verified:
    """Compares a projection's tables, as they are at this moment, with a replay of the log.

    The projector goes on meanwhile; a rebuild waits with its switch. `sample` (number, of) looks at
    one of so many buckets of keys, rounded up to a multiple of the live shards; a projection
    without `shard_by` has none, and is verified whole. Memory does not grow with the log or the
    tables. What is held is in neither. Raises RulesDiffer when the tables wait for a rebuild,
    TooMuchHeld when the rules can apply next to nothing, and WorkerLost.
    """
    with live_tables(url, projection) as live:
        if live.projection_version != projection.version:
            raise RulesDiffer(projection.name, live.projection_version, projection.version)
        bucket = _bucket(live, sample)
        shards = (
            live.shards(projection, workers, rows_in_memory)
            if bucket is None
            else [live.bucket(projection, bucket, rows_in_memory)]
        )
        shards = [replace(shard, refused=live.held) for shard in shards]
        with shadow(url, live.conn, shards, purpose="verify", report=report) as said:
            rows = wrong = 0
            kept: list[Difference] = []
            for difference in _compare(live, said, bucket):
                rows += 1
                if difference is not None:
                    wrong += 1
                    kept += [difference][: SHOWN - len(kept)]
            return Verified(
                projection=projection.name,
                position=live.position,
                starts_after=live.starts_after,
                events=said.events,
                held=len(live.held),
                failed=said.failed,
                failures=said.failures[:SHOWN],
                rows=rows,
                wrong=wrong,
                differences=tuple(kept),
                bucket=None if bucket is None else (bucket.number, bucket.of),
            )


def _bucket(live: LiveTables, sample: tuple[int, int] | None) -> Bucket | None:
    field = live.projection.shard_by
    if sample is None or field is None:
        return None
    shards = len(live.positions)
    of = -(-sample[1] // shards) * shards
    return Bucket(field, sample[0] % of, of)


def _compare(live: LiveTables, said: Shadow, bucket: Bucket | None) -> Iterator[Difference | None]:
    """An item for each row, stored or expected: how it differs, or None."""
    store = RowStore(live.projection)
    for table in live.projection.tables:
        stored = store.read_in_order(live.conn, table, bucket=bucket)
        for found, wanted in side_by_side(stored, said.rows(table)):
            if wanted is None:
                assert found is not None, "a pair has a row"
                yield Difference(table.TABLE, full_key(found), "unexpected", {})
            elif found is None:
                yield Difference(table.TABLE, full_key(wanted), "missing", {})
            else:
                columns = differing(found, wanted, table.COLUMNS)
                yield (
                    Difference(table.TABLE, full_key(found), "different", columns)
                    if columns
                    else None
                )
