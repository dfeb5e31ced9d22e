"""What an operator does about events that are held: have them tried again, or discard them.

Only the holder of a projection's lease writes its tables. So the events are marked for the holder,
who is waited for; and when nobody holds the lease, this process takes it for a moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from threading import Event as Signal
from time import monotonic
from typing import Any, Final

from eventstore import EventStore
from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.connection.session import Session
from eventstore.errors import NotFound
from projections.apply.applier import Applier
from projections.apply.discards import append_discard, discarded
from projections.apply.failures import HeldEvent, held_event
from projections.checkpoint import LEASE_SECONDS, Held, acquire
from projections.errors import LeaseLost, NotTried, WaitsForAnother
from projections.projection import Projection
from projections.row_store import RowStore
from projections.session import Connection, holder_name, open_session, plan_for_keys

__all__ = ["PATIENCE", "Tried", "discard", "retry_now"]

PATIENCE: Final = 30.0
"""Seconds to wait for the holder of the lease."""

_SQL: Final = load("projections.sql", "failures.sql")
_LOOK: Final = 0.1
"""Seconds between two looks at whether the holder has tried."""


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of an event: `error` says why it is still held, None that it is not."""

    position: int
    error: str | None


def retry_now(
    url: str,
    projection: Projection,
    positions: Sequence[int] | None = None,
    *,
    seconds: float = PATIENCE,
) -> list[Tried]:
    """Has events that failed tried again, by default all of them, and what waits for them.

    Raises NotHeld or WaitsForAnother for a position that did not fail, with nothing done;
    NotTried when the holder of the lease has not answered in time; RulesDiffer.
    """
    with closing(open_session(url, part=f"retry {projection.name}")) as conn:
        for position in positions or ():
            _failed(conn, projection, position)
        return _have_tried(conn, projection, positions, seconds)


def discard(
    url: str,
    projection: Projection,
    position: int,
    reason: str,
    *,
    agent: str,
    seconds: float = PATIENCE,
) -> Tried:
    """Has an event that failed left out for good; the log says so, with who and why.

    What waited for it is tried then. Broken off, it can be repeated; the first reason stands.
    Raises what `retry_now` raises, and what an append raises.
    """
    with closing(open_session(url, part=f"discard {projection.name}")) as conn:
        held = _failed(conn, projection, position)
        if (held.tenant_id, position) not in discarded(conn, projection, tenant=held.tenant_id):
            if held.event is None:
                raise NotFound("event", position, "attach the partition that holds it")
            with EventStore.open(url, tenant=held.tenant_id) as store:
                append_discard(store, projection, held.event, reason, agent)
        (tried,) = _have_tried(conn, projection, [position], seconds) or [Tried(position, None)]
        return tried


def _failed(conn: Connection, projection: Projection, position: int) -> HeldEvent:
    held = held_event(conn, projection, position)
    if held.behind is not None:
        raise WaitsForAnother(projection.name, position, held.behind)
    return held


def _have_tried(
    conn: Session, projection: Projection, positions: Sequence[int] | None, seconds: float
) -> list[Tried]:
    """Marks events and waits until the holders of all shards have tried them.

    Where nobody holds a shard, this process does.
    """
    plan_for_keys(conn)
    chosen = {"projection": projection.name, "positions": positions and list(positions)}
    with translated():
        marked: dict[int, int] = dict(conn.execute(_SQL["mark"], chosen).fetchall())
    deadline, pause, holder = monotonic() + seconds, Signal(), ""
    done: set[int] = set()
    while True:
        left = _still_held(conn, projection, marked)
        waiting = [position for position, row in left.items() if row is None]
        if not waiting:
            return [Tried(position, left.get(position)) for position in sorted(marked)]
        if holder and monotonic() > deadline:
            raise NotTried(projection.name, waiting, holder, seconds)
        others = _try_free_shards(conn, projection, done)
        holder = ", ".join(others) or holder_name()
        if others:
            pause.wait(_LOOK)
        else:
            done.clear()  # should the shards have become others meanwhile


def _try_free_shards(conn: Session, projection: Projection, done: set[int]) -> list[str]:
    """Has what is held tried on each shard that nobody holds, once; who holds the others."""
    others: dict[str, None] = {}
    for shard in count():
        if shard in done:
            continue
        try:
            got = acquire(conn, projection, shard=shard, seconds=LEASE_SECONDS)
        except LeaseLost:
            return list(others)  # there are no more
        if isinstance(got, Held):
            others[got.holder] = None
            continue
        try:
            Applier(RowStore(projection)).take_up(conn, got)
        finally:
            got.release(conn)
        done.add(shard)
    raise AssertionError("there is a last shard")


def _still_held(
    conn: Connection, projection: Projection, marked: dict[int, int]
) -> dict[int, str | None]:
    """Of the marked events those that are held, each with why; None when it was not tried yet."""
    facts: dict[str, Any] = {"projection": projection.name, "positions": list(marked)}
    with translated():
        found = conn.execute(_SQL["tried"], facts).fetchall()
    held: dict[int, str | None] = {}
    for position, behind, error, attempts in found:
        if behind is not None:
            held[position] = f"it waits for {behind} now"
        else:
            held[position] = error if attempts > marked[position] else None
    return held
