"""Knowledge items as events, with the embeddings that stand beside them."""

from __future__ import annotations

import json
import struct
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from eventstore.append import Append, prepare
from eventstore.event import Event
from eventstore.ingest.knowledge import read, read_with_vectors, reader
from eventstore.ingest.reader import BrokenFile, BrokenRecord
from eventstore.vocabulary.packaging import KnowledgeItemAdded, KnowledgeItemEmbedded

DATA = Path(__file__).parents[3].parent / "shared" / "data" / "knowledge-minilm"
NAME = "notes-tiny/items.jsonl"
Found = list[Append | BrokenRecord]


def lines(*items: Any) -> bytes:
    return b"".join(
        each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in items
    )


def item(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "title": f"title {number}", "text": f"text {number}", **more}


def matrix(*rows: tuple[float, ...], kind: str = "e", **more: Any) -> bytes:
    columns = len(rows[0]) if rows else 2
    said = {"descr": {"e": "<f2", "f": "<f4"}[kind], "fortran_order": False}
    header = f"{ {**said, 'shape': (len(rows), columns), **more} }\n".encode()
    size = len(header).to_bytes(2, "little")
    numbers = b"".join(struct.pack(f"<{columns}{kind}", *row) for row in rows)
    return b"\x93NUMPY\x01\x00" + size + header + numbers


def told(items: bytes, vectors: bytes | None = None) -> Found:
    if vectors is None:
        return list(read(BytesIO(items), NAME))
    return list(read_with_vectors(BytesIO(items), BytesIO(vectors), NAME))


def events(items: bytes, vectors: bytes | None = None) -> list[Event]:
    appends = [each for each in told(items, vectors) if isinstance(each, Append)]
    prepare(appends)
    return [event for append in appends for event in append.events]


def test_a_line_is_an_item() -> None:
    first, second = events(lines(item(0), item(1)))
    assert isinstance(first, KnowledgeItemAdded)
    assert (first.title, first.content, first.source_package_id) == ("title 0", "text 0", None)
    assert isinstance(second, KnowledgeItemAdded)
    assert first.knowledge_item_id != second.knowledge_item_id


def test_each_item_is_a_run_and_says_where_it_is_from() -> None:
    found = told(lines(item(0, source="book", ref="p. 7"), item(1)), matrix((1, 0), (0, 1)))
    runs = [each.correlation_id for each in found if isinstance(each, Append)]
    assert runs[0] == runs[1] != runs[2] == runs[3]
    first = found[0]
    assert isinstance(first, Append)
    assert first.metadata == {
        "derived": ["occurred_at"],
        "source": {
            "format": "knowledge",
            "file": "items.jsonl",
            "place": "line 1",
            "other": {"source": "book", "ref": "p. 7"},
        },
    }


@pytest.mark.parametrize("kind", ["e", "f"])
def test_a_row_of_the_matrix_is_the_items_embedding(kind: str) -> None:
    found = told(lines(item(0), item(1)), matrix((0.5, -0.25), (1.0, 0.125), kind=kind))
    added, embedded = found[2:]
    assert isinstance(added, Append)
    assert isinstance(embedded, Append)
    [said] = embedded.events
    assert isinstance(said, KnowledgeItemEmbedded)
    assert said.vector.tolist() == [1.0, 0.125]
    assert (said.model, said.dimensions) == ("notes-tiny", 2)
    assert said.text_hash == sha256(b"title 1\n\ntext 1").hexdigest()
    assert embedded.causation_id == added.events[0].event_id
    assert embedded.metadata["derived"] == ["causation", "model", "text_hash", "occurred_at"]


def test_the_same_files_tell_the_same_and_another_folder_others() -> None:
    ids = {event.event_id for event in events(lines(item(0)), matrix((1, 0)))}
    assert ids == {event.event_id for event in events(lines(item(0)), matrix((1, 0)))}
    [other] = read(BytesIO(lines(item(0))), "other/items.jsonl")
    assert isinstance(other, Append)
    assert other.events[0].event_id not in ids


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"no json\n", "no JSON"),
        ({"id": 1, "title": "no text"}, "text"),
        (item(1, title=""), "title"),
        (item(1, title="x" * 256), "title"),
        (item(7), "has the id 7, and is number 1"),
        (item(1, text="\0"), "U+0000"),
    ],
)
def test_an_item_that_is_broken_is_named_and_the_others_keep_their_rows(
    line: Any, reason: str
) -> None:
    found = told(lines(item(0), line, item(2)), matrix((1, 0), (0, 1), (3, 3)))
    broken = found[2]
    assert isinstance(broken, BrokenRecord)
    assert broken.place == "line 2"
    assert reason in broken.reason
    last = found[-1]
    assert isinstance(last, Append)
    assert isinstance(last.events[0], KnowledgeItemEmbedded)
    assert last.events[0].vector.tolist() == [3, 3]
    assert len(found) == 5


@pytest.mark.parametrize("row", [(0.0, 0.0), (float("nan"), 1.0), (float("inf"), 1.0)])
def test_an_item_whose_vector_has_no_direction_is_broken(row: tuple[float, ...]) -> None:
    first, second = told(lines(item(0), item(1)), matrix((1, 0), row))[1:]
    assert isinstance(first, Append)
    assert isinstance(second, BrokenRecord)
    assert "vector" in second.reason


def test_an_item_without_a_row_is_broken() -> None:
    *_, last = told(lines(item(0), item(1)), matrix((1, 0)))
    assert isinstance(last, BrokenRecord)
    assert "no row" in last.reason


GOOD = matrix((1, 0))


@pytest.mark.parametrize(
    ("vectors", "reason"),
    [
        (b"", "no NumPy file"),
        (b"PK\3\4 and so on", "no NumPy file"),
        (GOOD[:-1], "breaks off"),
        (GOOD[:12], "header"),
        (matrix((1, 0), descr="<i4"), "no matrix"),
        (matrix((1, 0), descr="|O"), "no matrix"),
        (matrix((1, 0), fortran_order=True), "no matrix"),
        (matrix((1, 0), shape=(2,)), "shape"),
        (matrix((1, 0), shape=(1, 2_001)), "columns"),
        (matrix((1, 0), shape=(1, 0)), "columns"),
        (matrix((1, 0), shape=("a", "b")), "shape"),
        (matrix((1, 0), (0, 1)), "fewer items"),
        (b"\x93NUMPY\x01\x00\xff\xff", "header of 65,535 bytes"),
        (b"\x93NUMPY\x01\x00\x0e\x00__import__('')", "header"),
    ],
)
def test_a_broken_matrix_is_refused(vectors: bytes, reason: str) -> None:
    with pytest.raises(BrokenFile, match=reason):
        told(lines(item(0)), vectors)


def test_the_recorded_items() -> None:
    if not (DATA / "items.jsonl").is_file():
        pytest.skip("the knowledge items are not there")
    assert reader.reads("items.jsonl")
    assert not reader.reads("queries.jsonl")
    assert reader.beside is not None
    with (DATA / "items.jsonl").open("rb") as items, (DATA / "items.f16.npy").open("rb") as rows:
        found = list(reader.beside.read(items, rows, "knowledge-minilm/items.jsonl"))
    said = [each.events[0] for each in found if isinstance(each, Append)]
    assert len(said) == len(found) == 2 * (DATA / "items.jsonl").read_bytes().count(b"\n")
    assert len({event.event_id for event in said}) == len(said) == 12_030
    by_hand = (DATA / "items.f16.npy").read_bytes()[128:]
    for number in (0, 3_000, 6_014):
        line = json.loads((DATA / "items.jsonl").read_bytes().splitlines()[number])
        added, embedded = said[2 * number : 2 * number + 2]
        assert isinstance(added, KnowledgeItemAdded)
        assert (added.title, added.content) == (line["title"], line["text"])
        assert isinstance(embedded, KnowledgeItemEmbedded)
        wanted = struct.unpack("<384e", by_hand[number * 768 : (number + 1) * 768])
        assert tuple(embedded.vector) == wanted
