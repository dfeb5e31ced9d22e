"""What a JSON Schema allows, in a few words for a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

__all__ = ["type_words"]

_FORMATS: Final = {"uuid": "UUID", "date-time": "time", "date": "date", "duration": "duration"}
_NAMES: Final = {"string": "text", "null": "null", "boolean": "yes or no", "object": "JSON object"}
_SIGNS: Final = (
    ("minimum", "≥"),
    ("exclusiveMinimum", ">"),
    ("maximum", "≤"),
    ("exclusiveMaximum", "<"),
)


def type_words(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Such as `text, 1 to 255 long` or `UUID or null`; references are looked up."""
    if "$ref" in schema:
        return type_words(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        choices = (type_words(each, definitions) for each in schema["anyOf"])
        return " or ".join(dict.fromkeys(choices))
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    kind = schema.get("type")
    if kind == "array":
        items = type_words(schema.get("items", {}), definitions)
        return "list of " + items + _range(schema, "minItems", "maxItems", " of them")
    if kind == "object" and "properties" in schema:
        inner = schema["properties"].items()
        fields = (f"{name}: {type_words(each, definitions)}" for name, each in inner)
        return "object of " + "; ".join(fields)
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return "object of names with " + type_words(schema["additionalProperties"], definitions)
    if kind is None:
        return "any JSON value"
    words = _FORMATS.get(schema.get("format", "")) or _NAMES.get(kind) or str(kind)
    return words + _range(schema, "minLength", "maxLength", " long") + _bounds(schema)


def _range(schema: Mapping[str, Any], lower: str, upper: str, unit: str) -> str:
    low, high = schema.get(lower), schema.get(upper)
    if low is None and high is None:
        return ""
    if high is None:
        return f", at least {low}{unit}"
    return f", {low} to {high}{unit}" if low else f", at most {high}{unit}"


def _bounds(schema: Mapping[str, Any]) -> str:
    return "".join(f", {sign} {schema[name]:g}" for name, sign in _SIGNS if name in schema)
