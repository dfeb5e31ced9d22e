"""Numbers that stand for what a text means, exactly as pgvector keeps them.

pgvector holds floats of 32 bits, so a vector is rounded to these when it is made. What an event
says, what a row holds and what comes back from the database are then the same numbers, bit for
bit, and a replay can be compared with the tables.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
import sys
from array import array
from collections.abc import Iterable, Iterator
from typing import Any, Final, Self

import orjson
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

__all__ = ["MAX_DIMENSIONS", "Vector"]

MAX_DIMENSIONS: Final = 2_000
"""Dimensions that an HNSW index of pgvector takes."""


class Vector:
    """An immutable list of 1 to 2,000 numbers of 32 bits, not all of them 0.

    In a payload it is base64 of the numbers, little-endian: four bytes each, and exact. Two are
    equal when their numbers are. Raises ValueError when there are too few or too many, when one is
    not finite, or when all are 0, because cosine distance needs a direction.
    """

    __slots__ = ("_numbers",)

    def __init__(self, numbers: Iterable[float]) -> None:
        self._numbers = _checked(array("f", numbers))

    @classmethod
    def from_base64(cls, text: str) -> Self:
        """The vector of a payload; raises ValueError."""
        try:
            data = base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ValueError(f"a vector is written in base64: {error}") from None
        if len(data) % 4:
            raise ValueError(f"{len(data)} bytes are no list of numbers of four bytes")
        numbers = array("f", data)
        if sys.byteorder == "big":
            numbers.byteswap()
        vector = cls.__new__(cls)
        vector._numbers = _checked(numbers)
        return vector

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The vector that pgvector writes as `[0.1,0.2]`; raises ValueError."""
        return cls(orjson.loads(text))

    def base64(self) -> str:
        """As a payload has it."""
        numbers = self._numbers
        if sys.byteorder == "big":
            numbers = array("f", numbers)
            numbers.byteswap()
        return base64.b64encode(numbers.tobytes()).decode()

    def binary(self) -> bytes:
        """As pgvector sends and receives it."""
        count = len(self._numbers)
        return struct.pack(f">HH{count}f", count, 0, *self._numbers)

    def tolist(self) -> list[float]:
        """The numbers, each of which fits 32 bits."""
        return self._numbers.tolist()

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[float]:
        return iter(self._numbers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vector) and self._numbers == other._numbers

    def __hash__(self) -> int:
        return hash(tuple(self._numbers))

    def __str__(self) -> str:
        """As pgvector reads it."""
        return orjson.dumps(self.tolist()).decode()

    def __repr__(self) -> str:
        first = ", ".join(f"{number:.4g}" for number in self._numbers[:3])
        more = ", …" if len(self) > 3 else ""
        return f"Vector([{first}{more}] of {len(self)})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(  # which quick_read knows
            cls._read,
            core_schema.any_schema(),
            serialization=core_schema.plain_serializer_function_ser_schema(
                cls.base64, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {
            "type": "string",
            "contentEncoding": "base64",
            "description": "Numbers of 32 bits, little-endian.",
        }

    @classmethod
    def _read(cls, value: Any) -> Self:
        """A field's value: a vector, its base64, or numbers."""
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls.from_base64(value)
        try:
            return cls(value)
        except TypeError as error:
            raise ValueError(f"no numbers: {error}") from None


def _checked(numbers: array[float]) -> array[float]:
    if not 1 <= len(numbers) <= MAX_DIMENSIONS:
        raise ValueError(f"a vector has 1 to {MAX_DIMENSIONS:,} numbers, and not {len(numbers):,}")
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a vector has finite numbers, as floats of 32 bits")
    if not any(numbers):
        raise ValueError("a vector whose numbers are all 0 has no direction")
    return numbers
