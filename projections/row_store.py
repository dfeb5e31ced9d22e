"""The rows of one projection in its tables: loaded and written in bulk.

A batch of any size costs one statement a table to load, one to write and one to delete; all loads
travel in one round trip, and so do all writes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from operator import attrgetter
from typing import Any, Final

from psycopg import sql

from eventstore.database import translated
from eventstore.queries import load
from projections.projection import Projection, State
from projections.row import Key, Row, full_key, row_from
from projections.row_json import keys_json, rows_json
from projections.session import Connection

__all__ = ["LIVE_SCHEMA", "RowStore", "Touched"]

Touched = set[tuple[type[Row], Key]]
"""The rows that a batch made, changed or removed."""

LIVE_SCHEMA: Final = "projections"

_SQL: Final = load("projections.sql", "rows.sql")
_READ_AT_ONCE: Final = 5_000
_position: Final = attrgetter("position")


class RowStore:
    """Where the rows of a projection lie: its tables in one schema, live or being built."""

    def __init__(self, projection: Projection, schema: str = LIVE_SCHEMA) -> None:
        self.projection, self.schema = projection, schema
        self._queries = {table: _composed(table, schema) for table in projection.tables}
        self._saves = 0

    def load(self, conn: Connection, keys: Iterable[tuple[type[Row], Key]]) -> State:
        """The state that consists of those rows; one that is not there is absent from it."""
        wanted: dict[type[Row], list[Key]] = defaultdict(list)
        for table, key in dict.fromkeys(keys):
            wanted[table].append(key)
        state = self.projection.empty()
        together = conn.pipeline() if len(wanted) > 1 else nullcontext()
        with translated(), together:
            cursors = [
                (table, conn.execute(self._queries[table]["load"], [keys_json(table, some)]))
                for table, some in wanted.items()
            ]
            for table, cursor in cursors:
                state[table] = {full_key(row): row for row in map(_maker(table), cursor)}
        return state

    def save(self, conn: Connection, state: State, touched: Touched) -> None:
        """Makes the touched rows what the state says, inside the caller's transaction.

        Children are deleted before their parents and written after them.
        """
        written: dict[type[Row], list[Row]] = defaultdict(list)
        removed: dict[type[Row], list[Key]] = defaultdict(list)
        for table, key in touched:
            row = state[table].get(key)
            if row is None:
                removed[table].append(key)
            else:
                written[table].append(row)
        for table in reversed(self.projection.tables):
            if table in removed:
                conn.execute(self._queries[table]["remove"], [keys_json(table, removed[table])])
        for table in self.projection.tables:
            if table in written:
                # Oldest change first: a row that gave up a unique name goes before its taker.
                rows = sorted(written[table], key=_position)
                conn.execute(self._queries[table]["save"], [rows_json(rows)])
        self._saves += 1
        if self._saves.bit_count() == 1:
            # A session plans once, and over a small table without statistics any index that
            # begins with the tenant looks as good as the primary key. So it plans again after
            # 1, 2, 4, 8, … writes: a wrong choice does not outlive the growth that tells.
            conn.execute(_SQL["forget_plans"])

    def read(self, conn: Connection, table: type[Row]) -> Iterator[Row]:
        """Every row of a table, through a server-side cursor in the caller's transaction."""
        with conn.cursor(name=f"read_{table.TABLE}") as cursor:
            cursor.itersize = _READ_AT_ONCE
            cursor.execute(self._queries[table]["read"])
            yield from map(_maker(table), cursor)

    def insert(self, conn: Connection, table: type[Row], rows: list[Row]) -> None:
        """Adds rows to a table that is being built and has none of their keys."""
        conn.execute(self._queries[table]["insert"], [rows_json(rows)])


def _maker(table: type[Row]) -> Callable[[tuple[Any, ...]], Row]:
    """Turns a record of the database into a row."""
    columns = table.COLUMNS
    return lambda record: row_from(table, dict(zip(columns, record, strict=True)))


def _composed(table: type[Row], schema: str) -> dict[str, bytes]:
    """The queries of rows.sql for one table, ready to be sent."""
    key = ("tenant_id", *table.KEY)
    changing = [name for name in table.COLUMNS if name not in key]
    parts = {
        "table": sql.Identifier(schema, table.TABLE),
        "names": _names(table.COLUMNS),
        "columns": _names(table.COLUMNS, "stored"),
        "key": _names(key),
        "stored_key": _names(key, "stored"),
        "named_key": _names(key, "named"),
        "changing": _names(changing),
        "excluded": _names(changing, "excluded"),
    }
    return {name: sql.SQL(text).format(**parts).as_bytes() for name, text in _SQL.items()}


def _names(columns: Iterable[str], relation: str | None = None) -> sql.Composed:
    return sql.SQL(", ").join(
        sql.Identifier(relation, name) if relation else sql.Identifier(name) for name in columns
    )
