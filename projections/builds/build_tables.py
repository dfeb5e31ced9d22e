"""The tables of a rebuild, in a schema of their own: made, completed, counted."""

from __future__ import annotations

from typing import Any, Final

from psycopg import sql

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.errors import DatabaseFault
from projections.builds.build_lease import BuildLease
from projections.builds.switch import drop_build
from projections.errors import LeaseLost, RebuildRefused
from projections.projection import Projection
from projections.session import Connection
from projections.tables import template

__all__ = ["BuildTables"]

_SQL: Final = load("projections.sql", "builds.sql")
_FOLD: Final = load("projections.sql", "sql_fold.sql")
_NOT_REBUILDABLE: Final = "ES101"


class BuildTables:
    """Changes them through the owner's connection; `definition` is what they are made for."""

    def __init__(self, owner: Connection, projection: Projection, definition: str) -> None:
        self._owner, self._projection, self._definition = owner, projection, definition
        self.schema = f"projections_rebuild_{projection.name}"
        self.have_triggers = False
        """Known once they are seen to be rebuildable."""
        self._names: dict[str, Any] = {
            "projection": projection.name,
            "schema": self.schema,
            "tables": [table.TABLE for table in projection.tables],
        }

    def assert_rebuildable(self) -> None:
        """Raises RebuildRefused when something hangs on the live tables that can't follow.

        Raises TablesNotMade: a mistake in the file is better known before the fold than after it.
        """
        try:
            with translated():
                self._owner.execute(_SQL["assert_rebuildable"], self._names)
        except DatabaseFault as fault:
            if fault.sqlstate != _NOT_REBUILDABLE:
                raise
            raise RebuildRefused(self._projection.name, fault.reason) from fault
        with translated(), template(self._owner, self._projection) as source:
            names = {"schema": source}
            found = self._owner.execute(_SQL["have_triggers"], names).fetchone()
        self.have_triggers = found == (True,)

    def make(self, lease: BuildLease, beat: Connection) -> None:
        """Empty ones, in place of what an earlier rebuild left; raises LeaseLost."""
        with translated(), template(self._owner, self._projection) as source:
            self._make(source, lease, beat)

    def make_complete(self, lease: BuildLease, beat: Connection) -> None:
        """Empty ones with all that the live ones have, to be filled as those are filled."""
        with translated(), template(self._owner, self._projection) as source:
            self._make(source, lease, beat)
            self._complete(source, lease, None)

    def complete(self, lease: BuildLease, reached: int) -> None:
        """Adds constraints, indexes and grants to the loaded ones, which prove the rows.

        Raises DatabaseFault when a constraint does not hold, and LeaseLost; all is then as it was.
        """
        with translated(), template(self._owner, self._projection) as source:
            self._complete(source, lease, reached)

    def add_keys(self) -> None:
        """Primary keys alone, if there are none yet."""
        with translated(), template(self._owner, self._projection) as source:
            self._owner.execute(_SQL["clone_keys"], self._names | {"template": source})

    def count(self, reader: Connection) -> int:
        """How many rows there are, when they are complete."""
        rows = 0
        with translated():
            for table in self._projection.tables:
                name = sql.Identifier(self.schema, table.TABLE)
                found = reader.execute(sql.SQL(_SQL["count"]).format(table=name)).fetchone()
                assert found is not None, "count answers"
                rows += found[0]
        return rows

    def _make(self, source: str, lease: BuildLease, beat: Connection) -> None:
        conn = self._owner
        lease.heartbeat(beat)  # else what is dropped here is another's build
        drop_build(conn, self._projection, "rebuild")
        conn.execute(sql.SQL(_SQL["create_schema"]).format(schema=sql.Identifier(self.schema)))
        conn.execute(_SQL["clone_structure"], self._names | {"template": source})
        if self._projection.fold_sql is not None:
            # Statements look rows up. They run as the projector, who may read the log.
            conn.execute(_SQL["clone_keys"], self._names | {"template": source})
            tables = [sql.Identifier(self.schema, each) for each in self._names["tables"]]
            grant = sql.SQL(_FOLD["let_projector_load"])
            conn.execute(grant.format(tables=sql.SQL(", ").join(tables)))
        # Only now are the tables those of the checkpoints, so that the build can be resumed. Last,
        # because the heartbeat waits for this lock.
        facts = {"fencing_token": lease.fencing_token, "definition": self._definition}
        if conn.execute(_SQL["made"], self._names | facts).rowcount == 0:
            raise LeaseLost(lease.projection, lease.fencing_token)

    def _complete(self, source: str, lease: BuildLease, reached: int | None) -> None:
        """`reached` is None for tables without rows."""
        conn, names = self._owner, self._names | {"template": source}
        conn.execute(_SQL["memory_for_indexes"])
        conn.execute(_SQL["clone_constraints"], names)
        conn.execute(_SQL["clone_protection"], names)
        # Last, for the same reason.
        facts = {"fencing_token": lease.fencing_token, "reached": reached}
        if conn.execute(_SQL["finish"], self._names | facts).fetchone() != (True,):
            raise LeaseLost(lease.projection, lease.fencing_token)
