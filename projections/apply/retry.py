"""Events that are held, tried again: all of them in order, so that the result equals a replay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from eventstore import RecordedEvent
from eventstore.errors import EventStoreError
from eventstore.reading.read import events_at
from projections.apply.batch import named_rows
from projections.apply.held_rows import HeldRow, facts_of_held, page, write
from projections.apply.holding import Held, Holding
from projections.apply.missed import missed_their_turn
from projections.apply.refusal import blames_rows, may_blame_an_event, not_applied, refused
from projections.checkpoint import Lease
from projections.hooks.late import tell_hooks_late
from projections.projection import State
from projections.row import Key, Row
from projections.row_store import RowStore, Touched
from projections.session import Connection

__all__ = ["Which", "retry"]

Which = Literal["all", "due", "refused"]
"""Which of the events that failed are tried: all, what is due, or what the database refused.

What waits is tried whenever nothing that it waits for is left.
"""

_MISSED: Final = (
    "it can be read now, but names rows that later events have named since without waiting for it; "
    "only `eventstore projections rebuild {}` gives what a replay says"
)
_CHUNK: Final = 200
"""Events a transaction; memory holds that many."""


def retry(
    conn: Connection, store: RowStore, lease: Lease, holding: Holding, which: Which
) -> list[int]:
    """Goes once over all that is held; returns the positions that are held no longer.

    `holding` is empty at first, and what is left in the end. What can be applied now, or was
    discarded, leaves the record in the transaction of its rows; what fails again stays. Raises
    LeaseLost.
    """
    gone: list[int] = []
    after = 0
    while rows := page(conn, lease, after, _CHUNK):
        after = rows[-1].position
        tried = [row.position for row in rows if _is_tried(row, holding, which)]
        events = {each.position: each for each in events_at(conn, tried)}
        missed = missed_their_turn(conn, lease, store.projection, holding, rows, events)
        gone += _Chunk(conn, store, lease, holding, events, missed).apply(rows)
        if lease.heartbeat_in <= 0:
            lease.heartbeat(conn)
    return gone


def _is_tried(row: HeldRow, holding: Holding, which: Which) -> bool:
    # After a change of the code its keys may be others, so that only the event itself can tell.
    if which == "all":
        return True
    if row.behind is not None:
        return holding.waits_for(row.keys) is None
    return row.due or (which == "refused" and row.origin == "database")


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some events that are held; `events` are those of them that are tried."""

    conn: Connection
    store: RowStore
    lease: Lease
    holding: Holding
    events: Mapping[int, RecordedEvent]
    missed: frozenset[int]

    def apply(self, rows: Sequence[HeldRow]) -> list[int]:
        """Goes over them in order, in parts where the database refuses them together."""
        try:
            return self._apply(rows)
        except EventStoreError as error:
            if not (blames_rows(error) or may_blame_an_event(error)):
                raise
            if len(rows) > 1:
                middle = len(rows) // 2
                return self.apply(rows[:middle]) + self.apply(rows[middle:])
            self.lease.confirm(self.conn)
            return self._apply(rows, error)

    def _apply(self, rows: Sequence[HeldRow], error: EventStoreError | None = None) -> list[int]:
        """One transaction; with an `error`, that is what the only event is held for."""
        projection, trial = self.store.projection, self.holding.fork()
        tried = [self.events[row.position] for row in rows if row.position in self.events]
        state = self.store.load(self.conn, named_rows(projection, tried) if error is None else ())
        touched: Touched = set()
        gone: list[int] = []
        changed: list[dict[str, Any]] = []
        for row in rows:
            if row.position not in self.events:
                changed += _stays(trial, row)
                continue
            outcome = self._outcome(trial, state, row, error)
            if not isinstance(outcome, Held):
                touched.update(outcome)
                gone.append(row.position)
            elif outcome.error or (outcome.behind, outcome.keys) != (row.behind, row.keys):
                changed.append(facts_of_held(outcome))
        if gone or changed:
            self.store.months.make(self.conn, (state[table].get(key) for table, key in touched))
            applied = [each for each in gone if not trial.left_out(self.events[each])]
            with self.lease.advancing(
                self.conn, self.lease.position, events=len(applied)
            ) as flight:
                self.store.save(flight, state, touched)
                tell_hooks_late(flight, self.lease, applied)
                write(flight, self.lease, projection, gone=gone, held=changed)
        self.holding.become(trial)
        return gone

    def _outcome(
        self, trial: Holding, state: State, row: HeldRow, error: EventStoreError | None
    ) -> list[tuple[type[Row], Key]] | Held:
        projection, recorded = self.store.projection, self.events[row.position]
        if error is not None:
            reason = refused(projection, recorded, error)
            return trial.fail(projection, recorded, reason, "database")
        if row.position in self.missed:
            reason = not_applied(projection, recorded, _MISSED.format(projection.name))
            # Its keys stay what they are, so that the next try looks at the others again.
            return trial.fail(projection, recorded, reason, "payload", row.keys)
        return trial.apply(projection, state, recorded)


def _stays(trial: Holding, row: HeldRow) -> list[dict[str, Any]]:
    """Keeps an event that is not tried; what changes is at most for which it waits."""
    behind = row.behind and (trial.waits_for(row.keys) or row.behind)
    trial.hold(row.position, behind, row.keys)
    if behind == row.behind:
        return []
    return [{"position": row.position, "behind": behind, "keys": sorted(row.keys)}]
