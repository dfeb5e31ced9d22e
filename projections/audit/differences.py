"""Two sides of the same tables, row by row in the order of their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from projections.row import Row, full_key

__all__ = ["differing", "side_by_side"]


def side_by_side(
    left: Iterator[Row], right: Iterator[Row]
) -> Iterator[tuple[Row | None, Row | None]]:
    """Pairs what has the same key; None where a side has no such row. Both are in key order."""
    ours, theirs = next(left, None), next(right, None)
    while ours is not None or theirs is not None:
        if ours is None or (theirs is not None and full_key(theirs) < full_key(ours)):
            yield None, theirs
            theirs = next(right, None)
        elif theirs is None or full_key(ours) < full_key(theirs):
            yield ours, None
            ours = next(left, None)
        else:
            yield ours, theirs
            ours, theirs = next(left, None), next(right, None)


def differing(ours: Row, theirs: Row, columns: Iterable[str]) -> dict[str, tuple[Any, Any]]:
    """The columns whose values differ, each with both."""
    found, wanted = vars(ours), vars(theirs)
    return {name: (found[name], wanted[name]) for name in columns if found[name] != wanted[name]}
