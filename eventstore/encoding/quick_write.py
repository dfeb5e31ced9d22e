"""Writes the payloads of plain event classes in a fraction of the time that pydantic takes.

A class is plain when every field is a text, a number, a truth value, a UUID, one of some texts, any
JSON value, a list or a mapping of such, or one of these or nothing; and when nothing changes how it
is written. Then orjson writes its values as they are, after a look at their types and at what no
type excludes. Whatever is not plain, and every value that is not what its field says or that can't
be stored exactly, is left to the long way, which writes or refuses it: see codec.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic_core import SchemaSerializer

from eventstore.encoding.exact import objection
from eventstore.event import Event
from eventstore.limits import MAX_SAFE_INTEGER

__all__ = ["Writer", "quick_writer"]

Writer = Callable[[Event], bytes | None]
"""From an event to its canonical payload; None means: the long way has to say."""

_Node = Mapping[str, Any]
"""A part of a pydantic core schema."""
_Test = Callable[[Any], bool]

_OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_MOST_FORMS: Final = 1_000
"""Combinations of types that are remembered of a class."""
_SILENT: Final = frozenset({
    "allow_inf_nan", "cls", "coerce_numbers_to_str", "computed_fields", "config", "custom_init",
    "default", "default_factory", "default_factory_takes_data", "expected", "fields", "function",
    "ge", "gt", "items_schema", "keys_schema", "le", "lt", "max_length", "metadata", "min_length",
    "model_name", "multiple_of", "pattern", "post_init", "ref", "root_model", "schema", "strict",
    "strip_whitespace", "to_lower", "to_upper", "type", "values_schema", "version",
})  # fmt: skip
"""Keys of a schema that are looked at, or say nothing about how a value is written."""
_NONE: Final = type(None)
_SCALARS: Final[dict[str, type]] = {"bool": bool, "int": int, "str": str, "uuid": UUID}


class _NotPlain(Exception):
    """What only pydantic knows how to write."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """The types that the values of a field have, and what else must hold of one."""

    types: frozenset[type]
    test: _Test | None = None


@lru_cache(maxsize=1_000)
def quick_writer(cls: type[Event]) -> Writer | None:
    """The quick way to write a class's payloads; None when only pydantic's way is right."""
    try:
        kinds = _kinds(cls)
    except _NotPlain:
        return None
    tests = tuple((name, kind.test) for name, kind in kinds.items() if kind.test is not None)
    known: set[tuple[object, ...]] = set()

    def is_plain(values: Mapping[str, Any]) -> bool:
        return tuple(values) == tuple(kinds) and all(
            type(value) in kinds[name].types for name, value in values.items()
        )

    def write(event: Event) -> bytes | None:
        values = event.__dict__
        form = (*values, *map(type, values.values()))
        if form not in known:
            if not is_plain(values):
                return None
            if len(known) < _MOST_FORMS:
                known.add(form)
        for name, test in tests:
            if not test(values[name]):
                return None
        try:
            encoded = orjson.dumps(values, option=_OPTIONS)
        except TypeError:  # a lone surrogate, a key that is no text, an integer beyond 2^53
            return None
        # Perhaps the character U+0000, perhaps a text that spells it.
        return None if b"\\u0000" in encoded else encoded

    return write


def _kinds(cls: type[Event]) -> dict[str, _Kind]:
    """Of each field of a plain class, in order."""
    schema: Any = cls.__pydantic_core_schema__
    if type(cls.__pydantic_serializer__) is not SchemaSerializer or type(schema) is not dict:
        raise _NotPlain
    model = _peeled(schema)
    if model["type"] != "model" or model["root_model"] or model["cls"] is not cls:
        raise _NotPlain
    # Extra values, where a class takes them, stand elsewhere than the fields.
    if model["config"].get("extra_fields_behavior") != "forbid":
        raise _NotPlain
    fields = _peeled(model["schema"])
    if fields["type"] != "model-fields" or fields["computed_fields"]:
        raise _NotPlain
    return {name: _field(node) for name, node in fields["fields"].items()}


def _field(node: _Node) -> _Kind:
    if not node.keys() <= {"type", "schema", "metadata"}:  # such as another name, or left out
        raise _NotPlain
    return _kind(node["schema"])


def _kind(node: _Node) -> _Kind:
    node = _peeled(node)
    match node["type"]:
        case "any":
            return _Kind(frozenset({_NONE, bool, int, float, str, list, dict}), _is_exact)
        case "float":
            return _Kind(frozenset({float}), math.isfinite)
        case "literal" if all(type(value) is str for value in node["expected"]):
            return _Kind(frozenset({str}), frozenset(node["expected"]).__contains__)
        case "nullable":
            return _or_none(_kind(node["schema"]))
        case "list":
            return _Kind(frozenset({list}), _each(_kind(node["items_schema"])))
        case "dict" if _kind(node["keys_schema"]) == _Kind(frozenset({str})):
            if _peeled(node["values_schema"])["type"] == "any":
                return _Kind(frozenset({dict}), _is_exact)
            test = _each(_kind(node["values_schema"]))
            return _Kind(frozenset({dict}), lambda value: test(value.values()))
        case kind if kind in _SCALARS:
            return _Kind(frozenset({_SCALARS[kind]}))
    raise _NotPlain


def _peeled(node: _Node) -> _Node:
    """What is inside of a default, and of validators that run after the type's own."""
    while True:
        if not node.keys() <= _SILENT:
            raise _NotPlain
        if node["type"] not in ("default", "function-after"):
            return node
        node = node["schema"]


def _or_none(kind: _Kind) -> _Kind:
    test = kind.test
    types = kind.types | {_NONE}
    return _Kind(types, test and (lambda value: value is None or test(value)))


def _each(kind: _Kind) -> Callable[[Iterable[Any]], bool]:
    """Whether all elements are of that kind."""

    def test(values: Iterable[Any]) -> bool:
        return kind.types.issuperset(map(type, values)) and (
            kind.test is None or all(map(kind.test, values))
        )

    return test


def _is_exact(value: Any) -> bool:
    return objection(value, MAX_SAFE_INTEGER, 1) is None
