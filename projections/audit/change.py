"""How a row differs between two moments, or under two sets of rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from projections.audit.differences import differing
from projections.row import Key, Row, full_key

__all__ = ["Change", "Kind", "change"]

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """From one side to the other: `columns` maps a column to (its value there, its value here).

    A row that was added or removed has all of its columns, and None on the side without it.
    """

    table: str
    key: Key
    kind: Kind
    columns: dict[str, tuple[Any, Any]]


def change(before: Row | None, after: Row | None, columns: Iterable[str]) -> Change | None:
    """How one row changed in those columns; None when it did not, or was there on no side."""
    if after is None:
        if before is None:
            return None
        values = {name: (vars(before)[name], None) for name in columns}
        return Change(before.TABLE, full_key(before), "removed", values)
    if before is None:
        values = {name: (None, vars(after)[name]) for name in columns}
        return Change(after.TABLE, full_key(after), "added", values)
    differ = differing(before, after, columns)
    return Change(after.TABLE, full_key(after), "changed", differ) if differ else None
