"""How far a hook was told, and the right to tell it more: a row in projections.hooks.

The right goes with the lease of the shard that the hook follows. Each move compares the lease's
fencing token and the position, so that of two processes that both believe to hold the lease one
moves it, and what the other has told is told again.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from projections.checkpoint import Lease
from projections.errors import LeaseLost, UnknownHook
from projections.hooks.hook import Hook
from projections.session import Connection

__all__ = ["Place", "forget"]

_SQL: Final = load("projections.sql", "hooks.sql")
_LONGEST_TRACEBACK: Final = 20_000
"""Characters of a traceback that are kept; the end says most."""


@dataclass(slots=True)
class Place:
    """Where a hook is on one shard, under one lease."""

    projection: str
    hook: str
    shard: int
    fencing_token: int
    position: int
    """It was told of everything applied up to here, but for its backlog."""
    shards: int = 0

    @classmethod
    def under(cls, lease: Lease, hook: Hook) -> Place:
        """Where a hook begins that nobody knows yet; `claim` says where it really is."""
        start = 0 if hook.from_start else lease.position
        return cls(lease.projection, hook.name, lease.shard, lease.fencing_token, start)

    def claim(self, conn: Connection) -> None:
        """Takes the hook over from an earlier holder; raises LeaseLost."""
        facts = self._facts(start=self.position)
        with translated(), conn.transaction():
            conn.execute(_SQL["be_brief"])
            conn.execute(_SQL["wait_for_others"], facts)
            found = conn.execute(_SQL["claim"], facts).fetchone()
            if found is None:
                raise LeaseLost(self.projection, self.fencing_token)
            self.shards, self.position = found
            conn.execute(_SQL["forget_former_shards"], self._facts())

    def advance(self, conn: Connection, until: int, positions: Sequence[int]) -> None:
        """The hook was told of the events at these positions; raises LeaseLost."""
        facts = self._facts(until=until, positions=list(positions))
        with translated(), conn.pipeline() as pipeline, conn.transaction():
            conn.execute(_SQL["be_brief_and_lazy"])
            moved = conn.execute(_SQL["advance"], facts)
            if positions:
                conn.execute(_SQL["caught_up"], facts)
            pipeline.sync()
            if moved.rowcount != 1:
                raise LeaseLost(self.projection, self.fencing_token)
        self.position = until

    def fail(self, conn: Connection, error: BaseException, retry_in: float) -> None:
        """Keeps why the hook failed, and in how many seconds it is tried again.

        Raises LeaseLost.
        """
        said = "".join(traceback.format_exception(error))[-_LONGEST_TRACEBACK:]
        facts = {"error": f"{type(error).__name__}: {error}", "traceback": said}
        kept = orjson.dumps(facts | {"position": self.position}).decode()
        with translated():
            moved = conn.execute(_SQL["fail"], self._facts(error=kept, retry_in=retry_in))
        if moved.rowcount != 1:
            raise LeaseLost(self.projection, self.fencing_token)

    def look(self, conn: Connection, limit: int) -> tuple[int, list[int]]:
        """How far the shard has come, and up to `limit` positions that were applied late.

        In the caller's transaction. Raises LeaseLost.
        """
        with translated():
            found = conn.execute(_SQL["look"], self._facts(limit=limit)).fetchone()
        if found is None:
            raise LeaseLost(self.projection, self.fencing_token)
        return found[0], found[1]

    def _facts(self, **more: Any) -> dict[str, Any]:
        return {
            "projection": self.projection,
            "hook": self.hook,
            "shards": self.shards,
            "shard": self.shard,
            "fencing_token": self.fencing_token,
            "position": self.position,
            **more,
        }


def forget(conn: Connection, projection: str, hook: str) -> None:
    """Removes the place of a hook that is gone for good; raises UnknownHook.

    A hook that still runs begins anew, as if it had never been seen.
    """
    with translated():
        found = conn.execute(_SQL["forget"], {"projection": projection, "hook": hook}).fetchone()
    if found is None:
        raise UnknownHook(projection, hook)
