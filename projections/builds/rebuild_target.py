"""The tables of a rebuild, written together with the checkpoint of the shard that fills them."""

from __future__ import annotations

from typing import Final

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from projections.apply.held_rows import write_for_build
from projections.builds.shard_build import Changes
from projections.checkpoint import Lease
from projections.projection import Projection
from projections.row_store import RowStore
from projections.session import Connection
from projections.tables import template

__all__ = ["RebuildTarget"]

_SQL: Final = load("projections.sql", "builds.sql")


class RebuildTarget:
    """Through the owner's connection, because the tables have no grants while they are loaded."""

    resumable = True

    def __init__(self, conn: Connection, projection: Projection, schema: str, lease: Lease) -> None:
        self.conn, self.store, self._lease = conn, RowStore(projection, schema), lease
        self._tables = [table.TABLE for table in projection.tables]
        self._has_keys = False

    def add_keys(self) -> None:
        """Gives the tables the primary keys that they will have, if nobody has yet."""
        if self._has_keys:
            return
        with translated(), template(self.conn, self.store.projection) as source:
            names = {"template": source, "schema": self.store.schema, "tables": self._tables}
            self.conn.execute(_SQL["clone_keys"], names)
        self._has_keys = True

    def write(self, changes: Changes) -> None:
        """One transaction: rows, held events, checkpoint; raises LeaseLost."""
        lease = self._lease
        changes.make_months(self.conn, self.store)
        with translated(), self.conn.transaction():
            changes.write_rows(self.conn, self.store)
            write_for_build(self.conn, lease, self.store.projection, changes.held)
            # Last, so that the heartbeat waits for this lock for no longer than a commit.
            lease.move(self.conn, changes.position, events=changes.applied)
        lease.position = changes.position
