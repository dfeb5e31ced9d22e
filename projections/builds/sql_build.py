"""The part of a rebuild that SQL can make: one range of positions a transaction, with checkpoint.

It goes from where the build is, up to the end or to the first range that is none for SQL; from
there the rules go on, so that the rows are those of the rules in any case. Events that are known to
be held or discarded are left to the rules without a try.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

from eventstore.connection.database import translated
from projections.apply.discards import discarded
from projections.apply.held_rows import all_of, left_out
from projections.builds.progress import FoldReport, Progress
from projections.builds.shard_build import Shard
from projections.builds.sql_fold import SqlFold
from projections.checkpoint import Lease
from projections.errors import SqlRefused
from projections.log import LOG
from projections.projection import Projection
from projections.session import Connection

__all__ = ["BuiltInSql", "build_in_sql"]

_RANGE_SECONDS: Final = 0.5
"""For how long a statement should run: what a kill costs, and how often there is progress."""
_FIRST, _LEAST, _MOST = 10_000, 1_000, 100_000
"""Positions of a range."""


@dataclass(frozen=True, slots=True)
class BuiltInSql:
    """How far SQL has come: `events` folded, up to the position `reached`."""

    events: int
    reached: int
    why_not: str | None
    """Why the rules have to go on from there; None at the end."""


def build_in_sql(
    conn: Connection,
    projection: Projection,
    schema: str,
    leases: Sequence[Lease],
    until: int,
    report: Callable[[Progress], None],
) -> BuiltInSql:
    """Folds what it can into the tables of a build, and moves the checkpoints of all its shards.

    `conn` is a projector's, and the tables in `schema` have their keys. Raises FoldNotStated and
    LeaseLost.
    """
    reached, events, positions = min(lease.position for lease in leases), 0, _FIRST
    if projection.fold_sql is None:
        return BuiltInSql(events, reached, None)
    fold = SqlFold(projection, schema)
    tell = FoldReport([Shard(projection, reached, until)], report).of(0)
    end, why_not = _end(conn, projection, leases, until)
    try:
        while reached < end:
            began = monotonic()
            to = min(reached + positions, end)
            events += _range(conn, fold, leases, reached, to)
            reached = to
            tell(events, reached)
            fitting = round(positions * _RANGE_SECONDS / max(monotonic() - began, 0.001))
            positions = max(_LEAST, min(fitting, 2 * positions, _MOST))
    except SqlRefused as refused:
        why_not = f"{refused.reason}, in the positions {refused.after + 1} to {refused.until}"
    if why_not is not None:
        facts = {"projection": projection.name, "position": reached, "reason": why_not}
        LOG.warning("fold in SQL ended early", **facts)
    return BuiltInSql(events, reached, why_not)


def _range(conn: Connection, fold: SqlFold, leases: Sequence[Lease], after: int, until: int) -> int:
    """One transaction: rows and checkpoints."""
    with translated(), conn.transaction():
        events = fold.apply(conn, after, until)
        # Last, so that the heartbeat waits for these locks for no longer than a commit.
        for number, lease in enumerate(leases):
            lease.move(conn, until, events=events if number == 0 else 0)
    for lease in leases:
        lease.position = until
    return events


def _end(
    conn: Connection, projection: Projection, leases: Sequence[Lease], until: int
) -> tuple[int, str | None]:
    """Up to where SQL may try, and why no further."""
    at = min(lease.position for lease in leases)
    if vars(projection):
        return at, "the rules have settings, which SQL does not see"
    if any(lease.position != at for lease in leases):
        return at, "the rules have begun, each shard by itself"
    if all_of(conn, projection, "rebuild"):
        return at, "the build holds events already"
    troubled = left_out(conn, projection).held | {
        position for _, position in discarded(conn, projection)
    }
    first = min((each for each in troubled if at < each <= until), default=None)
    if first is None:
        return until, None
    return first - 1, f"the event at position {first} is held or discarded"
