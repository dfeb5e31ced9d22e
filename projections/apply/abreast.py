"""Keeps the shards of a projection abreast where one depends on another.

Events in different shards name different rows, yet a table may tie rows together: a unique name can
be taken when its owner, in another shard, has given it up. So what the database refuses in one
shard is not judged before the others have applied all that comes before it in the log.
"""

from __future__ import annotations

from time import monotonic, sleep
from typing import Final

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from projections.checkpoint import Lease
from projections.session import Connection

__all__ = ["wait_for_others"]

_SQL: Final = load("projections.sql", "checkpoint.sql")
_PATIENCE: Final = 5.0
"""Seconds after which a shard that does not move, because nobody runs it, is waited for no more."""
_LOOK: Final = 0.01


def wait_for_others(conn: Connection, lease: Lease, position: int) -> bool:
    """Waits until the other shards have applied everything before a position.

    Whether one of them was behind, and no longer is; then a refusal may have been for that reason.
    Everything before the position must be applied here. Raises LeaseLost.
    """
    if lease.shards == 1:
        return False
    if lease.position < position - 1:
        # Else two shards could wait for each other, each with nothing to do before its own event.
        lease.advance(conn, position - 1)
    others = {"projection": lease.projection, "build": lease.build, "shard": lease.shard}
    deadline, was_behind = monotonic() + _PATIENCE, False
    while monotonic() < deadline:
        with translated():
            lowest = conn.execute(_SQL["others"], others).fetchone()
        if lowest is None or lowest[0] >= position - 1:
            return was_behind
        was_behind = True
        sleep(_LOOK)
    return False
