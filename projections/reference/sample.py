"""Payloads made from a JSON Schema, to be kept as samples of a released form. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

__all__ = ["sample"]

_FORMATS: Final = {
    "uuid": "0198c0de-0000-7000-8000-000000000001",
    "date": "2025-01-31",
    "time": "12:00:00Z",
    "duration": "P1D",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "email": "somebody@example.org",
    "uri": "https://example.org/a",
}
_TEXTS: Final = (
    "text", "a", "A", "1", "1.5", "0" * 64, "somebody@example.org", "https://example.org/a",
    "2025-01-31", "a.b", "a/b", "A_1", "AACAPw==", "0" * 40, "0" * 32, "",
)  # fmt: skip
"""What a pattern is tried with."""
_FOUR_BYTES: Final = "AACAPw=="
_FIRST_MOMENT: Final = datetime(2025, 1, 31, 12, tzinfo=UTC)
MAX_DEPTH: Final = 8
"""Levels below which only what is required is filled in, so that a type may contain itself."""


def sample(schema: Mapping[str, Any], *, full: bool) -> Any:
    """A value that the schema allows, as far as that is easy: with every field, or as few as go.

    Each time in it is later than the one before.
    """
    return _Making(schema.get("$defs", {}), full).value(schema, 0)


class _Making:
    def __init__(self, definitions: Mapping[str, Any], full: bool) -> None:
        self._definitions, self._full, self._moments = definitions, full, 0

    def value(self, schema: Any, depth: int) -> Any:
        full = self._full and depth < MAX_DEPTH
        while isinstance(schema, Mapping) and "$ref" in schema:
            schema = self._definitions[schema["$ref"].rpartition("/")[2]]
        if schema is True or not schema:
            return "anything" if full else None
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0 if full else -1]
        for name in ("anyOf", "oneOf"):
            if name in schema:
                return self.value(schema[name][0 if full else -1], depth)
        match schema.get("type"):
            case "object":
                return self._object(schema, depth, full)
            case "array":
                count = max(schema.get("minItems", 0), 1 if full else 0)
                return [self.value(schema.get("items", True), depth + 1) for _ in range(count)]
            case "string":
                return self._text(schema)
            case "integer" | "number":
                return _number(schema)
            case "boolean":
                return True
        return None

    def _object(self, schema: Mapping[str, Any], depth: int, full: bool) -> dict[str, Any]:
        required = schema.get("required", ())
        made = {
            name: self.value(field, depth + 1)
            for name, field in schema.get("properties", {}).items()
            if full or name in required
        }
        rest = schema.get("additionalProperties", "properties" not in schema)
        if full and rest and "patternProperties" not in schema:
            made[self._text(schema.get("propertyNames", {}))] = self.value(rest, depth + 1)
        return made

    def _text(self, schema: Mapping[str, Any]) -> str:
        if schema.get("format") == "date-time":
            self._moments += 1
            return (_FIRST_MOMENT + timedelta(days=self._moments)).isoformat()
        if "format" in schema:
            return _FORMATS.get(schema["format"], "text")
        if "contentEncoding" in schema:
            return _FOUR_BYTES
        least, most = schema.get("minLength", 0), schema.get("maxLength", 1_000)
        for text in _TEXTS:
            fitting = text if len(text) >= least else text.ljust(least, text[-1:] or "a")
            if len(fitting) <= most and re.search(schema.get("pattern", ""), fitting):
                return fitting
        return "text"


def _number(schema: Mapping[str, Any]) -> float:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    high = schema.get("maximum", schema.get("exclusiveMaximum", low + 2) - 1)
    step: float = schema.get("multipleOf", 1)
    between: float = max(low, min(1, high))
    if (schema["type"] == "number" and low < between < high) or between % step == 0:
        return between
    return int(low / step + 1) * step
