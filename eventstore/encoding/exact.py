"""Which JSON values can be stored exactly: read by any reader, they are what they were."""

from __future__ import annotations

import math
from typing import Any

from eventstore.limits import MAX_NESTING

__all__ = ["objection"]


def objection(value: Any, ceiling: int, depth: int) -> tuple[str, tuple[str | int, ...]] | None:
    """The first thing in a JSON value that can't be stored exactly: (reason, path to it)."""
    kind = type(value)
    if kind is str:
        if "\x00" in value:
            return "the character U+0000, which PostgreSQL text can't hold", ()
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                return "a lone surrogate, which is no Unicode text", ()
    elif value is None or kind is bool:
        pass
    elif kind is int:
        if abs(value) > ceiling:
            return (
                f"integer {value if abs(value) < 10**30 else 'of over 30 digits'} is beyond "
                f"{ceiling}; mark the field Annotated[int, BigInt] or use a string",
                (),
            )
    elif kind is float:
        if not math.isfinite(value):
            return f"{value} is no JSON number", ()
    elif kind is dict:
        if depth >= MAX_NESTING:
            return f"nested deeper than {MAX_NESTING} levels", ()
        for key, item in value.items():
            if type(key) is not str:
                return f"key {key!r} is not a string", ()
            # Most are plain texts, and to ask again for each takes twice as long.
            if type(item) is str and (both := key + item).isascii() and "\x00" not in both:
                continue
            found = objection(key, ceiling, depth) or objection(item, ceiling, depth + 1)
            if found is not None:
                return found[0], (key, *found[1])
    elif kind is list or kind is tuple:
        if depth >= MAX_NESTING:
            return f"nested deeper than {MAX_NESTING} levels", ()
        for index, item in enumerate(value):
            found = objection(item, ceiling, depth + 1)
            if found is not None:
                return found[0], (index, *found[1])
    else:
        return f"{kind.__name__} is no JSON value", ()
    return None
