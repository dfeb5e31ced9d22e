"""Arrays in PostgreSQL's binary form: an element needs no quoting, and the server none to undo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from struct import Struct
from typing import Final
from uuid import UUID

__all__ = ["bigints", "json_array", "small_array", "text_array", "text_element", "uuid_array"]

# One dimension, NULLs or none, the elements' type; how many there are, and the first one's index.
_HEADER: Final = Struct("!iiIii")
_LENGTH: Final = Struct("!i")
_SMALL: Final = Struct("!ih")
_BIGINT: Final = Struct("!4xq")
_SMALLINT, _TEXT, _JSON, _UUID = 21, 25, 114, 2950
_UUID_LENGTH: Final = _LENGTH.pack(16)


def uuid_array(ids: Sequence[UUID]) -> bytes:
    """As uuid[]."""
    elements = [_UUID_LENGTH + one.int.to_bytes(16) for one in ids]
    return _array(_UUID, len(ids), elements)


def json_array(payloads: Sequence[bytes]) -> bytes:
    """As json[]; each is JSON already."""
    lengths = map(_LENGTH.pack, map(len, payloads))
    return _array(_JSON, len(payloads), chain.from_iterable(zip(lengths, payloads, strict=True)))


def text_array(elements: Sequence[bytes]) -> bytes:
    """As text[], of elements from `text_element`."""
    return _array(_TEXT, len(elements), elements)


def small_array(values: Sequence[int]) -> bytes:
    """As smallint[]."""
    return _array(_SMALLINT, len(values), [_SMALL.pack(2, value) for value in values])


@lru_cache(maxsize=1_000)
def text_element(text: str) -> bytes:
    """A text with its length before it; those of classes are made once."""
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded


def bigints(array: bytes) -> list[int]:
    """The elements of a bigint[] without NULLs."""
    return [number for (number,) in _BIGINT.iter_unpack(memoryview(array)[_HEADER.size :])]


def _array(kind: int, count: int, elements: Iterable[bytes]) -> bytes:
    return _HEADER.pack(1, 0, kind, count, 1) + b"".join(elements)
