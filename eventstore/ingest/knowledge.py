"""Reads knowledge items: a JSON line each, and their embeddings if they stand beside them.

| in the files                                    | in the log                                 |
|-------------------------------------------------|--------------------------------------------|
| a line of `items.jsonl`: id, title, text        | knowledge item added                       |
| the row of `items.f16.npy` of the same number   | knowledge item embedded, caused by it      |

Each item is a run of its own, which its id names. The id counts lines, from 0, and so it counts the
rows of the matrix; the folder and the file's name tell items of the same id apart. The files do not
say which model made the vectors, and from what; the folder's name counts as the model's, and the
vector as one of title and text, as the rows of `knowledge_items` are embedded.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Annotated, BinaryIO, Final
from uuid import NAMESPACE_URL, uuid5

import msgspec

from eventstore.append import Append
from eventstore.encoding.vector import Vector
from eventstore.ingest.json_lines import json_lines
from eventstore.ingest.matrix import Matrix
from eventstore.ingest.package import UNKNOWN
from eventstore.ingest.reader import Beside, BrokenFile, BrokenRecord, Reader
from eventstore.vocabulary.embedding import joined_text, text_hash
from eventstore.vocabulary.packaging import KnowledgeItemAdded, KnowledgeItemEmbedded

__all__ = ["read", "read_with_vectors", "reader"]

NAMESPACE: Final = uuid5(NAMESPACE_URL, "urn:eventstore:knowledge")


class _Item(msgspec.Struct):
    id: Annotated[int, msgspec.Meta(ge=0)]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    text: Annotated[str, msgspec.Meta(min_length=1)]
    source: str | None = None
    """Where the text is from,"""
    ref: str | None = None
    """and where in it."""


def read(file: BinaryIO, name: str) -> Iterator[Append | BrokenRecord]:
    """The items alone; raises BrokenFile."""
    return _told(file, None, PurePath(name))


def read_with_vectors(
    file: BinaryIO, vectors: BinaryIO, name: str
) -> Iterator[Append | BrokenRecord]:
    """The items with their embeddings; raises BrokenFile."""
    return _told(file, Matrix(vectors), PurePath(name))


reader: Final = Reader(
    read,
    names=("items.jsonl", "*.items.jsonl"),
    beside=Beside(".f16.npy", read_with_vectors),
    folders=1,
    settled=True,
)


def _told(file: BinaryIO, matrix: Matrix | None, path: PurePath) -> Iterator[Append | BrokenRecord]:
    rows = iter(matrix) if matrix is not None else None
    for number, (line, item) in enumerate(json_lines(file, _Item)):
        row = next(rows, None) if rows is not None else None
        if isinstance(item, BrokenRecord):
            yield item
        elif item.id != number:
            yield BrokenRecord(f"has the id {item.id}, and is number {number}", f"line {line}")
        elif rows is not None and row is None:
            yield BrokenRecord("has no row in the matrix beside the file", f"line {line}")
        else:
            try:
                yield from _appends(item, row, path, f"line {line}")
            except ValueError as error:  # an event can't say it, or the vector has no direction
                yield BrokenRecord(str(error), f"line {line}")
    if rows is not None and next(rows, None) is not None:
        raise BrokenFile("has fewer items than the matrix beside it has rows")


def _appends(
    item: _Item, row: tuple[float, ...] | None, path: PurePath, place: str
) -> list[Append]:
    item_id = uuid5(NAMESPACE, f"{path.with_suffix('')}/{item.id}")
    other = {key: value for key, value in (("source", item.source), ("ref", item.ref)) if value}
    source = {"format": "knowledge", "file": path.name, "place": place, "other": other}
    added = KnowledgeItemAdded(
        knowledge_item_id=item_id, title=item.title, content=item.text
    ).with_id(uuid5(item_id, "added"))
    told = [
        Append(
            f"knowledge_item-{item_id}",
            [added],
            correlation_id=item_id,
            metadata={"derived": ["occurred_at"], "source": source},
        )
    ]
    if row is not None:
        model = path.parent.name or UNKNOWN
        embedded = KnowledgeItemEmbedded(
            knowledge_item_id=item_id,
            model=model,
            dimensions=len(row),
            vector=Vector(row),
            text_hash=text_hash(joined_text([item.title, item.text])),
        ).with_id(uuid5(item_id, f"embedded/{model}"))
        told.append(
            Append(
                f"embedding-knowledge_items-{item_id}",
                [embedded],
                correlation_id=item_id,
                causation_id=added.event_id,
                metadata={
                    "derived": ["causation", "model", "text_hash", "occurred_at"],
                    "source": source,
                },
            )
        )
    return told
