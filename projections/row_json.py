"""Rows as JSON, the form in which they travel to the database: one parameter for any number.

A row has to come back from the database equal to what was written, or the fold goes on from
something that no event said. JSON numbers in `jsonb` are the one thing in the way: PostgreSQL
keeps their decimal value, and writes 1e+16 as an integer. So large floats are sent in full, with
a decimal point, and stay floats.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any, Final

import orjson
from psycopg.abc import Buffer
from psycopg.types.json import JsonbLoader

from eventstore.encoding.vector import Vector
from projections.errors import Unstorable
from projections.row import Key, Row

__all__ = ["JSONB_VERSION", "RowJsonbLoader", "keys_json", "rows_json", "value_json"]

JSONB_VERSION: Final = b"\x01"
"""What jsonb in binary begins with; its text follows."""

_EXPONENT: Final = re.compile(rb"\de\+")
"""How orjson writes floats from 1e16 on; text that looks like it only costs time."""

_AS_TEXT: Final = (Decimal, IPv4Address, IPv4Interface, IPv6Address, IPv6Interface)


def rows_json(rows: Sequence[Row]) -> str:
    """A JSON array with an object a row; raises Unstorable."""
    return value_json([vars(row) for row in rows]).decode()


def value_json(value: Any) -> bytes:
    """A value, such as that of a jsonb column; raises Unstorable."""
    encoded = _encoded(value)
    if b"e+" in encoded and _EXPONENT.search(encoded):  # the first is a hundred times as fast
        encoded = _encoded(_in_full(value))
    return encoded


def keys_json(table: type[Row], keys: Iterable[Key]) -> str:
    """A JSON array with an object a key; raises Unstorable."""
    if len(table.KEY) == 1:  # nearly always, and half as dear
        name = table.KEY[0]
        return _encoded([{"tenant_id": tenant, name: value} for tenant, value in keys]).decode()
    names = ("tenant_id", *table.KEY)
    return _encoded([dict(zip(names, key, strict=True)) for key in keys]).decode()


class RowJsonbLoader(JsonbLoader):
    """Reads jsonb with orjson, which tells integers from floats as `rows_json` wrote them."""

    def load(self, data: Buffer) -> Any:
        """The value."""
        return orjson.loads(data)


def _encoded(value: Any) -> bytes:
    try:
        return orjson.dumps(value, default=_other)
    except orjson.JSONEncodeError as error:
        raise Unstorable(str(error)) from error


def _in_full(value: Any) -> Any:
    if isinstance(value, float) and abs(value) >= 1e16:
        return orjson.Fragment(f"{value:.1f}")
    if isinstance(value, dict):
        return {key: _in_full(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_in_full(item) for item in value]
    return value


def _other(value: Any) -> Any:
    if isinstance(value, _AS_TEXT):
        return str(value)
    if isinstance(value, Vector):
        return value.tolist()
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    raise TypeError(f"{type(value).__name__} is no value for a column")
