"""The next stretch of the log that a hook is told: its events, then the rows that they changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eventstore import RecordedEvent
from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.reading.read import events_at, page_after, shard_page_after
from projections.apply.discards import discarded
from projections.hooks.hook import Changes
from projections.hooks.place import Place
from projections.projection import Projection
from projections.row import Key, Row
from projections.row_store import RowStore
from projections.session import Connection

__all__ = ["PAGE", "Stretch", "next_stretch"]

PAGE: Final = 1_000
"""Events a call, at most: a hook that was away for long is told in steps."""

_SQL: Final = load("projections.sql", "hooks.sql")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Applied events that the hook was not told of yet, and where it is when it was."""

    until: int
    events: list[RecordedEvent]
    positions: list[int]
    """Of the events, and of those that are not there any more."""
    late: bool = False

    def changes(self, conn: Connection, store: RowStore, place: Place) -> Changes | None:
        """What to tell; None when none of the events was applied."""
        named: dict[tuple[type[Row], Key], None] = {}
        applied: list[RecordedEvent] = []
        for recorded in self.events:
            try:
                named.update(dict.fromkeys(store.projection.keys(recorded)))
            except Exception:  # noqa: BLE001 - whatever a payload does to its class
                continue  # What can't be read was not applied: somebody has discarded it.
            applied.append(recorded)
        if not applied:
            return None
        # No part of the snapshot in which the events were read: after a rebuild's switch the
        # tables are others, and in that snapshot they would be empty.
        there = store.load(conn, named)
        rows = store.projection.empty()
        for table, key in named:
            row = there[table].get(key)
            if row is None or row.position >= applied[0].position:
                rows[table][key] = row
        return Changes(
            projection=place.projection,
            shard=place.shard,
            after=applied[0].position - 1 if self.late else place.position,
            until=applied[-1].position if self.late else self.until,
            events=tuple(applied),
            rows=rows,
            late=self.late,
        )


def next_stretch(conn: Connection, projection: Projection, place: Place) -> Stretch | None:
    """What comes next, None when the hook was told of all; raises LeaseLost."""
    with translated(), conn.transaction():
        conn.execute(_SQL["one_snapshot"])
        applied, late = place.look(conn, PAGE)
        if late:
            # A switch enters all that its build does not hold, also what the build left out.
            there = _not_discarded(conn, projection, events_at(conn, late))
            return Stretch(place.position, there, late, late=True)
        if applied <= place.position:
            return None
        events = _page(conn, projection, place, applied)
        until = applied if len(events) < PAGE else events[-1].position
        positions = [recorded.position for recorded in events]
        facts = {"projection": place.projection, "positions": positions}
        held = {row[0] for row in conn.execute(_SQL["held"], facts)} if events else set()
        applied_events = [recorded for recorded in events if recorded.position not in held]
        there = _not_discarded(conn, projection, applied_events)
    return Stretch(until, there, [recorded.position for recorded in there])


def _not_discarded(
    conn: Connection, projection: Projection, events: list[RecordedEvent]
) -> list[RecordedEvent]:
    left_out = {
        each
        for tenant in {recorded.tenant_id for recorded in events}
        for each in discarded(conn, projection, tenant=tenant)
    }
    return [each for each in events if (each.tenant_id, each.position) not in left_out]


def _page(
    conn: Connection, projection: Projection, place: Place, until: int
) -> list[RecordedEvent]:
    """The next events of the projection's shard."""
    types = projection.event_types
    if place.shards == 1 or projection.shard_by is None:
        return page_after(conn, place.position, until, PAGE, event_types=types)
    return shard_page_after(
        conn,
        place.position,
        until,
        PAGE,
        field=projection.shard_by,
        shard=place.shard,
        shards=place.shards,
        event_types=types,
    )
