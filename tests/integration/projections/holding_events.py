"""Events that are held, written down as a projection does that holds them."""

from __future__ import annotations

from projections.session import Connection


def hold(conn: Connection, failed: int, *waiting: int) -> None:
    """One event that failed, and others that wait for it."""
    conn.execute(
        """
        INSERT INTO failures (projection, build, position, tenant_id, event_id, event_type,
                              stream_id, keys, shard_key, behind, origin, error)
        SELECT 'things', 'live', position, tenant_id, event_id, event_type, stream_id, '{}',
               data ->> 'thing_id',
               CASE WHEN position <> %(failed)s THEN %(failed)s END,
               CASE WHEN position = %(failed)s THEN 'rules' END,
               CASE WHEN position = %(failed)s THEN 'no' END
          FROM eventstore.events WHERE position = ANY (%(positions)s)
        """,
        {"failed": failed, "positions": [failed, *waiting]},
    )
