"""Searchable tables, embedders, and what a text is: without a database."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from eventstore.encoding.vector import Vector
from eventstore.errors import InvalidEvent
from eventstore.vocabulary.embedding import text_hash
from projections.embedding import text_of
from projections.errors import EmbedderRefused, UnknownTable
from projections.projection import Projection
from projections.row import Row, table
from projections.search.embedder import Embedder, embedder
from projections.search.hashing import HashingEmbedder
from projections.search.searchable import searchable, searchables
from projections.testing import given
from projections.work import Work
from tests.integration.search.notes import (
    Note,
    NoteChanged,
    NoteEmbedded,
    NoteRemoved,
    Notes,
    NoteWritten,
)

ID = UUID(int=1)
WRITTEN = NoteWritten(note_id=ID, title="Wind", content={"b": "turns", "a": 1.5})
TEXT = 'Wind\n\n{"a":1.5,"b":"turns"}'


def embedded(text: str = TEXT, **fields: Any) -> NoteEmbedded:
    facts: dict[str, Any] = {
        "model": "m",
        "dimensions": 2,
        "vector": Vector([1, 2]),
        "text_hash": text_hash(text),
    }
    return NoteEmbedded(note_id=ID, **(facts | fields))


def test_a_text_does_not_depend_on_the_order_of_keys() -> None:
    note = Note(id=ID, title="Wind", content={"b": "turns", "a": 1.5}, kind="plain")
    assert text_of(Note, vars(note)) == TEXT
    note.content = {"a": 1.5, "b": "turns"}
    assert text_of(Note, vars(note)) == TEXT


def test_a_row_takes_the_embedding_of_what_it_says() -> None:
    row = given(Notes(), WRITTEN, embedded()).row(Note)
    assert (row.embedding, row.embedding_model) == (Vector([1, 2]), "m")
    assert row.position == 2


def test_an_embedding_of_what_it_said_before_leaves_no_trace() -> None:
    late = embedded()
    row = given(Notes(), WRITTEN, NoteChanged(note_id=ID, content={}), late).row(Note)
    assert (row.embedding, row.embedding_model, row.position) == (None, None, 2)
    assert not given(Notes(), WRITTEN, NoteRemoved(note_id=ID), late).rows(Note)


@pytest.mark.parametrize(
    "fields",
    [{"dimensions": 3}, {"text_hash": "1234"}, {"model": ""}, {"vector": "AAAA"}, {"vector": []}],
)
def test_what_is_no_embedding_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent):
        embedded(**fields)


def test_a_table_is_searchable_by_its_row_and_a_rule() -> None:
    (found,) = searchables(Notes())
    assert (found.projection, found.table, found.event) == ("notes", Note, NoteEmbedded)
    assert (found.fields, found.title, found.body) == (("note_id",), "title", "content")

    class WithoutRule(Projection, name="notes", tables=(Note,)):
        pass

    assert searchables(WithoutRule()) == []
    with pytest.raises(UnknownTable):
        searchable("packages")


def test_a_row_type_has_what_a_search_needs() -> None:
    with pytest.raises(TypeError, match="embedding_model"):

        @table("texts", key="id", named_by=("id",), searched=("text",))
        class _Texts(Row):
            id: UUID
            text: str
            embedding: Vector | None = None

    with pytest.raises(TypeError, match="tittle"):

        @table("texts", key="id", named_by=("id",), searched=("tittle",))
        class _Misspelt(Row):
            id: UUID
            title: str
            embedding: Vector | None = None
            embedding_model: str | None = None


def cosine(one: Vector, other: Vector) -> float:
    dot = math.fsum(x * y for x, y in zip(one, other, strict=True))
    return dot / math.hypot(*one) / math.hypot(*other)


def test_hashing_puts_texts_with_the_same_words_near() -> None:
    wind, turbine, bread, same = HashingEmbedder().embed(
        [
            "wind turns turbines",
            "A turbine turned by the wind",
            "bread is baked",
            "Wind TURNS turbines",
        ]
    )
    assert wind == same
    assert math.hypot(*wind) == pytest.approx(1)
    assert cosine(wind, turbine) > 0.2 > cosine(wind, bread)
    assert len(wind) == HashingEmbedder.dimensions


@pytest.mark.parametrize("text", ["", "!", "\ud800", "x" * 100_000, "ß\u0130"])
def test_hashing_takes_any_text(text: str) -> None:
    (vector,) = HashingEmbedder().embed([text])
    assert len(vector) == 384


def test_embedders_have_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(embedder("hashing"), HashingEmbedder)
    metadata = tmp_path / "odd_embedders-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-embedders\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(
        "[eventstore.embedders]\n"
        "theirs = projections.search.hashing:HashingEmbedder\n"
        "none = projections.search.hashing:math\n"
        "gone = no_such_module:Embedder\n"
        "failing = projections.errors:EmbedderRefused\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert isinstance(embedder("theirs"), Embedder)
    for name, reason in (
        ("nobody", "there are .*hashing.*theirs.*wordllama"),
        ("none", "no name, dimensions and embed|has no name"),
        ("gone", "not installed"),
        ("failing", "can't be loaded"),
    ):
        with pytest.raises(EmbedderRefused, match=reason):
            embedder(name)


def test_the_small_model_finds_meaning() -> None:
    pytest.importorskip("wordllama", reason="the extra `embed` is not installed")
    ship, boat, bread = embedder("wordllama").embed(["a large ship", "a big boat", "baked bread"])
    assert cosine(ship, boat) > cosine(ship, bread) + 0.1
    assert len(ship) == 384


def test_our_tables_are_searchable_by_name() -> None:
    for found in searchables(Work()):
        assert searchable(found.table.TABLE) == found
