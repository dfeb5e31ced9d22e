"""How far shards are behind: their own events that wait, counted up to a cap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from projections.projection import Projection
from projections.session import Connection

__all__ = ["LAG_CAP", "Lag", "lags"]

LAG_CAP: Final = 100_000
"""Waiting events are counted up to here; a lag of that many is at least that many."""

_SQL: Final = load("projections.sql", "status.sql")


@dataclass(frozen=True, slots=True)
class Lag:
    """What waits after a position."""

    events: int = 0
    capped: bool = False
    """Whether there may be more."""
    seconds: float = 0.0
    """For how long the first of them has waited."""
    estimate: float = 0.0
    """How many they are in all, if they lie as densely as those that were counted."""


def lags(
    conn: Connection,
    projection: Projection,
    positions: Mapping[int, int],
    until: int,
    *,
    shards: int = 1,
) -> dict[int, Lag]:
    """What waits on each shard after its position, up to position `until`.

    One walk through the log counts for all shards that are within LAG_CAP events of the last one;
    those further ahead take another.
    """
    found = {shard: Lag() for shard in positions}
    left = {shard: position for shard, position in positions.items() if position < until}
    while left:
        facts = {
            "known": list(left),
            "positions": list(left.values()),
            "after": min(left.values()),
            "until": until,
            "event_types": list(projection.event_types),
            "field": projection.shard_by,
            "shards": shards,
            "cap": LAG_CAP,
        }
        with translated():
            rows = conn.execute(_SQL["lag"], facts).fetchall()
        for shard, events, seconds, met, came_to in rows:
            capped = met == LAG_CAP
            if not capped or left[shard] < came_to:
                position = left.pop(shard)
                share = (until - position) / (came_to - position) if capped else 1.0
                found[shard] = Lag(events, capped, seconds or 0.0, events * share)
    return found
