"""The types of columns that keep the values of a row, as its annotations say."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    LiteralString,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from uuid import UUID

from eventstore.encoding.vector import Vector
from projections.row import Row

__all__ = ["column_type", "vector_columns"]

_JSON: Final = "jsonb"
_VECTOR: Final = "public.vector"
_TYPES: Final[tuple[tuple[type, LiteralString], ...]] = (
    (bool, "boolean"),
    (int, "bigint"),
    (float, "double precision"),
    (Decimal, "numeric"),
    (str, "text"),
    (UUID, "uuid"),
    (datetime, "timestamptz"),
    (date, "date"),
    (bytes, "bytea"),
    (IPv4Address, "inet"),
    (IPv6Address, "inet"),
    (Vector, _VECTOR),
)
"""A class comes after its subclasses."""


def column_type(hint: Any) -> LiteralString:
    """For an annotation such as `UUID | None`, in a table that no migration has made.

    What is nothing simpler is jsonb.
    """
    origin, inner = get_origin(hint), [each for each in get_args(hint) if each is not NoneType]
    if origin in (Union, UnionType):
        names = {column_type(each) for each in inner}
        return names.pop() if len(names) == 1 else _JSON
    if origin is Annotated:
        return column_type(inner[0])
    if origin is Literal:
        return column_type(type(inner[0]))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return column_type(type(next(iter(hint)).value))
    for known, name in _TYPES:
        if isinstance(hint, type) and issubclass(hint, known):
            return name
    return _JSON


def vector_columns(table: type[Row]) -> tuple[str, ...]:
    """The columns of a table that hold vectors, which the driver does not know."""
    hints = get_type_hints(table)
    return tuple(name for name in table.COLUMNS if column_type(hints[name]) == _VECTOR)
