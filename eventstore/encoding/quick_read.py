"""Reads the payloads of plain event classes in a fraction of the time that pydantic takes.

msgspec decodes the payload, and the event is put together without being validated once more. That
is right only for a class of which every part is known here, and means the same to both. So the
schema by which pydantic validates is walked through to its last key, and a class with anything
else in it (a validator that runs before or around the type's own, an alias, a nested model, a
custom type, …) is left to pydantic. So is a payload that msgspec refuses, because pydantic may
take it: "5" for 5, or a field that is not there and has a default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from pydantic import BaseModel
from pydantic_core import SchemaValidator

from eventstore.event import READ_BACK, Event, identify

__all__ = ["Reader", "quick_reader"]

Reader = Callable[[bytes, UUID], Event]
"""From a payload and an event's id to the event. Whatever it raises means: pydantic has to say."""

_Node = Mapping[str, Any]
"""A part of a pydantic core schema."""
_Step = Callable[[Any, dict[str, Any]], Any]
"""What is done to a field's value when all fields are read; it gives the value that counts."""

_SILENT: Final = frozenset({"type", "ref", "metadata", "serialization"})
"""Keys of a schema that say nothing about what a value becomes when it is read."""
_CONFIG: Final = {
    "allow_inf_nan": False, "extra_fields_behavior": "forbid", "ser_json_inf_nan": "constants",
}  # fmt: skip
"""What `Event` gives its subclasses; the title may differ."""
_TYPES: Final[dict[str, Any]] = {
    "any": Any, "bool": bool, "float": float, "int": int, "str": str, "uuid": UUID,
}  # fmt: skip
_LIMITS: Final = {
    "float": ("ge", "gt", "le", "lt"), "int": ("ge", "gt", "le", "lt"),
    "list": ("min_length", "max_length"), "str": ("min_length", "max_length"),
}  # fmt: skip
_TEXTS: Final = frozenset({"date", "datetime", "decimal", "str", "time", "timedelta"})
"""Types that pydantic makes of a string in JSON as it makes them of a string in Python."""
_HIGHEST: Final = 2**63 - 1
"""Highest limit of an integer that msgspec takes."""
_DEEPEST: Final = 200
"""Levels of nesting that pydantic reads; msgspec reads more."""

_new: Final = object.__new__
_slots: Final = vars(BaseModel)
_set_values: Final = _slots["__dict__"].__set__
_set_fields_set: Final = _slots["__pydantic_fields_set__"].__set__
_set_extra: Final = _slots["__pydantic_extra__"].__set__
_set_private: Final = _slots["__pydantic_private__"].__set__


class _Unknown(Exception):
    """What only pydantic knows how to read."""


@dataclass(frozen=True, slots=True)
class _Info:
    """What a validator is told, as pydantic.ValidationInfo describes it."""

    config: Mapping[str, Any]
    field_name: str | None = None
    data: Mapping[str, Any] | None = None
    mode: str = "json"
    context: Any = field(default_factory=lambda: READ_BACK)


def quick_reader(cls: type[Event]) -> Reader | None:
    """The quick way to read a class's payloads; None when only pydantic's way is right."""
    try:
        model, functions = _peeled(_checked_class(cls).__pydantic_core_schema__)
        config, nodes = _checked_model(model, cls)
        types: list[tuple[str, Any]] = []
        steps: list[tuple[str, _Step]] = []
        for name, node in nodes.items():
            before = tuple(earlier for earlier, _ in types)
            kind, following = _field(name, node, before, config)
            types.append((name, kind))
            steps += ((name, step) for step in following)
    except _Unknown:
        return None
    struct = msgspec.defstruct(cls.__name__, types, forbid_unknown_fields=True, gc=False)
    rules = tuple(_rule(function, _Info(config)) for function in functions)
    return _reader(cls, struct, tuple(steps), rules, any(map(_is_open, nodes.values())))


def _reader(
    cls: type[Event],
    struct: type[msgspec.Struct],
    steps: tuple[tuple[str, _Step], ...],
    rules: tuple[Callable[[Any], Any], ...],
    is_open: bool,
) -> Reader:
    decode, as_dict = msgspec.json.Decoder(struct).decode, msgspec.structs.asdict
    names = set(struct.__struct_fields__)

    def read(data: bytes, event_id: UUID) -> Event:
        if is_open and len(data) > _DEEPEST and data.count(b"[") + data.count(b"{") > _DEEPEST:
            raise _Unknown
        values = as_dict(decode(data))
        for name, step in steps:
            values[name] = step(values[name], values)
        event = _new(cls)
        _set_values(event, values)
        _set_fields_set(event, names.copy())
        _set_extra(event, None)
        if rules:
            _set_private(event, None)  # as pydantic shows it to them: not identified yet
            for rule in rules:
                event = rule(event)
            identify(event, event_id)
        else:
            _set_private(event, {"event_id": event_id})
        return event

    return read


def _checked_class(cls: type[Event]) -> type[Event]:
    """A class that pydantic makes and reads in its usual way, and has completed."""
    usual = (
        type(cls.__pydantic_validator__) is SchemaValidator
        and cls.__new__ is _new
        and cls.model_validate_json.__func__ is BaseModel.model_validate_json.__func__  # type: ignore[attr-defined]
    )
    if not usual:
        raise _Unknown
    return cls


def _checked_model(model: _Node, cls: type[Event]) -> tuple[_Node, Mapping[str, _Node]]:
    """The configuration and the fields of a model that is configured as every event is."""
    _expect(model, "model", "cls", "config", "custom_init", "root_model", "schema")
    config, fields = model["config"], model["schema"]
    _expect(fields, "model-fields", "computed_fields", "fields", "model_name")
    usual = (
        model["cls"] is cls
        and not model["custom_init"]
        and not model["root_model"]
        and {**config, "title": ""} == {**_CONFIG, "title": ""}
    )
    if not usual:
        raise _Unknown
    return config, fields["fields"]


def _field(
    name: str, node: _Node, before: tuple[str, ...], config: _Node
) -> tuple[Any, list[_Step]]:
    """The type that msgspec reads, and what is then done to the value."""
    _expect(node, "model-field", "schema")
    node = node["schema"]
    if node["type"] == "default":
        _expect(
            node, "default", "default", "default_factory", "default_factory_takes_data", "schema"
        )
        node = node["schema"]
    node, functions = _peeled(node)
    inner: list[_Node] = []
    if node["type"] == "nullable":
        _expect(node, "nullable", "schema")
        part, inner = _peeled(node["schema"])
        node = {**node, "schema": part}
    steps: list[_Step] = []
    kind: Any = _text(node)
    if kind is not None:
        validate = SchemaValidator(node, config).validate_python  # type: ignore[arg-type]
        steps.append(lambda value, _: validate(value))
    else:
        kind = _type(node)

    def step(functions: list[_Node]) -> _Step:
        def run(value: Any, values: dict[str, Any]) -> Any:
            # To change an earlier field fails here, and so is left to pydantic.
            earlier = MappingProxyType({name: values[name] for name in before})
            for function in functions:
                value = _rule(function, _Info(config, name, earlier))(value)
            return value

        return run

    if inner:
        of_value = step(inner)
        steps.append(lambda value, rest: None if value is None else of_value(value, rest))
    if functions:
        steps.append(step(functions))
    return kind, steps


def _peeled(node: _Node) -> tuple[_Node, list[_Node]]:
    """What is inside of validators that run after the type's own; those, in their order."""
    functions: list[_Node] = []
    while node["type"] == "function-after":
        _expect(node, "function-after", "function", "schema")
        functions.insert(0, node["function"])
        node = node["schema"]
    return node, functions


def _rule(function: _Node, info: _Info) -> Callable[[Any], Any]:
    run = function["function"]
    return run if function["type"] == "no-info" else lambda value: run(value, info)


def _text(node: _Node) -> Any:
    """`str` for what pydantic makes of a string, with more than limits to its length; else None.

    Then msgspec reads the string, and pydantic's own validator of that type does the rest.
    """
    inner = node["schema"] if node["type"] == "nullable" else node
    said = inner.keys() - _SILENT
    if inner["type"] not in _TEXTS or (inner["type"] == "str" and said <= set(_LIMITS["str"])):
        return None
    if any(callable(inner[key]) or isinstance(inner[key], (dict, list)) for key in said):
        raise _Unknown
    return str if inner is node else str | None


def _type(node: _Node) -> Any:
    """The type for msgspec that reads what this part of a schema reads."""
    match node["type"]:
        case "nullable":
            _expect(node, "nullable", "schema")
            return _type(node["schema"]) | None
        case "list":
            _expect(node, "list", "items_schema", *_LIMITS["list"])
            return _within(list[_type(node["items_schema"])], node)  # type: ignore[misc]
        case "dict":
            _expect(node, "dict", "keys_schema", "values_schema")
            keys = node["keys_schema"]
            _expect(keys, "str", *_LIMITS["str"])
            return dict[_type(keys), _type(node["values_schema"])]  # type: ignore[misc]
        case "literal":
            _expect(node, "literal", "expected")
            if all(type(value) is str for value in node["expected"]):
                return Literal[tuple(node["expected"])]
        case kind if kind in _TYPES:
            _expect(node, kind, *_LIMITS.get(kind, ()))
            return _within(_TYPES[kind], node)
    raise _Unknown


def _is_open(node: _Node) -> bool:
    """Whether a value may be nested deeper than its type says."""
    inside = (node[key] for key in ("schema", "items_schema", "values_schema") if key in node)
    return node["type"] == "any" or any(map(_is_open, inside))


def _within(kind: Any, node: _Node) -> Any:
    """A type within the limits that its part of a schema sets."""
    limits = {name: node[name] for name in _LIMITS.get(node["type"], ()) if name in node}
    if not limits:
        return kind
    if all(type(n) in (int, float) and abs(n) <= _HIGHEST for n in limits.values()):
        return Annotated[kind, msgspec.Meta(**limits)]
    raise _Unknown


def _expect(node: _Node, kind: str, *keys: str) -> None:
    """Raises _Unknown unless the node is of that type and has no other keys than these."""
    if node["type"] != kind or not node.keys() - _SILENT <= set(keys):
        raise _Unknown
