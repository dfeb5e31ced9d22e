"""One batch of events: load the rows they name, fold, write rows and checkpoint at once.

What can't be applied is held, in the same transaction, and the rest goes on. A batch may fail
although each of its events could be applied, because the database checks the rows of many events in
one statement (a unique name that one row gives up and another takes). So a batch that the database
refuses is halved until it goes through, or until one event is left that is to blame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from eventstore import RecordedEvent
from eventstore.errors import EventStoreError
from projections.apply.abreast import wait_for_others
from projections.apply.held_rows import facts_of_held, write
from projections.apply.holding import Held, Holding
from projections.apply.refusal import blames_rows, refused
from projections.checkpoint import Lease
from projections.log import LOG
from projections.projection import Projection
from projections.row import Key, Row
from projections.row_store import RowStore, Touched
from projections.session import Connection

__all__ = ["BATCH", "apply_events", "hold_refused", "named_rows"]

BATCH: Final = 2_000
"""Events a batch: enough to make its round trips and commit cheap, and some 100 ms of work."""

_BY_ITSELF: Final = (("event_id",),)
"""What names the rows of a table with one row an event."""


def apply_events(
    conn: Connection,
    store: RowStore,
    lease: Lease,
    holding: Holding,
    events: Sequence[RecordedEvent],
    until: int,
) -> None:
    """Applies events in order, and moves the checkpoint to `until`, the end of what was read.

    What can't be applied is held. When that becomes too much, it ends early, with the checkpoint at
    the last event that it dealt with. Raises LeaseLost; nothing of the batch is then written.
    """
    try:
        _apply(conn, store, lease, holding, events, until)
    except EventStoreError as error:
        if not blames_rows(error) or not events:
            raise
        store.months.forget()  # one may have been dropped
        if len(events) == 1:
            if wait_for_others(conn, lease, events[0].position):
                apply_events(conn, store, lease, holding, events, until)
            else:
                hold_refused(conn, store, lease, holding, events[0], until, error)
            return
        middle = len(events) // 2
        apply_events(conn, store, lease, holding, events[:middle], events[middle - 1].position)
        if not holding.full:
            apply_events(conn, store, lease, holding, events[middle:], until)


def hold_refused(
    conn: Connection,
    store: RowStore,
    lease: Lease,
    holding: Holding,
    recorded: RecordedEvent,
    until: int,
    error: Exception,
) -> None:
    """Holds an event whose rows the database refuses; raises LeaseLost."""
    # Who lost the lease folds over rows that the next holder has taken further already, and then
    # no row fits: that is no fault of the event.
    lease.confirm(conn)
    trial = holding.fork()
    projection = store.projection
    held = trial.fail(projection, recorded, refused(projection, recorded, error), "database")
    with lease.advancing(conn, until, events=0) as flight:
        write(flight, lease, projection, held=[facts_of_held(held)])
    holding.become(trial)
    _tell(projection, [held])


def named_rows(
    projection: Projection, events: Sequence[RecordedEvent]
) -> Iterator[tuple[type[Row], Key]]:
    """The rows that events name and that may be there; not those of events that can't be read."""
    for recorded in events:
        try:
            keys = list(projection.keys(recorded))
        except Exception:  # noqa: BLE001 - whatever a payload does to its class
            continue  # it will fail
        # A row that only its own event names can't be there before that event is applied.
        yield from (key for key in keys if key[0].NAMED_BY != _BY_ITSELF)


def _apply(
    conn: Connection,
    store: RowStore,
    lease: Lease,
    holding: Holding,
    events: Sequence[RecordedEvent],
    until: int,
) -> None:
    projection = store.projection
    state = store.load(conn, named_rows(projection, events))
    trial = holding.fork()  # the transaction may fail, and then nothing was held
    touched: Touched = set()
    held: list[Held] = []
    for recorded in events:
        outcome = trial.apply(projection, state, recorded)
        if not isinstance(outcome, Held):
            touched.update(outcome)
            continue
        held.append(outcome)
        if trial.full:
            until = recorded.position
            events = [each for each in events if each.position <= until]
            break
    if events or until > lease.position:
        store.months.make(conn, (state[table].get(key) for table, key in touched))
        with lease.advancing(conn, until, events=len(events) - len(held)) as flight:
            store.save(flight, state, touched)
            if held:
                write(flight, lease, projection, held=[facts_of_held(each) for each in held])
    holding.become(trial)
    _tell(projection, held)


def _tell(projection: Projection, held: Sequence[Held]) -> None:
    for each in held:
        if each.error is not None:
            LOG.warning(
                "event held",
                projection=projection.name,
                position=each.recorded.position,
                event_type=each.recorded.event_type,
                origin=each.origin,
                reason=each.error.reason,
            )
