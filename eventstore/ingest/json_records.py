"""The records of one long JSON file, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson

from eventstore.ingest import reader
from eventstore.ingest.reader import BrokenFile

__all__ = ["head", "records"]


class _Metered:
    """A file that refuses to give more than one document's bytes between two records."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.since_record = file, 0

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.since_record += len(data)
        if self.since_record > reader.MAX_DOCUMENT_BYTES:
            raise BrokenFile(f"holds a record larger than {reader.MAX_DOCUMENT_BYTES:,} bytes")
        return data


def records(file: BinaryIO, path: str = "item") -> Iterator[Any]:
    """The records at a path, such as `samples.item`; raises BrokenFile where the JSON breaks.

    Numbers with a point are floats.
    """
    metered = _Metered(file)
    try:
        for record in ijson.items(metered, path, use_float=True):
            metered.since_record = 0
            yield record
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise BrokenFile(f"is no JSON: {_reason(error)}") from None


def head(file: BinaryIO, until: str) -> dict[str, Any]:
    """What stands in a JSON object before its member `until`, or all of it; raises BrokenFile."""
    found: dict[str, Any] = {}
    name = ""
    builder = ijson.ObjectBuilder()
    try:
        for place, kind, value in ijson.parse(_Metered(file), use_float=True):
            if place == "":
                if kind == "map_key" and value == until:
                    break
                if kind == "map_key":
                    name, builder = value, ijson.ObjectBuilder()
                elif kind not in ("start_map", "end_map"):
                    raise BrokenFile("is no JSON object")
                continue
            builder.event(kind, value)
            if place == name:
                found[name] = getattr(builder, "value", None)
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise BrokenFile(f"is no JSON: {_reason(error)}") from None
    return found


def _reason(error: Exception) -> str:
    """The parser's first line; the next ones repeat the file."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else "it breaks off"
