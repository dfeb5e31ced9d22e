"""Divides a live projection into another number of shards.

For that moment one process holds all of them: it takes their leases, brings them to one position,
and writes new checkpoints in the place of the old ones, in one transaction. The daemons then find
the new shards free. Broken off anywhere, it leaves the old shards, which the daemons take back.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Final

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from projections.apply.applier import Applier
from projections.apply.batch import BATCH
from projections.checkpoint import Lease, acquire, require_division
from projections.errors import LeaseLost, ReshardRefused, RulesDiffer
from projections.live.membership import name_daemon
from projections.live.pages import pages
from projections.projection import Projection
from projections.row_store import RowStore
from projections.session import Connection, open_session, plan_for_keys

__all__ = ["MAX_SHARDS", "Resharded", "reshard"]

MAX_SHARDS: Final = 256

_SQL: Final = load("projections.sql", "reshard.sql")
_LEASE_SECONDS: Final = 30.0
"""Enough for one batch of every shard; each batch is a sign of life for its own."""


@dataclass(frozen=True, slots=True)
class Resharded:
    """The shards that a projection had and has, and the position at which they changed."""

    projection: str
    before: int
    shards: int
    position: int


def reshard(
    url: str,
    projection: Projection,
    shards: int,
    *,
    report: Callable[[int, int], None] = lambda position, target: None,
) -> Resharded:
    """Divides a projection's live work into so many shards, 1 to 256.

    What is read and written stays the same, and so do held events, which find their shard by its
    key. `report` hears the lowest position and the one that all shards have to reach first.

    Raises ReshardRefused, RulesDiffer, ShardsDiffer, ProjectionPaused, or LeaseLost when another
    process does the same.
    """
    if not 1 <= shards <= MAX_SHARDS:
        raise ReshardRefused(projection.name, f"{shards} is not in 1..{MAX_SHARDS}")
    if projection.shard_by is None and shards > 1:
        raise ReshardRefused(
            projection.name,
            "its events have no field that names all rows they touch; where there is one, "
            "say so with shard_by",
        )
    with (
        closing(open_session(url, part=f"reshard {projection.name}")) as conn,
        closing(open_session(url, part=f"reshard {projection.name}", role="owner")) as owner,
    ):
        plan_for_keys(conn)
        leases = _take_all(conn, projection)
        try:
            target = max(lease.position for lease in leases)
            for lease in leases:
                _catch_up(url, conn, projection, lease, target, leases, report)
            facts = {
                "projection": projection.name,
                "fencing_tokens": [lease.fencing_token for lease in leases],
                "shards": shards,
                "shard_by": projection.shard_by,
            }
            with translated():
                answer = owner.execute(_SQL["reshard"], facts).fetchone()
            assert answer is not None, "a function answers"
            if answer[0] < 0:
                raise LeaseLost(projection.name, leases[0].fencing_token)
        except BaseException:
            for lease in leases:
                with suppress(Exception):  # the first error is the one to raise
                    lease.release(conn)
            raise
    return Resharded(projection.name, len(leases), shards, answer[0])


def _take_all(conn: Connection, projection: Projection) -> list[Lease]:
    """The leases of all live shards, whoever had them."""
    holder = name_daemon()
    facts = {"projection": projection.name, "holder": holder, "lease_seconds": _LEASE_SECONDS}
    with translated():
        there = conn.execute(_SQL["shards"], facts).fetchall()
        if not there:
            acquire(conn, projection, seconds=_LEASE_SECONDS)
        for shard, number, count, field, state, error in there:
            if number != projection.version:
                raise RulesDiffer(projection.name, number, projection.version)
            require_division(projection, count, field)
            if state in ("failed", "paused"):
                raise ReshardRefused(projection.name, f"shard {shard} is {state}: {error}")
        taken = conn.execute(_SQL["take_all"], facts).fetchall()
    if not taken:
        raise ReshardRefused(projection.name, "a shard of it has just failed")
    return [
        Lease(
            projection.name,
            "live",
            token,
            _LEASE_SECONDS,
            position,
            shard,
            count,
            holder,
        )
        for shard, count, token, position in sorted(taken)
    ]


def _catch_up(
    url: str,
    conn: Connection,
    projection: Projection,
    lease: Lease,
    target: int,
    leases: list[Lease],
    report: Callable[[int, int], None],
) -> None:
    if lease.position >= target:
        return
    applier = Applier(RowStore(projection))
    applier.take_up(conn, lease)
    for page in pages(url, conn, projection, lease, target, lambda: BATCH):
        if applier.paused:
            raise applier.why_paused
        applier.apply(conn, page.events, page.until)
        for other in leases:
            if other.heartbeat_in <= 0:
                other.heartbeat(conn)
        report(min(each.position for each in leases), target)
