"""Finds rows by meaning, by words, or by both, in one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from psycopg import sql

from eventstore import EventStore
from eventstore.connection.database import translated
from eventstore.connection.queries import load
from eventstore.encoding.vector import Vector
from eventstore.errors import DatabaseFault
from projections.errors import SearchRefused, UnknownColumn
from projections.row_json import value_json
from projections.row_store import LIVE_SCHEMA, column_names
from projections.search.embedder import Embedder
from projections.search.searchable import Searchable, searchable
from projections.session import Connection

__all__ = ["MOST", "Found", "Mode", "Reach", "search"]

Mode = Literal["hybrid", "vector", "text"]
"""By both, by meaning alone, by words alone."""

MOST: Final = 1_000
"""Rows that one search can give."""

_SQL: Final = load("projections.sql", "search.sql")
_K: Final = 60
"""How little the first places of one list count against a place in both; the usual value."""
_FUSED_OF_EACH: Final = 5
"""How many times as many rows as are wanted are taken from each list to be fused."""
_LEAST_FUSED: Final = 50
_MOST_EF: Final = 1_000


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a search by meaning goes along the index: farther finds more, and takes longer."""

    ef_search: int = 100
    """Nearest rows that are kept in sight, up to 1,000; never fewer than are wanted."""
    max_scan_tuples: int = 100_000
    """Rows after which a search gives up whose filters let too few pass."""


@dataclass(frozen=True, slots=True)
class Found:
    """A row, and why it was found."""

    table: str
    tenant_id: str
    key: tuple[Any, ...]
    title: str | None
    snippet: str
    """The part in which the words are, or the beginning."""
    score: float
    """What the rows are ordered by: similarity, rank, or both fused."""
    vector_place: int | None
    """Its place among the nearest, from 1; None when it is not among those that were compared."""
    similarity: float | None
    """Cosine similarity to the vector, at most 1."""
    text_place: int | None
    """Its place among those in which the words are, from 1."""
    text_rank: float | None
    """How well the words match (ts_rank_cd); only to be compared within a search."""


def search(
    store: EventStore,
    table: str | Searchable,
    text: str | None = None,
    *,
    vector: Vector | None = None,
    model: str | None = None,
    embedder: Embedder | None = None,
    mode: Mode | None = None,
    filters: Mapping[str, Any] | None = None,
    limit: int = 10,
    reach: Reach = Reach(),
) -> list[Found]:
    """The rows of a searchable table that fit best, the best first, of the store's tenant.

    `text` is written as for a search engine: words, "a phrase", or, -not. The vector is made of it
    by the `embedder`, or given, with the name of the `model` that made it; only embeddings of that
    model are compared. Without `mode` it is the one that what is given allows, hybrid before
    others. `filters` say which values columns have to have; a list means any of them.

    Raises UnknownTable, UnknownColumn, SearchRefused, Unstorable or StoreUnavailable.
    """
    target = searchable(table) if isinstance(table, str) else table
    name = target.table.TABLE
    if not 1 <= limit <= MOST:
        raise SearchRefused(name, f"a limit is from 1 to {MOST:,}, and not {limit}")
    text = text.strip() if text is not None else None
    if text is not None and ("\x00" in text or text != text.encode(errors="ignore").decode()):
        raise SearchRefused(name, "the words have characters that are no text")
    mode = mode or _mode(text, vector, embedder)
    if mode not in get_args(Mode):
        raise SearchRefused(name, f"{mode!r} is none of {', '.join(get_args(Mode))}")
    if mode != "vector" and not text:
        raise SearchRefused(name, f"a {mode} search needs words")
    if mode != "text" and vector is None:
        if embedder is None or not text:
            raise SearchRefused(
                name, f"a {mode} search needs a vector, or words and an embedder to make it"
            )
        vector, model = embedder.embed([text])[0], embedder.name
    wanted = _filters(target, filters)
    dimensions = len(vector) if vector is not None else 0
    query = _composed(target, mode, dimensions, tuple(wanted), of_model=model is not None)
    candidates = min(max(limit * _FUSED_OF_EACH, _LEAST_FUSED), MOST)
    facts = {
        "table": name,
        "text": text,
        "vector": str(vector),
        "model": model,
        "filters": value_json(wanted).decode(),
        "limit": limit,
        "candidates": candidates,
        "k": _K,
    }
    most = limit if mode == "vector" else candidates
    settings = {
        "ef_search": str(min(max(reach.ef_search, most), _MOST_EF)),
        "max_scan_tuples": str(reach.max_scan_tuples),
    }

    def run(conn: Connection) -> list[tuple[Any, ...]]:
        with translated(), conn.transaction():
            if mode != "text":
                conn.execute(_SQL["reach"], settings)
            return conn.execute(query, facts).fetchall()

    try:
        records = store.database.read(run)
    except DatabaseFault as fault:
        if fault.sqlstate is not None and fault.sqlstate.startswith("22"):
            raise SearchRefused(name, f"a value is none for its place: {fault}") from fault
        raise
    width = 1 + len(target.table.KEY)
    return [Found(name, each[0], each[1:width], *each[width:]) for each in records]


def _mode(text: str | None, vector: Vector | None, embedder: Embedder | None) -> Mode:
    """The one that uses all that is given."""
    if vector is None and embedder is None:
        return "text"
    return "hybrid" if text else "vector"


def _filters(
    target: Searchable, filters: Mapping[str, Any] | None
) -> dict[str, list[dict[str, Any]]]:
    """By column, rows that have nothing but one of the values that it may have."""
    wanted: dict[str, list[dict[str, Any]]] = {}
    for column, value in (filters or {}).items():
        if column not in target.table.COLUMNS:
            raise UnknownColumn(target.table.TABLE, column, list(target.table.COLUMNS))
        values = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
        wanted[column] = [{column: each} for each in values]
    return wanted


def _composed(
    target: Searchable, mode: Mode, dimensions: int, filtered: tuple[str, ...], *, of_model: bool
) -> bytes:
    """The query for one table; names and the dimensions are part of it, values are not."""
    key = ("tenant_id", *target.table.KEY)
    table = sql.Identifier(LIVE_SCHEMA, target.table.TABLE)
    body = sql.SQL("stored.{}::text").format(sql.Identifier(target.body))
    conditions: list[sql.Composable] = [
        sql.SQL(_SQL["filter"]).format(
            column=sql.Identifier(column), table=table, name=sql.Literal(column)
        )
        for column in filtered
    ]
    if of_model:
        conditions.append(sql.SQL(_SQL["of_model"]))
    return (
        sql.SQL(_SQL["hybrid" if mode == "hybrid" else f"by_{mode}"])
        .format(
            table=table,
            key=column_names(key),
            stored_key=column_names(key, "stored"),
            found_key=column_names(key, "found"),
            title=sql.Identifier("stored", target.title) if target.title else sql.NULL,
            body=body,
            headline=sql.SQL(_SQL["headline"]).format(body=body),
            dimensions=sql.Literal(dimensions),
            filters=sql.SQL(" ").join(conditions),
        )
        .as_bytes()
    )
