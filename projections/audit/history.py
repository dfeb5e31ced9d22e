"""What changed, and by which event: between two moments, or in one row since it was made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from eventstore import RecordedEvent
from projections.apply.held_rows import for_replay
from projections.apply.holding import Held
from projections.audit.change import Change, change
from projections.audit.fold import fold
from projections.audit.replay import owner_of, position_at
from projections.catalogue import PROJECTIONS
from projections.errors import NoSuchRow, UnknownColumn
from projections.projection import Projection
from projections.row import Row
from projections.session import Connection

__all__ = ["CellChange", "Changed", "cell_history", "changes_between"]

_ENGINE: Final = frozenset({"tenant_id", "created_at", "updated_at", "position"})
"""Columns that the engine fills; they tell when a row changed, and are no change of their own."""


@dataclass(frozen=True, slots=True)
class Changed:
    """How a projection's rows differ between two positions."""

    from_position: int
    to_position: int
    changes: tuple[Change, ...]
    """By table and key."""


@dataclass(frozen=True, slots=True)
class CellChange:
    """One value became another one by an event; where there is no row, its values are None."""

    column: str
    before: Any
    after: Any
    recorded: RecordedEvent


def changes_between(
    conn: Connection,
    projection: Projection,
    earlier: int | datetime,
    later: int | datetime,
    *,
    tenant: str | None = None,
) -> Changed:
    """The rows that were added, removed or changed after one moment and up to another.

    Memory holds the rows of both. When `later` comes first, it is the way back. What can't be
    applied is left out, as it is live.
    """
    ends = position_at(conn, earlier), position_at(conn, later)
    start, end = min(ends), max(ends)
    state, holding = projection.empty(), for_replay(conn, projection, tenant=tenant)
    for _ in fold(conn, projection, state, holding, until=start, tenant=tenant):
        pass
    # Rules change copies of rows, so it is enough to remember which rows there were.
    before = {table: dict(rows) for table, rows in state.items()}
    for _ in fold(conn, projection, state, holding, after=start, until=end, tenant=tenant):
        pass
    sides = (before, state) if ends[0] <= ends[1] else (state, before)
    found: list[Change] = []
    for table in projection.tables:
        columns = [name for name in table.COLUMNS if name not in _ENGINE]
        there, here = sides[0][table], sides[1][table]
        # What was not touched is the same object.
        keys = [key for key in there.keys() | here.keys() if there.get(key) is not here.get(key)]
        for key in sorted(keys):
            differs = change(there.get(key), here.get(key), columns)
            if differs is not None:
                found.append(differs)
    return Changed(ends[0], ends[1], tuple(found))


def cell_history(
    conn: Connection,
    table: str,
    key: tuple[Any, ...],
    columns: Sequence[str] = (),
    *,
    until: int | datetime,
    tenant: str,
    projections: tuple[Projection, ...] = PROJECTIONS,
) -> list[CellChange]:
    """Every change of a row's values, or of some columns', in order; `key` is without the tenant.

    What can't be applied is left out, as it is live. Raises UnknownTable, UnknownColumn, and
    NoSuchRow when there never was such a row.
    """
    projection, row_type = owner_of(table, projections)
    for name in columns:
        if name not in row_type.COLUMNS:
            raise UnknownColumn(table, name, list(row_type.COLUMNS))
    wanted = columns or [name for name in row_type.COLUMNS if name not in _ENGINE]
    position = position_at(conn, until)
    state, full_key = projection.empty(), (tenant, *key)
    holding = for_replay(conn, projection, tenant=tenant)
    found: list[CellChange] = []
    row: Row | None = None
    ever = False
    for recorded, outcome in fold(conn, projection, state, holding, until=position, tenant=tenant):
        if isinstance(outcome, Held) or (row_type, full_key) not in outcome:
            continue
        ever = True
        after = state[row_type].get(full_key)
        found += _cells(row, after, wanted, recorded)
        row = after
    if not ever:
        raise NoSuchRow(table, key, position)
    return found


def _cells(
    before: Row | None, after: Row | None, columns: Sequence[str], recorded: RecordedEvent
) -> Iterator[CellChange]:
    for name in columns:
        then = None if before is None else vars(before)[name]
        now = None if after is None else vars(after)[name]
        if then != now:
            yield CellChange(name, then, now, recorded)
