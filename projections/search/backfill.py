"""Gives embeddings to rows that have none: those before the hook, and those of another model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from psycopg import sql

from eventstore import EventStore
from eventstore.connection.queries import load
from projections.row_store import LIVE_SCHEMA, column_names
from projections.search.embedder import Embedder
from projections.search.recording import record, text_of_row
from projections.search.searchable import Searchable
from projections.session import Connection

__all__ = ["backfill"]

_SQL: Final = load("projections.sql", "search.sql")
_PAGE: Final = 500


def backfill(
    store: EventStore,
    target: Searchable,
    embedder: Embedder,
    *,
    report: Callable[[int], None] = lambda number: None,
) -> int:
    """Appends what is missing for the tenant's rows in one table; returns how many.

    The rows have them once the projector has applied these events. It may be broken off and run
    again, or beside the hook: each embedding is recorded once. `report` hears how many there are
    so far.
    """
    recorded = 0
    for page in _pages(store, target, embedder):
        texts = [text_of_row(target, values) for values in page]
        recorded += record(store, embedder, [each for each in texts if each is not None])
        report(recorded)
    return recorded


def _pages(
    store: EventStore, target: Searchable, embedder: Embedder
) -> Iterator[list[dict[str, Any]]]:
    key = ("tenant_id", *target.table.KEY)
    columns = tuple(dict.fromkeys((*key, "position", *target.more, *target.table.SEARCHED)))
    last: tuple[Any, ...] = ()
    while True:
        query = sql.SQL(_SQL["not_embedded"]).format(
            columns=column_names(columns, "stored"),
            table=sql.Identifier(LIVE_SCHEMA, target.table.TABLE),
            key=column_names(key, "stored"),
            after=sql.SQL(_SQL["after"]).format(
                key=column_names(key, "stored"),
                last=sql.SQL(", ").join([sql.Placeholder()] * len(key)),
            )
            if last
            else sql.SQL(""),
        )
        facts = [embedder.name, *last, _PAGE]

        def run(conn: Connection) -> list[tuple[Any, ...]]:
            return conn.execute(query, facts).fetchall()  # noqa: B023 - runs in this turn

        records = store.database.read(run)
        if not records:
            return
        yield [dict(zip(columns, each, strict=True)) for each in records]
        last = tuple(dict(zip(columns, records[-1], strict=True))[name] for name in key)
