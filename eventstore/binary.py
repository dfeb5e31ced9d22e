"""Arrays in PostgreSQL's binary form: an element needs no quoting, and the server none to undo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import chain
from struct import Struct
from typing import Final
from uuid import UUID

__all__ = [
    "NULL",
    "bigint_array",
    "bigints",
    "integer_array",
    "json_array",
    "moment_array",
    "moment_element",
    "small_array",
    "text_array",
    "text_element",
    "texts_array",
    "uuid_array",
    "uuid_element",
    "uuid_elements",
]

# One dimension; that there are NULLs, which the server finds out by itself; the elements' type; how
# many there are, and the first one's index.
_HEADER: Final = Struct("!iiIii")
_LENGTH: Final = Struct("!i")
_SMALL: Final = Struct("!ih")
_BIGINT: Final = Struct("!4xq")
_INTEGER: Final = Struct("!ii")
_LONG: Final = Struct("!iq")
_INT8, _SMALLINT, _INT4, _TEXT, _JSON, _MOMENT, _UUID = 20, 21, 23, 25, 114, 1184, 2950
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_UUID_LENGTH: Final = _LENGTH.pack(16)


NULL: Final = _LENGTH.pack(-1)
"""An element that is none."""


def uuid_array(ids: Sequence[UUID]) -> bytes:
    """As uuid[]."""
    return uuid_elements(list(map(uuid_element, ids)))


def uuid_elements(elements: Sequence[bytes]) -> bytes:
    """As uuid[], of elements from `uuid_element`, or NULL."""
    return _array(_UUID, len(elements), elements)


def uuid_element(one: UUID) -> bytes:
    """A UUID with its length before it."""
    return _UUID_LENGTH + one.int.to_bytes(16)


def moment_array(elements: Sequence[bytes]) -> bytes:
    """As timestamptz[], of elements from `moment_element`, or NULL."""
    return _array(_MOMENT, len(elements), elements)


def moment_element(moment: datetime) -> bytes:
    """A time with a zone, with its length before it."""
    return _LONG.pack(8, (moment - _EPOCH) // _MICROSECOND)


def json_array(payloads: Sequence[bytes]) -> bytes:
    """As json[]; each is JSON already."""
    lengths = map(_LENGTH.pack, map(len, payloads))
    return _array(_JSON, len(payloads), chain.from_iterable(zip(lengths, payloads, strict=True)))


def text_array(elements: Sequence[bytes]) -> bytes:
    """As text[], of elements from `text_element`, or NULL."""
    return _array(_TEXT, len(elements), elements)


def small_array(values: Sequence[int]) -> bytes:
    """As smallint[]."""
    return _array(_SMALLINT, len(values), [_SMALL.pack(2, value) for value in values])


def texts_array(texts: Iterable[str]) -> bytes:
    """As text[], of texts that hardly come again."""
    elements = [_LENGTH.pack(len(text)) + text for text in map(str.encode, texts)]
    return _array(_TEXT, len(elements), elements)


def integer_array(values: Sequence[int]) -> bytes:
    """As integer[]."""
    return _array(_INT4, len(values), [_INTEGER.pack(4, value) for value in values])


def bigint_array(values: Sequence[int]) -> bytes:
    """As bigint[]."""
    return _array(_INT8, len(values), [_LONG.pack(8, value) for value in values])


@lru_cache(maxsize=1_000)
def text_element(text: str) -> bytes:
    """A text with its length before it; those of classes are made once."""
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded


def bigints(array: bytes) -> list[int]:
    """The elements of a bigint[]; 0 for NULL."""
    if not _HEADER.unpack_from(array)[1]:
        return [number for (number,) in _BIGINT.iter_unpack(memoryview(array)[_HEADER.size :])]
    numbers, at = list[int](), _HEADER.size
    while at < len(array):
        if _LENGTH.unpack_from(array, at) == (-1,):
            numbers.append(0)
            at += _LENGTH.size
        else:
            numbers += _BIGINT.unpack_from(array, at)
            at += _BIGINT.size
    return numbers


def _array(kind: int, count: int, elements: Iterable[bytes]) -> bytes:
    return _HEADER.pack(1, 0, kind, count, 1) + b"".join(elements)
