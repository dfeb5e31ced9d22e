"""The rows of one projection in its tables: loaded and written in bulk.

A batch of any size costs one statement a table to load, one to write and one to delete; all loads
travel in one round trip, and so do all writes. The months of a table that is kept by month are made
before rows are written to them, in a transaction of their own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from operator import attrgetter
from typing import Any, Final, Literal

import psycopg
from psycopg import sql

from eventstore.connection.database import translated
from eventstore.connection.flight import fly
from eventstore.connection.queries import load
from eventstore.encoding.vector import Vector
from projections.column_types import vector_columns
from projections.flight import Executes
from projections.months import Months, span
from projections.projection import Projection, State
from projections.row import Key, Row, full_key, row_from
from projections.row_json import JSONB_VERSION, keys_json, rows_json, value_json
from projections.session import Connection

__all__ = ["LIVE_SCHEMA", "Bucket", "RowStore", "Touched", "column_names"]

Touched = set[tuple[type[Row], Key]]
"""The rows that a batch made, changed or removed."""

LIVE_SCHEMA: Final = "projections"

_SQL: Final = load("projections.sql", "rows.sql")
_READ_AT_ONCE: Final = 1_000
_position: Final = attrgetter("position")
_ROWS_A_STATEMENT: Final = 2_000
_BYTEA, _JSONB = 17, 3802
"""Types by their numbers in pg_type, which never change."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One of so many parts of the keys of a projection that has shards."""

    field: str
    """The payload's field by which it has them."""
    number: int
    of: int


class RowStore:
    """Where the rows of a projection lie: its tables in one schema, live or being built."""

    def __init__(self, projection: Projection, schema: str = LIVE_SCHEMA) -> None:
        self.projection, self.schema = projection, schema
        self.months = Months(projection, schema)
        self._queries = {table: _composed(table, schema) for table in projection.tables}
        self._vectors = {table: vector_columns(table) for table in projection.tables}
        self._makers = {table: _maker(table, names) for table, names in self._vectors.items()}
        self._saves = 0
        self._types: dict[type[Row], list[tuple[int, bool]]] = {}

    def load(self, conn: Connection, keys: Iterable[tuple[type[Row], Key]]) -> State:
        """The state that consists of those rows; one that is not there is absent from it."""
        wanted: dict[type[Row], list[Key]] = defaultdict(list)
        for table, key in dict.fromkeys(keys):
            wanted[table].append(key)
        state = self.projection.empty()
        if not wanted:
            return state
        with translated():
            found = fly(conn, [self._by_key("load", table, some) for table, some in wanted.items()])
        for table, records in zip(wanted, found, strict=True):
            state[table] = {full_key(row): row for row in map(self._makers[table], records)}
        return state

    def save(self, conn: Executes, state: State, touched: Touched) -> None:
        """Makes the touched rows what the state says, inside the caller's transaction.

        Their `months` are made by then.
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
                self.remove(conn, table, removed[table])
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
            conn.execute(_SQL["forget_plans"], ())

    def read(self, conn: Connection, table: type[Row]) -> Iterator[Row]:
        """Every row of a table, through a server-side cursor in the caller's transaction."""
        with conn.cursor(name=f"read_{table.TABLE}") as cursor:
            cursor.itersize = _READ_AT_ONCE
            cursor.execute(self._queries[table]["read"])
            yield from map(self._makers[table], cursor)

    def read_in_order(
        self, conn: Connection, table: type[Row], *, bucket: Bucket | None = None
    ) -> Iterator[Row]:
        """As `read`, in the order of the full keys, which is Python's too; or one bucket of it."""
        types = dict(zip(table.COLUMNS, self._types_of(conn, table), strict=True))
        key = sql.SQL(", ").join(
            sql.SQL('{} COLLATE "C"' if types[name][1] else "{}").format(
                sql.Identifier("stored", name)
            )
            for name in ("tenant_id", *table.KEY)
        )
        query = _SQL["read_in_order" if bucket is None else "read_bucket"]
        with conn.cursor(name=f"read_{table.TABLE}_in_order") as cursor:
            cursor.itersize = _READ_AT_ONCE
            cursor.execute(
                sql.SQL(query).format(
                    table=sql.Identifier(self.schema, table.TABLE),
                    columns=column_names(table.COLUMNS, "stored"),
                    ordered_key=key,
                ),
                None if bucket is None else asdict(bucket),
            )
            yield from map(self._makers[table], cursor)

    def insert(self, conn: Connection, table: type[Row], rows: Iterable[Row]) -> None:
        """Adds rows to a table that has none of their keys, inside the caller's transaction.

        By a binary COPY, which takes half of the time of JSON. It is exact about types where JSON
        is not (an integer for a numeric column, an enum for a text), so what it does not take is
        left to the server to convert.
        """
        rows = list(rows)
        try:
            with conn.transaction():
                self._copy(conn, table, rows)
        except psycopg.Error as error:
            if error.sqlstate is not None:
                raise
            self._insert_json(conn, table, rows)
        except (TypeError, ValueError, AttributeError, OverflowError, ArithmeticError):
            self._insert_json(conn, table, rows)

    def remove(self, conn: Executes, table: type[Row], keys: Iterable[Key]) -> None:
        """Deletes the rows of those keys, as far as there are any."""
        conn.execute(*self._by_key("remove", table, list(keys)))

    def _by_key(
        self, query: Literal["load", "remove"], table: type[Row], keys: Sequence[Key]
    ) -> tuple[bytes, list[Any]]:
        """The query for the rows of these keys, with its parameters."""
        if table.BY_MONTH is None:
            return self._queries[table][query], [keys_json(table, keys)]
        place = 1 + table.KEY.index(table.BY_MONTH)
        first, last = span(key[place] for key in keys)
        # mypy takes the hash of rows, which have none, for that of their class.
        text = _in_months(f"{query}_in_months", table, self.schema, first, last)  # type: ignore[arg-type]
        return text, [keys_json(table, keys)]

    def _copy(self, conn: Connection, table: type[Row], rows: list[Row]) -> None:
        types = [number for number, _ in self._types_of(conn, table)]
        encoders: list[tuple[int, Callable[[Any], bytes]]] = [
            (place, _jsonb) for place, number in enumerate(types) if number == _JSONB
        ]
        encoders += [(table.COLUMNS.index(name), Vector.binary) for name in self._vectors[table]]
        for place, _ in encoders:
            types[place] = _BYTEA
        values_of = attrgetter(*table.COLUMNS)
        with conn.cursor().copy(self._queries[table]["copy"]) as copy:
            copy.set_types(types)
            for row in rows:
                values = list(values_of(row))
                for place, encode in encoders:
                    if values[place] is not None:
                        values[place] = encode(values[place])
                copy.write_row(values)

    def _types_of(self, conn: Connection, table: type[Row]) -> list[tuple[int, bool]]:
        """Of each column: the number of its type, and whether it is ordered by a collation."""
        types = self._types.get(table)
        if types is None:
            names = {"table": f"{self.schema}.{table.TABLE}", "names": list(table.COLUMNS)}
            found = conn.execute(self._queries[table]["types"], names).fetchall()
            types = self._types[table] = [(number, collated) for number, collated in found]
        return types

    def _insert_json(self, conn: Connection, table: type[Row], rows: Iterable[Row]) -> None:
        left = iter(rows)
        while some := list(islice(left, _ROWS_A_STATEMENT)):
            conn.execute(self._queries[table]["insert"], [rows_json(some)])


def _maker(table: type[Row], vectors: Sequence[str]) -> Callable[[tuple[Any, ...]], Row]:
    """Turns a record of the database into a row; the driver does not know columns of vectors."""
    columns = table.COLUMNS

    def make(record: tuple[Any, ...]) -> Row:
        values = dict(zip(columns, record, strict=True))
        for name in vectors:
            if values[name] is not None:
                values[name] = Vector.from_text(values[name])
        return row_from(table, values)

    return make


def _jsonb(value: Any) -> bytes:
    """As PostgreSQL receives it."""
    return JSONB_VERSION + value_json(value)


def _composed(table: type[Row], schema: str) -> dict[str, bytes]:
    """The queries of rows.sql for one table, ready to be sent."""
    left_out = ("{ordered_key}", "{month}")  # which depend on more than the table
    return {
        name: _with_parts(name, table, schema)
        for name, text in _SQL.items()
        if not any(part in text for part in left_out)
    }


@lru_cache(maxsize=64)
def _in_months(query: str, table: type[Row], schema: str, first: datetime, last: datetime) -> bytes:
    """One of the queries for a table that is kept by month, for the months of these moments."""
    assert table.BY_MONTH is not None, "only such tables are asked like this"
    return _with_parts(
        query,
        table,
        schema,
        month=sql.Identifier("stored", table.BY_MONTH),
        first=sql.Literal(first),
        last=sql.Literal(last),
    )


def _with_parts(query: str, table: type[Row], schema: str, **more: sql.Composable) -> bytes:
    key = ("tenant_id", *table.KEY)
    changing = [name for name in table.COLUMNS if name not in key]
    return (
        sql.SQL(_SQL[query])
        .format(
            table=sql.Identifier(schema, table.TABLE),
            names=column_names(table.COLUMNS),
            columns=column_names(table.COLUMNS, "stored"),
            key=column_names(key),
            stored_key=column_names(key, "stored"),
            named_key=column_names(key, "named"),
            changing=column_names(changing),
            excluded=column_names(changing, "excluded"),
            **more,
        )
        .as_bytes()
    )


def column_names(columns: Iterable[str], relation: str | None = None) -> sql.Composed:
    """Columns, of a relation if one is named, for a query."""
    return sql.SQL(", ").join(
        sql.Identifier(relation, name) if relation else sql.Identifier(name) for name in columns
    )
