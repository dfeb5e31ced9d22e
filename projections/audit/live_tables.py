"""The live tables as they are at one moment, which lasts for as long as somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final

from psycopg import IsolationLevel, sql

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from projections.apply.held_rows import left_out
from projections.builds.build import open_long, shards_for
from projections.builds.shard_build import Shard
from projections.builds.state_size import ROWS
from projections.projection import Projection
from projections.row_store import LIVE_SCHEMA, Bucket
from projections.session import Connection

__all__ = ["LiveTables", "live_tables"]

_SQL: Final = load("projections.sql", "live_tables.sql")


@dataclass(frozen=True, slots=True)
class LiveTables:
    """Read them in the transaction of `conn`; a rebuild waits with its switch until it ends."""

    conn: Connection
    projection: Projection
    projection_version: int
    """Of the rules that made the rows."""
    positions: tuple[int, ...]
    """How far each shard is."""
    starts_after: int
    held: frozenset[int]
    """Positions of the events that are not in the rows, though the checkpoints are past them."""
    discarded: frozenset[tuple[str, int]]
    """The events that somebody left out, by tenant and position."""

    @property
    def position(self) -> int:
        """How far all of it is."""
        return min(self.positions)

    @property
    def even(self) -> bool:
        """Whether all shards are at the same position."""
        return len(set(self.positions)) == 1

    def shards(self, rules: Projection, workers: int | None, rows: int = ROWS) -> list[Shard]:
        """What these rules have to fold to come to where the tables are."""
        if self.even:
            number = shards_for(rules, workers)
            return [self._shard(rules, i, number, self.position, rows) for i in range(number)]
        number = len(self.positions)
        return [
            self._shard(rules, i, number, until, rows) for i, until in enumerate(self.positions)
        ]

    def bucket(self, rules: Projection, bucket: Bucket, rows: int = ROWS) -> Shard:
        """What to fold of one bucket, if the number of buckets is a multiple of the shards'."""
        until = self.positions[bucket.number % len(self.positions)]
        return self._shard(rules, bucket.number, bucket.of, until, rows)

    def _shard(self, rules: Projection, number: int, of: int, until: int, rows: int) -> Shard:
        return Shard(
            rules,
            self.starts_after,
            until,
            field=rules.shard_by if of > 1 else None,
            number=number,
            of=of,
            discarded=self.discarded,
            rows_in_memory=rows,
        )


@contextmanager
def live_tables(url: str, projection: Projection) -> Iterator[LiveTables]:
    """Fixes one moment for the block, as far as reading over its connection goes."""
    with (
        closing(open_long(url, projection)) as guard,
        closing(open_long(url, projection)) as conn,
        translated(),
        _held(guard, projection),
        _one_moment(conn),
    ):
        found = conn.execute(_SQL["checkpoints"], {"projection": projection.name}).fetchall()
        out = left_out(conn, projection)
        version, starts_after = found[0][:2] if found else (projection.version, 0)
        yield LiveTables(
            conn,
            projection,
            version,
            tuple(position for _, _, position in found) or (0,),
            starts_after,
            out.held,
            out.discarded,
        )


@contextmanager
def _held(conn: Connection, projection: Projection) -> Iterator[None]:
    """Keeps a rebuild from switching the tables until the block ends."""
    names = (sql.Identifier(LIVE_SCHEMA, table.TABLE) for table in projection.tables)
    with conn.transaction():
        conn.execute(sql.SQL(_SQL["hold_tables"]).format(tables=sql.SQL(", ").join(names)))
        yield


@contextmanager
def _one_moment(conn: Connection) -> Iterator[None]:
    """A transaction in which all statements see the moment of the first.

    The tables are held by then, over another connection: through a pooler the first statement is
    one of the session's own, and comes before any lock.
    """
    conn.isolation_level, conn.read_only = IsolationLevel.REPEATABLE_READ, True
    with conn.transaction():
        yield
