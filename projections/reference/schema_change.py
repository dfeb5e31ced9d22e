"""What a change of a JSON Schema breaks: the values that it allowed and allows no longer. Pure.

Where it can't tell, as with a pattern that was replaced by another one, it counts as broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any, Final

from eventstore.encoding.json_schema import breach

__all__ = ["breaking"]

Schema = Mapping[str, Any]

_SAID: Final = frozenset({
    "title", "description", "default", "examples", "deprecated", "discriminator", "$comment",
    "$schema", "$defs", "x-schema-version", "x-retention",
})  # fmt: skip
"""Keywords that tell, and allow or forbid nothing."""
_AT_LEAST: Final = ("minLength", "minItems", "minProperties")
_AT_MOST: Final = ("maxLength", "maxItems", "maxProperties")
_COMPARED: Final = frozenset({
    "type", "properties", "required", "additionalProperties", "propertyNames", "items",
    "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", *_AT_LEAST, *_AT_MOST,
})  # fmt: skip


def breaking(before: Schema, after: Schema) -> list[str]:
    """What `before` allows and `after` does not, each with the path of the field; none if all is.

    A default that changed breaks as well: what was recorded without the field would mean another
    thing.
    """
    return list(_Comparison(before, after).of(before, after, "", frozenset()))


class _Comparison:
    def __init__(self, before: Schema, after: Schema) -> None:
        self._before, self._after = before.get("$defs", {}), after.get("$defs", {})

    def of(self, before: Any, after: Any, path: str, seen: frozenset[Any]) -> Iterator[str]:
        """What breaks of one value; `seen` holds the pairs of definitions that lead here."""
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            pair = (before.get("$ref"), after.get("$ref"))
            if None not in pair and pair in seen:
                return  # a type that contains itself: this pair is being compared
            seen = seen | {pair}
        before, after = _resolved(before, self._before), _resolved(after, self._after)
        if before is False or after is True or (after is not False and not after.keys() - _SAID):
            return
        if after is False:
            yield f"{path or 'the payload'}: nothing is allowed any more"
            return
        allowed = _variants(after, self._after)
        for variant in _variants(before, self._before):
            if "const" in variant:
                if not self._allows(allowed, variant["const"]):
                    yield f"{path}: {variant['const']!r} is no longer allowed"
                continue
            yield from self._best(variant, allowed, path, seen)

    def _allows(self, allowed: list[Any], value: Any) -> bool:
        return any(
            _same(each["const"], value)
            if "const" in each
            # Formats are not judged by the check below.
            else "format" not in each and breach({**each, "$defs": self._after}, value) is None
            for each in allowed
        )

    def _best(
        self, variant: Schema, allowed: list[Any], path: str, seen: frozenset[Any]
    ) -> list[str]:
        """The fewest reasons why what is allowed now does not cover a variant."""
        alike = [
            list(self._simple(variant, each, path, seen))
            for each in allowed
            if "const" not in each and _covers(variant.get("type"), each.get("type"))
        ]
        if not alike:
            return [f"{path}: {variant.get('type', 'any value')} is no longer allowed"]
        return min(alike, key=len)

    def _simple(
        self, before: Schema, after: Schema, path: str, seen: frozenset[Any]
    ) -> Iterator[str]:
        """What breaks between two schemas without alternatives."""
        for name in _AT_LEAST:
            if after.get(name, 0) > before.get(name, 0):
                yield f"{path}: {name} was {before.get(name, 0)}, is {after[name]}"
        for name in _AT_MOST:
            if after.get(name, inf) < before.get(name, inf):
                yield f"{path}: {name} was {before.get(name, 'not limited')}, is {after[name]}"
        if _lowest(after) > _lowest(before):
            yield f"{path}: the smallest number allowed is larger than before"
        if _highest(after) < _highest(before):
            yield f"{path}: the largest number allowed is smaller than before"
        for name in sorted(after.keys() - _SAID - _COMPARED):
            if before.get(name) != after[name]:
                yield f"{path}: {name} was {before.get(name, 'not there')}, is {after[name]}"
        yield from self.of(before.get("items", True), after.get("items", True), f"{path}[]", seen)
        if "propertyNames" in after:
            old = {"type": "string", **before.get("propertyNames", {})}
            new = {"type": "string", **after["propertyNames"]}
            yield from self.of(old, new, f"{path} (names)", seen)
        yield from self._fields(before, after, path, seen)

    def _fields(
        self, before: Schema, after: Schema, path: str, seen: frozenset[Any]
    ) -> Iterator[str]:
        old, new = before.get("properties", {}), after.get("properties", {})
        old_rest = before.get("additionalProperties", True)
        new_rest = after.get("additionalProperties", True)
        required = set(after.get("required", ()))
        for name, field in old.items():
            here = f"{path}.{name}" if path else name
            if name in new:
                yield from self.of(field, new[name], here, seen)
                if name not in required and _default(field) not in (None, _default(new[name])):
                    yield f"{here}: the default was {field['default']!r}, and is another one"
            elif new_rest is False:
                yield f"{here}: the field is gone"
            else:
                yield from self.of(field, new_rest, here, seen)
        for name in sorted(required - set(before.get("required", ()))):
            yield f"{path}.{name}".lstrip(".") + ": the field is required now"
        if old_rest is not False:
            for name in new.keys() - old.keys():
                yield from self.of(old_rest, new[name], f"{path}.{name}".lstrip("."), seen)
            yield from self.of(old_rest, new_rest, f"{path}.*".lstrip("."), seen)


def _resolved(schema: Any, definitions: Schema) -> Any:
    """The schema that a reference leads to; what stands beside the reference is only said."""
    while isinstance(schema, Mapping) and "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    return schema


def _variants(schema: Any, definitions: Schema) -> list[Any]:
    """Schemas without alternatives, which together allow what this one does."""
    schema = _resolved(schema, definitions)
    if schema is True or schema is False:
        return [{}] if schema else []
    for name in ("anyOf", "oneOf"):
        if name in schema:
            beside = {key: value for key, value in schema.items() if key not in _SAID | {name}}
            return [
                {**beside, **each} for part in schema[name] for each in _variants(part, definitions)
            ]
    if "enum" in schema:
        return [{"const": value} for value in schema["enum"]]
    if isinstance(schema.get("type"), list):
        return [{**schema, "type": each} for each in schema["type"]]
    return [{"const": schema["const"]} if "const" in schema else schema]


def _covers(before: str | None, after: str | None) -> bool:
    return after is None or before == after or (before, after) == ("integer", "number")


def _same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _default(field: Any) -> str | None:
    """The default as text, so that true and 1 differ; None when none is said."""
    return repr(field["default"]) if isinstance(field, Mapping) and "default" in field else None


def _lowest(schema: Schema) -> tuple[float, bool]:
    return max((schema.get("minimum", -inf), False), (schema.get("exclusiveMinimum", -inf), True))


def _highest(schema: Schema) -> tuple[float, bool]:
    return min((schema.get("maximum", inf), True), (schema.get("exclusiveMaximum", inf), False))
