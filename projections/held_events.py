"""The events that a build holds, as rows of projections.failures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import orjson

from eventstore import Event, RecordedEvent
from eventstore.database import translated
from eventstore.queries import load
from projections.failure import facts_of
from projections.holding import Held
from projections.projection import Projection
from projections.session import Connection

__all__ = ["count_held", "failed_positions", "held_keys", "write_held"]

_SQL: Final = load("projections.sql", "held_events.sql")


def write_held(conn: Connection, projection: Projection, build: str, held: Iterable[Held]) -> None:
    """Stores what a build holds, inside the caller's transaction."""
    rows = [_row(projection, each) for each in held]
    if rows:
        facts = {"projection": projection.name, "build": build}
        conn.execute(_SQL["write"], facts | {"rows": orjson.dumps(rows).decode()})


def held_keys(
    conn: Connection, projection: Projection, build: str
) -> list[tuple[int, tuple[str, ...]]]:
    """What a build holds, as `Holding` takes it up: (position, its keys), in order."""
    with translated():
        found = conn.execute(_SQL["held"], {"projection": projection.name, "build": build})
        return [(position, tuple(keys)) for position, keys in found]


def failed_positions(conn: Connection, projection: Projection, build: str) -> frozenset[int]:
    """The events that failed themselves, without those that wait behind them."""
    with translated():
        found = conn.execute(_SQL["failed"], {"projection": projection.name, "build": build})
        return frozenset(position for (position,) in found)


def count_held(conn: Connection, projection: Projection, build: str) -> int:
    """How many events a build holds."""
    with translated():
        found = conn.execute(_SQL["count"], {"projection": projection.name, "build": build})
        (count,) = found.fetchone() or (0,)
    return int(count)


def _row(projection: Projection, held: Held) -> dict[str, Any]:
    recorded, error = held.recorded, held.error
    failed = {} if error is None else facts_of(error)
    return {
        "position": recorded.position,
        "tenant_id": recorded.tenant_id,
        "event_id": recorded.event_id,
        "event_type": recorded.event_type,
        "stream_id": recorded.stream_id,
        "keys": sorted(held.keys),
        "shard_key": _shard_key(projection, recorded),
        "behind": held.behind,
        "origin": None if error is None else "rules" if _readable(recorded) else "payload",
        "error": failed.get("error"),
        "traceback": failed.get("traceback"),
        "attempts": 0 if error is None else 1,
    }


def _readable(recorded: RecordedEvent) -> bool:
    try:
        return isinstance(recorded.event, Event)
    except Exception:  # noqa: BLE001 - whatever a payload does to its class
        return False


def _shard_key(projection: Projection, recorded: RecordedEvent) -> str | None:
    """The value of the shard's field as `->>` gives it."""
    if projection.shard_by is None:
        return None
    value = recorded.payload.get(projection.shard_by)
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()
