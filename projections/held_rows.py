"""The rows of projections.failures, as the holder of a lease reads and writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from eventstore.database import translated
from eventstore.queries import load
from projections.checkpoint import Lease
from projections.discards import discarded
from projections.errors import LeaseLost
from projections.failure import reason_of, traceback_of
from projections.holding import Held, Holding, Origin
from projections.projection import Projection
from projections.session import Connection

__all__ = [
    "HeldRow", "clear", "facts_of_held", "for_replay", "go_on", "is_due", "page", "pause",
    "positions", "switch", "write",
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
    conn: Connection,
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


def for_replay(conn: Connection, projection: Projection, *, tenant: str | None = None) -> Holding:
    """What a replay has to leave out to give the rows that are live now.

    That is what the database refuses, and what was discarded; but not before the projector has
    dealt with the discard. Read in the snapshot in which the live rows are read, if they are.
    """
    with translated():
        facts = {"projection": projection.name, "build": "live"}
        held = conn.execute(_SQL["origins"], facts).fetchall()
    return Holding(
        refused={position for _, position, origin in held if origin == "database"},
        discarded=discarded(conn, projection, tenant=tenant)
        - {(owner, position) for owner, position, _ in held},
    )


def pause(conn: Connection, lease: Lease, facts: dict[str, Any]) -> None:
    """Marks the projection as paused, for a reason; raises LeaseLost."""
    _say(conn, lease, "pause", error=orjson.dumps(facts).decode())


def go_on(conn: Connection, lease: Lease) -> None:
    """Ends a pause; raises LeaseLost."""
    _say(conn, lease, "go_on")


def clear(conn: Connection, projection: Projection, build: str) -> None:
    """Forgets what a build held, inside the caller's transaction."""
    conn.execute(_SQL["clear"], {"projection": projection.name, "build": build})


def switch(conn: Connection, projection: Projection) -> None:
    """Moves what the builds hold as the builds themselves, in the transaction that switches."""
    clear(conn, projection, "old")
    for build, becomes in (("live", "old"), ("rebuild", "live")):
        facts = {"projection": projection.name, "build": build, "becomes": becomes}
        conn.execute(_SQL["rename"], facts)


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
