"""Files with a JSON record a line, compressed by gzip or not, one record at a time."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, TypeVar

import msgspec

from eventstore.ingest.reader import BrokenFile, BrokenRecord

__all__ = ["MAX_LINE_BYTES", "json_lines"]

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
"""Of one record."""
_GZIP: Final = b"\x1f\x8b"
_BYTES_OF_NUL: Final = rb"\u0000"
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""U+0000, as against a text about it, in which a backslash stands before the backslash."""
T = TypeVar("T", bound=msgspec.Struct)


def json_lines(file: BinaryIO, form: type[T]) -> Iterator[tuple[int, T | BrokenRecord]]:
    """The records in that form, with the numbers of their lines; empty lines are none.

    Raises BrokenFile when a compressed file ends in the middle.
    """
    decoder = msgspec.json.Decoder(form)
    compressed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    try:
        if compressed:
            with gzip.open(file) as lines:
                yield from _records(lines, decoder)
        else:
            yield from _records(file, decoder)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BrokenFile(f"is no whole gzip file: {error}") from error


def _records(
    lines: BinaryIO | gzip.GzipFile, decoder: msgspec.json.Decoder[T]
) -> Iterator[tuple[int, T | BrokenRecord]]:
    number = 0
    while line := lines.readline(MAX_LINE_BYTES):
        number += 1
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = lines.readline(MAX_LINE_BYTES)
            reason = f"is longer than {MAX_LINE_BYTES:,} bytes"
            yield number, BrokenRecord(reason, f"line {number}")
        elif not line.isspace():
            yield number, _record(line, f"line {number}", decoder)


def _record(line: bytes, place: str, decoder: msgspec.json.Decoder[T]) -> T | BrokenRecord:
    if _BYTES_OF_NUL in line and _NUL.search(line):
        return BrokenRecord("has the character U+0000, which no text can hold", place)
    try:
        return decoder.decode(line)
    except msgspec.ValidationError as error:
        return BrokenRecord(str(error), place)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return BrokenRecord(f"is no JSON: {error}", place)
