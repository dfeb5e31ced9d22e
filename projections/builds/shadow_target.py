"""The tables of a shadow: a build to look at, which is dropped in the end."""

from __future__ import annotations

from eventstore.connection.database import translated
from projections.builds.shard_build import Changes
from projections.projection import Projection
from projections.row_store import RowStore
from projections.session import Connection

__all__ = ["ShadowTarget"]


class ShadowTarget:
    """Its tables have their keys from the start, and no checkpoint tells how far they are."""

    resumable = False

    def __init__(self, conn: Connection, projection: Projection, schema: str) -> None:
        self.conn, self.store = conn, RowStore(projection, schema)

    def add_keys(self) -> None:
        """They are there."""

    def write(self, changes: Changes) -> None:
        """One transaction."""
        with translated(), self.conn.transaction():
            changes.write_rows(self.conn, self.store)
