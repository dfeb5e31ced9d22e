"""Real texts with vectors of a real model, and what is nearest to what, exactly."""

from __future__ import annotations

import struct
from ast import literal_eval
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from eventstore.encoding.vector import Vector

__all__ = ["FOLDER", "MODEL", "Knowledge", "knowledge"]

FOLDER: Final = Path(__file__).parents[2] / "shared" / "data" / "knowledge-minilm"
MODEL: Final = "all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Texts, queries, and for each query the places of the nearest texts, the nearest first."""

    items: list[dict[str, Any]]
    vectors: list[Vector]
    queries: list[dict[str, Any]]
    query_vectors: list[Vector]
    nearest: list[tuple[int, ...]]


def knowledge(folder: Path = FOLDER) -> Knowledge:
    """Reads it all; there must be such a folder."""
    return Knowledge(
        items=_lines(folder / "items.jsonl"),
        vectors=[Vector(row) for row in _rows(folder / "items.f16.npy")],
        queries=_lines(folder / "queries.jsonl"),
        query_vectors=[Vector(row) for row in _rows(folder / "queries.f16.npy")],
        nearest=list(_rows(folder / "groundtruth_cosine_top100.i32.npy")),
    )


def _lines(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def _rows(path: Path) -> Iterator[tuple[Any, ...]]:
    """The rows of a matrix in NumPy's format, version 1.0, of small floats or integers."""
    data = path.read_bytes()
    size = struct.unpack("<H", data[8:10])[0]
    header = literal_eval(data[10 : 10 + size].decode())
    kind = {"<f2": "e", "<i4": "i"}[header["descr"]]
    row = struct.Struct(f"<{header['shape'][1]}{kind}")
    return row.iter_unpack(data[10 + size :])
