"""Matrices in NumPy's format, a row at a time, without NumPy."""

from __future__ import annotations

import struct
from ast import literal_eval
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from eventstore.encoding.vector import MAX_DIMENSIONS
from eventstore.ingest.reader import BrokenFile

__all__ = ["Matrix"]

_MAGIC: Final = b"\x93NUMPY"
_KINDS: Final = {"<f2": "e", "<f4": "f", "<f8": "d"}
"""Of floats, least significant byte first."""
_LONGEST_HEADER: Final = 4096


class Matrix:
    """The rows of a file; raises BrokenFile when it is no matrix of floats, or breaks off."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        header = self._header()
        kind, shape = _KINDS.get(str(header.get("descr"))), header.get("shape")
        if kind is None or header.get("fortran_order") is not False:
            raise BrokenFile("is no matrix of little-endian floats, row by row")
        if not (isinstance(shape, tuple) and [type(each) for each in shape] == [int, int]):
            raise BrokenFile(f"has the shape {shape}, not rows and columns")
        self.rows, self.columns = shape
        if not 1 <= self.columns <= MAX_DIMENSIONS:
            raise BrokenFile(f"has {self.columns:,} columns; allowed are 1 to {MAX_DIMENSIONS:,}")
        self._row = struct.Struct(f"<{self.columns}{kind}")

    def __iter__(self) -> Iterator[tuple[float, ...]]:
        for number in range(self.rows):
            data = self._file.read(self._row.size)
            if len(data) < self._row.size:
                raise BrokenFile(f"breaks off in row {number} of {self.rows:,}")
            yield self._row.unpack(data)

    def _header(self) -> dict[str, Any]:
        start = self._file.read(8)
        if start[:6] != _MAGIC or len(start) < 8:
            raise BrokenFile("is no NumPy file")
        long = start[6] > 1  # the second version has a longer length
        size = int.from_bytes(self._file.read(4 if long else 2), "little")
        if size > _LONGEST_HEADER:
            raise BrokenFile(f"has a header of {size:,} bytes")
        try:
            found = literal_eval(self._file.read(size).decode("latin-1").strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise BrokenFile(f"has a header that can't be read: {error}") from error
        if not isinstance(found, dict):
            raise BrokenFile("has a header that is no mapping")
        return found
