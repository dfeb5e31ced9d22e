"""Rows that rules make of the log, beside the live ones and only to be looked at.

Few events are folded in memory. Many go into tables in a schema of their own, which is dropped in
the end; one that its maker could not drop is dropped by the next shadow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain
from secrets import token_hex
from typing import Final, Literal, get_type_hints

from psycopg import sql

from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.errors import DatabaseFault, SchemaMismatch, StoreUnavailable
from projections.builds.build import (
    Built,
    ShardTask,
    build,
    few_positions,
    open_long,
)
from projections.builds.progress import Progress
from projections.builds.shard_build import FAILURES, Failed, Shard
from projections.column_types import column_type
from projections.projection import Projection
from projections.row import Row, full_key
from projections.row_store import LIVE_SCHEMA, RowStore
from projections.session import Connection

__all__ = ["Shadow", "shadow"]

_SQL: Final = load("projections.sql", "shadow.sql")


@dataclass(frozen=True, slots=True)
class Shadow:
    """What came of the fold."""

    projection: Projection
    built: Sequence[Built]
    conn: Connection | None
    """Reads the tables, in a transaction; None when the rows are in memory."""
    schema: str

    @property
    def events(self) -> int:
        """Events folded."""
        return sum(each.events for each in self.built)

    @property
    def held(self) -> int:
        """Events that were not applied."""
        return sum(each.held for each in self.built)

    @property
    def failed(self) -> int:
        """Those of them that failed, and not live already."""
        return sum(each.failed for each in self.built)

    @property
    def failures(self) -> tuple[Failed, ...]:
        """The first of those that failed, in order."""
        found = chain.from_iterable(each.failures for each in self.built)
        return tuple(sorted(found, key=lambda failed: failed.position))[:FAILURES]

    def rows(self, table: type[Row]) -> Iterator[Row]:
        """The rows of a table in the order of their full keys."""
        if self.conn is not None:
            yield from RowStore(self.projection, self.schema).read_in_order(self.conn, table)
            return
        states = [each.state[table] for each in self.built if each.state is not None]
        there = [row for rows in states for row in rows.values() if row is not None]
        yield from sorted(there, key=full_key)


@contextmanager
def shadow(
    url: str,
    held: Connection,
    shards: Sequence[Shard],
    *,
    purpose: Literal["verify", "compare"],
    report: Callable[[Progress], None],
) -> Iterator[Shadow]:
    """Folds these shards; `held` is in a transaction that lasts as long as the block.

    Raises TooMuchHeld and WorkerLost.
    """
    projection = shards[0].projection
    if few_positions(shards):
        tasks = [ShardTask(url, shard, None) for shard in shards]
        yield Shadow(projection, build(tasks, report), None, "")
        return
    with translated():
        process = held.execute(_SQL["server_process"]).fetchone()
    assert process is not None, "a function answers"
    schema = f"projections_{purpose}_{projection.name[:24]}_{process[0]}_{token_hex(3)}"
    with closing(open_long(url, projection, owner=True)) as owner:
        _drop_leftovers(owner)
        try:
            with translated(), owner.transaction():
                _make_tables(owner, projection, schema)
            tasks = [ShardTask(url, shard, schema) for shard in shards]
            built = build(tasks, report)
            with translated(), owner.transaction():
                yield Shadow(projection, built, owner, schema)
        finally:
            with translated():
                owner.execute(_named("drop_schema", schema=sql.Identifier(schema)))


def _drop_leftovers(owner: Connection) -> None:
    with translated():
        left = [name for (name,) in owner.execute(_SQL["leftovers"]).fetchall()]
    for name in left:
        try:
            with translated():
                owner.execute(_named("drop_schema", schema=sql.Identifier(name)))
        except (DatabaseFault, SchemaMismatch, StoreUnavailable):
            # Another shadow is at the same; and should it fail, there is the next one.
            if owner.closed:
                raise


def _make_tables(owner: Connection, projection: Projection, schema: str) -> None:
    owner.execute(_named("create_schema", schema=sql.Identifier(schema)))
    for table in projection.tables:
        source = sql.Identifier(LIVE_SCHEMA, table.TABLE)
        found = owner.execute(_SQL["columns"], {"table": f"{LIVE_SCHEMA}.{table.TABLE}"})
        live, hints = {name for (name,) in found.fetchall()}, get_type_hints(table)
        columns = [
            sql.Identifier("live", name)
            if name in live
            else _named("new_column", column=sql.Identifier(name), type=_type(hints[name]))
            for name in table.COLUMNS
        ]
        name = sql.Identifier(schema, table.TABLE)
        owner.execute(
            _named(
                "create_like" if live else "create_new",
                table=name,
                columns=sql.SQL(", ").join(columns),
                source=source,
            )
        )
        key = sql.SQL(", ").join(map(sql.Identifier, ("tenant_id", *table.KEY)))
        owner.execute(_named("add_key", table=name, key=key))


def _type(hint: object) -> sql.SQL:
    return sql.SQL(column_type(hint))


def _named(name: str, **parts: sql.Composable) -> sql.Composed:
    return sql.SQL(_SQL[name]).format(**parts)
