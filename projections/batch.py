"""One batch of events: load the rows they name, fold, write rows and checkpoint at once.

A batch may fail although each of its events could be applied, because the database checks the
rows of many events in one statement (a unique name that one row gives up and another takes). So a
batch that the database refuses is halved until it goes through, or until one event is left that
can't be applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from eventstore import RecordedEvent
from eventstore.errors import DatabaseFault
from projections.checkpoint import Lease
from projections.errors import EventNotApplied
from projections.projection import Projection
from projections.row import Key, Row
from projections.row_store import RowStore, Touched
from projections.session import Connection

__all__ = ["BATCH", "OF_THE_ROWS", "apply_events"]

BATCH: Final = 2_000
"""Events a batch: enough to make its round trips and commit cheap, and some 100 ms of work."""

OF_THE_ROWS: Final = ("22", "23", "54")
"""SQLSTATE classes that blame what was written: bad data, a broken constraint, a row too large."""


def apply_events(
    conn: Connection, store: RowStore, lease: Lease, events: Sequence[RecordedEvent], until: int
) -> None:
    """Applies events in order, and moves the checkpoint to `until`, the end of what was read.

    Raises EventNotApplied for the first event that can't be applied; everything before it is then
    applied, and nothing after it. Raises LeaseLost; nothing of the batch is then written.
    """
    try:
        _apply(conn, store, lease, events, until)
    except DatabaseFault as fault:
        if fault.sqlstate is None or fault.sqlstate[:2] not in OF_THE_ROWS:
            raise
        if len(events) == 1:
            only = events[0]
            lease.confirm(conn)
            raise EventNotApplied(
                store.projection.name,
                only.position,
                only.event_type,
                fault.reason,
                event_id=only.event_id,
            ) from fault
        middle = len(events) // 2
        apply_events(conn, store, lease, events[:middle], events[middle - 1].position)
        apply_events(conn, store, lease, events[middle:], until)


def _apply(
    conn: Connection, store: RowStore, lease: Lease, events: Sequence[RecordedEvent], until: int
) -> None:
    projection = store.projection
    state = store.load(conn, _named(projection, events))
    touched: Touched = set()
    applied = 0
    refused: EventNotApplied | None = None
    for recorded in events:
        try:
            touched.update(projection.apply(state, recorded))
        except EventNotApplied as error:
            refused, until = error, max(recorded.position - 1, lease.position)
            break
        applied += 1
    if applied or until > lease.position:
        with lease.advancing(conn, until, events=applied):
            store.save(conn, state, touched)
    if refused is not None:
        # Who lost the lease folds over rows that the next holder has taken further already, and
        # then no event fits: that is no fault of the event.
        lease.confirm(conn)
        raise refused


def _named(
    projection: Projection, events: Sequence[RecordedEvent]
) -> Iterator[tuple[type[Row], Key]]:
    """The rows that the events name, up to the first event that can't be read."""
    for recorded in events:
        try:
            keys = list(projection.keys(recorded))
        except Exception:  # noqa: BLE001 - whatever a payload does to its class
            # The fold meets the same error at the same event, and stops there with its facts.
            return
        yield from keys
