"""Arrays in PostgreSQL's binary form: an element needs no quoting, and the server none to undo.

An element is its length and its bytes; `element` makes one, and NULL is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from struct import Struct
from typing import Final, TypeVar
from uuid import UUID

__all__ = [
    "BIGINT", "INTEGER", "JSON", "NULL", "SMALLINT", "TEXT", "TIMESTAMPTZ", "UUIDS", "array",
    "bigint", "bigints", "element", "integer", "json_array", "microseconds", "smallint", "spread",
    "text", "uuid", "uuid_array",
]  # fmt: skip

BIGINT, SMALLINT, INTEGER, TEXT, JSON, TIMESTAMPTZ, UUIDS = 20, 21, 23, 25, 114, 1184, 2950
"""The types of elements, as pg_type numbers them."""
NULL: Final = b"\xff\xff\xff\xff"

# One dimension; whether there are NULLs, which the server finds out by itself; the elements' type,
# their number, the first one's index.
_HEADER: Final = Struct("!iiIii")
_LENGTH: Final = Struct("!i")
_SMALLINT: Final = Struct("!ih")
_INTEGER: Final = Struct("!ii")
_BIGINT: Final = Struct("!iq")
_NUMBER: Final = Struct("!4xq")
_PAIR: Final = Struct("!20x4xq4xq")
_UUID_LENGTH: Final = _LENGTH.pack(16)
T = TypeVar("T")
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def array(kind: int, elements: Sequence[bytes]) -> bytes:
    """An array of elements of a type."""
    return _array(kind, len(elements), elements)


def element(value: bytes) -> bytes:
    """An element of text, json or any other type whose binary form these bytes are."""
    return _LENGTH.pack(len(value)) + value


def smallint(number: int) -> bytes:
    """An element of smallint[]."""
    return _SMALLINT.pack(2, number)


@lru_cache(maxsize=1_000)
def text(said: str) -> bytes:
    """An element of text[] that comes again and again, such as the name of an agent."""
    return element(said.encode())


def integer(number: int) -> bytes:
    """An element of integer[]."""
    return _INTEGER.pack(4, number)


def bigint(number: int) -> bytes:
    """An element of bigint[]."""
    return _BIGINT.pack(8, number)


def microseconds(moment: datetime) -> bytes:
    """An element of timestamptz[]."""
    return _BIGINT.pack(8, (moment - _EPOCH) // _MICROSECOND)


def uuid(one: UUID) -> bytes:
    """An element of uuid[]."""
    return _UUID_LENGTH + one.int.to_bytes(16, "big")


def uuid_array(ids: Iterable[UUID]) -> bytes:
    """As uuid[]."""
    return array(UUIDS, list(map(uuid, ids)))


def json_array(payloads: Sequence[bytes]) -> bytes:
    """As json[]; each is JSON already."""
    lengths = map(_LENGTH.pack, map(len, payloads))
    return _array(JSON, len(payloads), chain.from_iterable(zip(lengths, payloads, strict=True)))


def spread(
    kind: int, write: Callable[[T], bytes], values: Sequence[T | None], counts: Sequence[int]
) -> bytes | None:
    """An array in which each value stands as often as its count says; None is NULL.

    None when there is nothing but NULL.
    """
    if values.count(None) == len(values):
        return None
    parts = [
        (NULL if value is None else write(value)) * count
        for value, count in zip(values, counts, strict=True)
    ]
    return _array(kind, sum(counts), parts)


def bigints(array: bytes) -> list[int]:
    """The elements of a bigint[]; 0 for NULL."""
    has_nulls = array[7]  # the last byte of the header's second number
    if len(array) == _PAIR.size and not has_nulls:  # a lone append's, which is made most often
        return list(_PAIR.unpack(array))
    if not has_nulls:
        return [number for (number,) in _NUMBER.iter_unpack(memoryview(array)[_HEADER.size :])]
    numbers, at = list[int](), _HEADER.size
    while at < len(array):
        if array.startswith(NULL, at):
            numbers.append(0)
            at += _LENGTH.size
        else:
            numbers += _NUMBER.unpack_from(array, at)
            at += _NUMBER.size
    return numbers


def _array(kind: int, count: int, parts: Iterable[bytes]) -> bytes:
    return _HEADER.pack(1, 0, kind, count, 1) + b"".join(parts)
