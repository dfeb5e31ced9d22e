"""The rows of projections.failures, as the holder of a lease reads and writes them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from eventstore import RecordedEvent
from eventstore.connection.database import translated
from eventstore.connection.queries import load
from projections.apply.discards import discarded
from projections.apply.failure import reason_of, traceback_of
from projections.apply.holding import Held, Holding, Origin
from projections.checkpoint import Build, Lease
from projections.errors import LeaseLost
from projections.flight import Executes
from projections.projection import Projection
from projections.session import Connection

__all__ = [
    "HeldRow", "LeftOut", "all_of", "count", "facts_of_held", "for_replay", "go_on", "is_due",
    "left_out", "page", "pause", "positions", "write", "write_for_build",
]  # fmt: skip

_SQL: Final = load("projections.sql", "held.sql")


@dataclass(frozen=True, slots=True)
class HeldRow:
    """What a row says of one event that is held."""

    position: int
    behind: int | None
    keys: frozenset[str]
    origin: Origin | None
    due: bool
    """Whether it is time to try it again."""


def facts_of_held(held: Held) -> dict[str, Any]:
    """An event that is held, as `write` takes it: plain values, without the event itself."""
    return {
        "position": held.recorded.position,
        "keys": sorted(held.keys),
        "behind": held.behind,
        "origin": held.origin,
        "error": held.error and reason_of(held.error),
        "traceback": held.error and traceback_of(held.error),
    }


def write(
    conn: Executes,
    lease: Lease,
    projection: Projection,
    *,
    gone: Sequence[int] = (),
    held: Sequence[dict[str, Any]] = (),
) -> None:
    """Records what is held, and what no longer is, inside the caller's transaction."""
    if gone:
        conn.execute(_SQL["let_go"], _of(lease, positions=list(gone)))
    if held:
        facts = _of(lease, shard_by=projection.shard_by, held=orjson.dumps(held).decode())
        conn.execute(_SQL["hold"], facts)


def write_for_build(
    conn: Connection, lease: Lease, projection: Projection, held: Sequence[Held]
) -> None:
    """Records what a build holds for the first time, as its owner, in the caller's transaction."""
    if held:
        facts = [facts_of_held(each) | _of_the_log(projection, each.recorded) for each in held]
        conn.execute(_SQL["hold_for_build"], _of(lease, held=orjson.dumps(facts).decode()))


def page(conn: Connection, lease: Lease, after: int, limit: int) -> list[HeldRow]:
    """The next events of the lease's shard that are held, in order."""
    with translated():
        found = conn.execute(_SQL["page"], _of(lease, after=after, limit=limit)).fetchall()
    return [
        HeldRow(position, behind, frozenset(keys), origin, due)
        for position, behind, keys, origin, due in found
    ]


def is_due(conn: Connection, lease: Lease) -> bool:
    """Whether it is time to try any event of the lease's shard again."""
    with translated():
        found = conn.execute(_SQL["is_due"], _of(lease)).fetchone()
    return found is not None and bool(found[0])


def positions(conn: Connection, lease: Lease, after: int) -> frozenset[int]:
    """All events that are held after a position, in any shard."""
    with translated():
        return frozenset(row[0] for row in conn.execute(_SQL["positions"], _of(lease, after=after)))


def all_of(
    conn: Connection, projection: Projection, build: Build
) -> tuple[tuple[int, int | None, tuple[str, ...]], ...]:
    """All that a build holds, as `Holding` takes it up."""
    facts = {"projection": projection.name, "build": build}
    with translated():
        found = conn.execute(_SQL["all"], facts).fetchall()
    return tuple((position, behind, tuple(keys)) for position, behind, keys in found)


def count(conn: Connection, projection: Projection, build: Build) -> int:
    """How many events a build holds."""
    facts = {"projection": projection.name, "build": build}
    with translated():
        found = conn.execute(_SQL["count"], facts).fetchone()
    return found[0] if found is not None else 0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What a replay has to leave out to give the rows that are live now."""

    refused: frozenset[int]
    """What the database refuses, by position."""
    held: frozenset[int]
    """All that is held live. Other rules than those of the live projector might apply some of it;
    and while what is held is tried again, what an event waited for may be applied already."""
    discarded: frozenset[tuple[str, int]]
    """What was discarded, by tenant and position; but not before the projector dealt with it."""


def left_out(conn: Connection, projection: Projection, *, tenant: str | None = None) -> LeftOut:
    """Read it in the snapshot in which the live rows are read, if they are."""
    with translated():
        facts = {"projection": projection.name, "build": "live"}
        held = conn.execute(_SQL["origins"], facts).fetchall()
    return LeftOut(
        frozenset(position for _, position, origin in held if origin == "database"),
        frozenset(position for _, position, _ in held),
        discarded(conn, projection, tenant=tenant)
        - {(owner, position) for owner, position, _ in held},
    )


def for_replay(conn: Connection, projection: Projection, *, tenant: str | None = None) -> Holding:
    """Gives a replay the rows that are live now; see `left_out`."""
    found = left_out(conn, projection, tenant=tenant)
    return Holding(refused=found.refused, discarded=found.discarded)


def pause(conn: Connection, lease: Lease, facts: dict[str, Any]) -> None:
    """Marks the projection as paused, for a reason; raises LeaseLost."""
    _say(conn, lease, "pause", error=orjson.dumps(facts).decode())


def go_on(conn: Connection, lease: Lease) -> None:
    """Ends a pause; raises LeaseLost."""
    _say(conn, lease, "go_on")


def _say(conn: Connection, lease: Lease, name: str, **more: Any) -> None:
    facts = _of(lease, fencing_token=lease.fencing_token, **more)
    with translated():
        if conn.execute(_SQL[name], facts).rowcount != 1:
            raise LeaseLost(lease.projection, lease.fencing_token)


def _of(lease: Lease, **more: Any) -> dict[str, Any]:
    return {
        "projection": lease.projection,
        "build": lease.build,
        "shard": lease.shard,
        "shards": lease.shards,
        **more,
    }


def _of_the_log(projection: Projection, recorded: RecordedEvent) -> dict[str, Any]:
    return {
        "tenant_id": recorded.tenant_id,
        "event_id": recorded.event_id,
        "event_type": recorded.event_type,
        "stream_id": recorded.stream_id,
        "shard_key": _shard_key(projection, recorded),
    }


def _shard_key(projection: Projection, recorded: RecordedEvent) -> str | None:
    """The value of the shard's field, as PostgreSQL's `->>` gives it."""
    if projection.shard_by is None:
        return None
    # Numbers as they are written.
    payload = json.loads(recorded.data, parse_int=str, parse_float=str)
    value = payload.get(projection.shard_by) if isinstance(payload, dict) else None
    return value if value is None or isinstance(value, str) else json.dumps(value)
