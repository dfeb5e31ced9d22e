"""Whether an event that is applied late has missed its turn.

An event whose payload could not be read was held for the rows that it seemed to name. Once it can
be read, it may name others, for which nothing waited. Applied now, it would change them in the
wrong order if another event has named them since.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from eventstore import RecordedEvent
from eventstore.reading.read import page_after
from projections.apply.held_rows import HeldRow, positions
from projections.apply.holding import Holding, named
from projections.checkpoint import Lease
from projections.projection import Projection
from projections.session import Connection

__all__ = ["missed_their_turn"]

_PAGE: Final = 2_000
_LOOK_BACK: Final = 100_000
"""Events that are looked through, a second or two of work; beyond that, a rebuild is better."""


def missed_their_turn(
    conn: Connection,
    lease: Lease,
    projection: Projection,
    holding: Holding,
    rows: Iterable[HeldRow],
    events: Mapping[int, RecordedEvent],
) -> frozenset[int]:
    """Which of these events name rows that later, applied events name, and that did not wait."""
    new: dict[int, frozenset[str]] = {}
    for row in rows:
        if row.position in events and not holding.left_out(events[row.position]):
            keys = named(projection, events[row.position]) - row.keys
            if keys:
                new[row.position] = keys
    if not new:
        return frozenset()
    if lease.shards > 1:  # its rows may be another's, who may be anywhere
        return frozenset(new)
    after, looked, missed = min(new), 0, set[int]()
    still_held = positions(conn, lease, after)
    while page := page_after(
        conn, after, lease.position, _PAGE, event_types=projection.event_types
    ):
        after, looked = page[-1].position, looked + len(page)
        if looked > _LOOK_BACK:
            return frozenset(new)
        for recorded in page:
            if recorded.position not in still_held and not holding.left_out(recorded):
                its = named(projection, recorded)
                missed |= {p for p, keys in new.items() if p < recorded.position and keys & its}
        if lease.heartbeat_in <= 0:
            lease.heartbeat(conn)
    return frozenset(missed)
