"""The index on vectors: that it is used, filters or not, and that it finds what is there."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from benchmarks.knowledge import FOLDER, MODEL, knowledge
from eventstore import EventStore
from eventstore.connection.database import connect
from eventstore.encoding.vector import Vector
from projections.row_store import RowStore
from projections.search import search
from projections.search.search import _composed
from projections.session import Connection
from tests.integration.projections.running import number
from tests.integration.search.notes import NOTES, Note, Notes

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def fill(url: str, conn: Connection, notes: Iterable[Note], dimensions: int) -> None:
    """Loads notes as a rebuild does: the index comes afterwards."""
    with connect(url, role="owner") as owner:
        owner.execute(f"DROP INDEX notes_embedding_{dimensions}, notes_words")
        with conn.transaction():
            RowStore(Notes())._insert_json(conn, Note, notes)
        owner.execute(
            f"CREATE INDEX notes_embedding_{dimensions} ON notes "
            f"USING hnsw ((embedding::vector({dimensions})) vector_cosine_ops) "
            f"WHERE vector_dims(embedding) = {dimensions}"
        )
        owner.execute("ANALYZE notes")


def note(n: int, vector: Vector, kind: str, title: str = "a", model: str = MODEL) -> Note:
    row = Note(
        id=number(n), title=title, content={}, kind=kind, embedding=vector, embedding_model=model
    )
    row.tenant_id, row.created_at, row.updated_at, row.position = "default", WHEN, WHEN, n + 1
    return row


def plan(
    store: EventStore, vector: Vector, filters: dict[str, str], *, model: str | None = None
) -> str:
    """How PostgreSQL goes about a search for an auditor."""
    query = _composed(NOTES, "vector", len(vector), tuple(filters), of_model=model is not None)
    wanted = str({name: [{name: value}] for name, value in filters.items()}).replace("'", '"')
    facts: dict[str, Any] = {
        "vector": str(vector), "filters": wanted, "limit": 10, "model": model
    }  # fmt: skip
    with store.database.reading() as reader:
        return "\n".join(line for (line,) in reader.execute(b"EXPLAIN " + query, facts))


@pytest.mark.skipif(not FOLDER.exists(), reason="the knowledge data is not there")
def test_real_vectors_are_found(store: EventStore, url: str, conn: Connection) -> None:
    """Recall@10 of at least 0.95 against what is exactly nearest; and filters keep the index."""
    known = knowledge()
    kinds = [f"k{n % 20}" for n in range(len(known.items))]
    notes = (
        note(n, vector, kinds[n], known.items[n]["title"]) for n, vector in enumerate(known.vectors)
    )
    fill(url, conn, notes, 384)
    some = known.query_vectors[0]
    for filters in ({}, {"kind": "k7"}):
        for model in (None, MODEL):
            assert "Index Scan using notes_embedding_384" in plan(store, some, filters, model=model)

    numbers: dict[UUID, int] = {number(n): n for n in range(len(known.items))}
    right = among_filtered = 0
    for vector, nearest in zip(known.query_vectors, known.nearest, strict=True):
        found = search(store, NOTES, vector=vector, model=MODEL)
        right += len({numbers[each.key[0]] for each in found} & set(nearest[:10]))
        few = search(store, NOTES, vector=vector, filters={"kind": "k7"})
        wanted = [n for n in nearest if kinds[n] == "k7"]  # the first of those that are exact
        among_filtered += {numbers[each.key[0]] for each in few[: len(wanted)]} == set(wanted)
        assert len(few) == 10
    assert right / (10 * len(known.nearest)) >= 0.95
    assert among_filtered / len(known.nearest) >= 0.95


def test_vectors_of_1536_dimensions_have_an_index_too(
    store: EventStore, url: str, conn: Connection
) -> None:
    dice = random.Random(7)
    vectors = [Vector(dice.gauss(0, 1) for _ in range(1536)) for _ in range(600)]
    fill(url, conn, (note(n, each, f"k{n % 3}") for n, each in enumerate(vectors)), 1536)
    assert "Index Scan using notes_embedding_1536" in plan(store, vectors[0], {"kind": "k1"})
    for n in range(0, 600, 60):
        near = Vector(x + dice.gauss(0, 0.3) for x in vectors[n])
        assert search(store, NOTES, vector=near, limit=1)[0].key == (number(n),)
