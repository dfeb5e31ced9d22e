"""Builds one shard: folds its events into the tables of a build, with bounded memory.

As long as the rows fit into memory nothing but the log is read, and rows and checkpoint are
written in the end, into tables without keys. When they do not fit, what has changed is written and
forgotten; from then on the rows that a page of events names are looked up, all at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final, Protocol

from eventstore import RecordedEvent
from eventstore.reading.read import page_after, shard_page_after
from projections.apply.batch import named_rows
from projections.apply.failure import reason_of
from projections.apply.holding import MAX_FAILURES, Held, Holding
from projections.builds.log_pages import LogPages, Page
from projections.builds.read_ahead import read_ahead
from projections.builds.state_size import ROWS, StateSize
from projections.errors import ProjectionPaused, TooMuchHeld
from projections.projection import Projection
from projections.row import Key, Row, full_key
from projections.row_store import RowStore
from projections.session import Connection

__all__ = ["FLUSH_SECONDS", "Changes", "Failed", "Shard", "ShardFold", "Target"]

FLUSH_SECONDS: Final = 30.0
"""How much work a kill may cost."""
FAILURES: Final = 1_000
"""Failed events of one shard that are kept to be shown; the rest is counted."""
MOST_HELD: Final = 100_000
"""Events that may be held in one shard of rows to look at: a few of its workers' megabytes."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An event that could not be applied."""

    position: int
    event_type: str
    error: str


@dataclass(frozen=True, slots=True)
class Shard:
    """What is to be folded: of the events in `after` < position <= `until` one shard."""

    projection: Projection
    after: int
    until: int
    field: str | None = None
    """The payload's field that tells shards apart; None when there is one only."""
    number: int = 0
    of: int = 1
    begun: bool = False
    """Some of its rows are in the tables already."""
    held: tuple[tuple[int, int | None, tuple[str, ...]], ...] = ()
    """Events held before `after`, as `Holding` takes them up."""
    refused: frozenset[int] = frozenset()
    """Positions that count as failed without a try."""
    discarded: frozenset[tuple[str, int]] = frozenset()
    """Events that are left out, by tenant and position."""
    max_failures: int = MAX_FAILURES
    """How many may fail before a build that is kept goes no further."""
    rows_in_memory: int = ROWS
    flush_seconds: float = FLUSH_SECONDS

    def pages(self, conn: Connection) -> LogPages:
        """Its events, read over that connection."""
        types = self.projection.event_types
        if self.field is None:
            fetch = partial(page_after, conn, event_types=types)
        else:
            fetch = partial(
                shard_page_after,
                conn,
                field=self.field,
                shard=self.number,
                shards=self.of,
                event_types=types,
            )
        return LogPages(fetch, self.until)


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be written at once: `position` is reached with it, by so many more events."""

    made: defaultdict[type[Row], list[Row]]
    """Rows whose keys are not in the tables."""
    changed: defaultdict[type[Row], list[Row]]
    """Rows whose keys are there."""
    removed: defaultdict[type[Row], list[Key]]
    held: list[Held]
    position: int
    applied: int

    def make_months(self, conn: Connection, store: RowStore) -> None:
        """Makes the months that the rows need; before the transaction that writes them."""
        for rows in (*self.made.values(), *self.changed.values()):
            store.months.make(conn, rows)

    def write_rows(self, conn: Connection, store: RowStore) -> None:
        """Writes the rows alone, inside the caller's transaction."""
        for table in store.projection.tables:
            gone = [full_key(row) for row in self.changed[table]] + self.removed[table]
            if gone:
                store.remove(conn, table, gone)
            there = self.made[table] + self.changed[table]
            if there:
                store.insert(conn, table, there)


class Target(Protocol):
    """The tables that a build fills."""

    store: RowStore
    conn: Connection
    resumable: bool
    """It keeps what was written, for a build that goes on later."""

    def add_keys(self) -> None:
        """Makes it possible to look rows up; before anything is written but at the very end."""

    def write(self, changes: Changes) -> None:
        """Writes all of that or nothing."""


class ShardFold:
    """One run over a shard. Without a `target` all rows stay in `state`, however many."""

    def __init__(
        self,
        shard: Shard,
        log: Connection,
        target: Target | None,
        report: Callable[[int, int], None],
    ) -> None:
        """`report(events, position)` hears after each page how far it is."""
        self._shard, self._log, self._target, self._report = shard, log, target, report
        self.state = shard.projection.empty()
        self.events = 0
        self.failures: list[Failed] = []
        """The first of the events that failed and were not `refused`; `failed` counts them all."""
        self.failed = self.held = 0
        self._holding = Holding(
            shard.held,
            refused=shard.refused,
            discarded=shard.discarded,
            max_failures=shard.max_failures,
        )
        self._unwritten: list[Held] = []
        self._size = StateSize(shard.rows_in_memory)
        self._whole = not shard.begun
        """Every row that there is is in the state, so a key that is not there has no row."""
        self._in_tables: dict[type[Row], set[Key]] = {
            table: set() for table in shard.projection.tables
        }
        """The keys in the state that may be in the tables too; no others are."""
        self._dirty: set[tuple[type[Row], Key]] | None = set() if shard.begun else None
        """What changed since it was written; None as long as nothing was written."""
        self._applied = 0
        self._flushed_at = monotonic()
        # A row named by an event's own id can't be there before the event.
        self._never_stored = {
            table
            for table in shard.projection.tables
            if all(names == ("event_id",) for names in table.NAMED_BY)
        }

    def run(self) -> None:
        """Folds it all.

        Raises ProjectionPaused when more is held than a build that is kept may hold, and
        TooMuchHeld when it is too much for another; LeaseLost.
        """
        shard = self._shard
        for page in read_ahead(shard.pages(self._log), shard.after):
            if not self._whole:
                self._look_up(page.events)
            self._fold(page.events)
            if self._target is not None:
                self._flush_if_due(self._target, page)
            self._report(self.events, page.reached)
        if self._target is not None:
            self._write(self._target, shard.until)
        self._report(self.events, shard.until)

    def _fold(self, events: Sequence[RecordedEvent]) -> None:
        apply, projection, state, dirty = (
            self._holding.apply,
            self._shard.projection,
            self.state,
            self._dirty,
        )
        held = 0
        for recorded in events:
            outcome = apply(projection, state, recorded)
            if isinstance(outcome, Held):
                self._hold(outcome)
                held += 1
            elif dirty is not None:
                dirty.update(outcome)
        self.events += len(events)
        self._applied += len(events) - held

    def _hold(self, held: Held) -> None:
        self.held += 1
        name = self._shard.projection.name
        if held.error is not None and held.recorded.position not in self._shard.refused:
            self.failed += 1
            if len(self.failures) < FAILURES:
                recorded, error = held.recorded, reason_of(held.error)
                self.failures.append(Failed(recorded.position, recorded.event_type, error))
        if self._target is not None and self._target.resumable:
            self._unwritten.append(held)
            if self._holding.full:
                raise ProjectionPaused(name, self._holding.failed, len(self._holding))
        elif self.held > MOST_HELD:
            raise TooMuchHeld(name, self.failed, self.held, [each.error for each in self.failures])

    def _look_up(self, events: Sequence[RecordedEvent]) -> None:
        """Loads the rows that a page names, as far as the state knows nothing of them."""
        assert self._target is not None, "only what was written is forgotten"
        unknown: list[tuple[type[Row], Key]] = []
        for table, key in named_rows(self._shard.projection, events):
            rows = self.state[table]
            if key not in rows and table not in self._never_stored:
                rows[key] = None
                unknown.append((table, key))
        if unknown:
            for table, found in self._target.store.load(self._target.conn, unknown).items():
                self.state[table].update(found)
                self._in_tables[table].update(found)

    def _flush_if_due(self, target: Target, page: Page) -> None:
        full = self._size.full(self.state, page.events)
        if full or (
            target.resumable and monotonic() - self._flushed_at > self._shard.flush_seconds
        ):
            target.add_keys()
            self._write(target, page.reached)
            if full:
                self.state.update(self._shard.projection.empty())
                self._whole = False
                self._size.emptied()
            self._in_tables = {table: set(rows) for table, rows in self.state.items()}

    def _write(self, target: Target, position: int) -> None:
        made: defaultdict[type[Row], list[Row]] = defaultdict(list)
        changed: defaultdict[type[Row], list[Row]] = defaultdict(list)
        removed: defaultdict[type[Row], list[Key]] = defaultdict(list)
        if self._dirty is None:
            for table, rows in self.state.items():
                made[table] = [row for row in rows.values() if row is not None]
        else:
            for table, key in self._dirty:
                row, stored = self.state[table].get(key), self._in_tables[table]
                there = bool(stored) and key in stored  # hashing a key takes its time
                if row is not None:
                    (changed if there else made)[table].append(row)
                elif there:
                    removed[table].append(key)
        target.write(Changes(made, changed, removed, self._unwritten, position, self._applied))
        self._dirty, self._unwritten, self._applied = set(), [], 0
        self._flushed_at = monotonic()
