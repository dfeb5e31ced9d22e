"""What a payload is about, in a few words on one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

__all__ = ["one_line", "summary"]

_VERDICTS: Final = (
    "status", "kind", "decision", "decision_type", "outcome", "feedback", "metric_type",
    "metric_value",
)  # fmt: skip
"""Fields whose value is a word or a number that says how it went."""

_TEXTS: Final = (
    "title", "content", "summary", "error", "rationale", "name", "input", "reason", "agent_id",
    "text",
)  # fmt: skip
"""Fields that tell what it is about, or hold one that does, the most telling first."""


def summary(payload: Mapping[str, Any], width: int = 80) -> str:
    """At most `width` printable characters; empty when nothing in the payload is telling."""
    return one_line(" ".join(_parts(payload)), width)


def one_line(text: str, width: int) -> str:
    """The text with white space folded, cut to `width`, and nothing that a terminal would obey."""
    # Folding looks at a multiple of the width only: a payload can be a megabyte.
    folded = " ".join(text[: 8 * width].split())
    safe = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in folded)
    return safe if len(safe) <= width else safe[: width - 1] + "…"


def _parts(payload: Mapping[str, Any]) -> Iterator[str]:
    told = False
    if "to_status" in payload:
        told = True
        yield f"{payload.get('from_status') or '·'} → {payload['to_status']}"
    for name in _VERDICTS:
        if isinstance(value := payload.get(name), str | int | float):
            told = True
            yield str(value)
    text = _text(payload)
    if text:
        yield text
    elif not told:
        for name, value in payload.items():
            if isinstance(value, str | int | float) and not name.endswith("_id"):
                yield f"{name}={value}"


def _text(payload: Mapping[str, Any], depth: int = 2) -> str:
    for name in _TEXTS:
        value = payload.get(name)
        if isinstance(value, Mapping) and depth > 1:
            value = _text(value, depth - 1)
        if isinstance(value, str) and value:
            return value
    return ""
