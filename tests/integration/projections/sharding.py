"""Shards of the tests' own projection, as if several projectors shared it."""

from __future__ import annotations

from collections.abc import Sequence

from projections.checkpoint import Lease
from projections.session import Connection
from tests.integration.projections.things import Things


class Sharded(Things, name="things", tables=Things.tables, shard_by="thing_id"):
    """The same, to be shared by several."""


def make_shards(conn: Connection, positions: Sequence[int]) -> list[Lease]:
    """As many shards as positions, which they have come to, and the leases of their holder."""
    leases = []
    for shard, position in enumerate(positions):
        token = 10 * len(positions) + shard
        conn.execute(
            """
            INSERT INTO checkpoints (projection, shard, shards, projection_version, position,
                                     state, holder, fencing_token, heartbeat_at, lease_seconds)
            VALUES ('things', %(shard)s, %(shards)s, 1, %(position)s, 'running', 'us',
                    %(token)s, now(), 60)
            ON CONFLICT (projection, build, shard) DO UPDATE
               SET shards = excluded.shards, position = excluded.position,
                   fencing_token = excluded.fencing_token
            """,
            {"shard": shard, "shards": len(positions), "position": position, "token": token},
        )
        leases.append(Lease("things", "live", token, 60.0, position, shard=shard))
    return leases
