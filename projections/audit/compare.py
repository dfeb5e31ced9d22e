"""What other rules would make of the log, compared with the live tables; nothing is switched."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, Literal

from projections.audit.change import Change, Kind, change
from projections.audit.differences import side_by_side
from projections.audit.live_tables import LiveTables, live_tables
from projections.audit.shadow import Shadow, shadow
from projections.builds.progress import Progress
from projections.builds.shard_build import Failed
from projections.builds.state_size import ROWS
from projections.errors import CompareRefused, RulesNotFound
from projections.projection import Projection
from projections.row import Row
from projections.row_store import RowStore

__all__ = ["Compared", "TableCompared", "compare", "load_rules"]

SHOWN: Final = 100
"""Changes that are kept; the rest is counted, and can be heard of one by one."""
_LAST_EVENT: Final = frozenset({"updated_at", "position"})
"""Columns that tell which event touched a row last; that alone is no difference."""


@dataclass(frozen=True, slots=True)
class TableCompared:
    """One table under both sets of rules."""

    table: str
    sides: Literal["both", "live", "other"]
    """Who has it."""
    rows: int
    """On either side."""
    counts: dict[Kind, int]
    columns_only_live: tuple[str, ...]
    columns_only_other: tuple[str, ...]
    """These are not compared: the other side has no value for them."""

    @property
    def differs(self) -> bool:
        """Whether there is anything to tell."""
        return bool(
            self.sides != "both" or self.counts or self.columns_only_live or self.columns_only_other
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """The outcome, of the events in `starts_after` < position <= `position`."""

    projection: str
    other: str
    position: int
    starts_after: int
    events: int
    tables: tuple[TableCompared, ...]
    changes: tuple[Change, ...]
    """The first of them; from what is live to what the other rules say."""
    held: int
    """Events that the other rules could not apply, and those that wait behind them."""
    failed: int
    """Those of them that failed."""
    failures: tuple[Failed, ...]
    """The first thousand of those."""

    @property
    def equal(self) -> bool:
        """Whether the other rules apply every event, and make the same rows of them."""
        return not self.held and not any(table.differs for table in self.tables)


def compare(
    url: str,
    projection: Projection,
    other: Projection,
    *,
    workers: int | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    each: Callable[[Change], None] = lambda change: None,
    rows_in_memory: int = ROWS,
) -> Compared:
    """Folds the log under `other` rules, and compares with the live tables of `projection`.

    Tables are the same when their names are. `each` hears every change, also those beyond what is
    kept. Which event touched a row last is not compared. Raises CompareRefused when a table has
    other keys, or when the live shards are at different positions and the other rules are not
    sharded alike; TooMuchHeld when the other rules can apply next to nothing; WorkerLost.
    """
    with live_tables(url, projection) as live:
        _check(live, other)
        shards = live.shards(other, workers, rows_in_memory)
        with shadow(url, live.conn, shards, purpose="compare", report=report) as said:
            kept: list[Change] = []
            tables = []
            for name, ours, theirs in _tables(projection, other):
                counts: Counter[Kind] = Counter()
                rows = 0
                for found in _changes(live, said, ours, theirs):
                    rows += 1
                    if found is not None:
                        counts[found.kind] += 1
                        kept += [found][: SHOWN - len(kept)]
                        each(found)
                tables.append(_compared(name, ours, theirs, rows, counts))
            return Compared(
                projection.name,
                f"{type(other).__module__}:{type(other).__qualname__}",
                live.position,
                live.starts_after,
                said.events,
                tuple(tables),
                tuple(kept),
                said.held,
                said.failed,
                said.failures,
            )


def load_rules(name: str) -> Projection:
    """The projection that module:Class names, a class or an object; raises RulesNotFound.

    Modules are looked for in the working directory too.
    """
    module, _, path = name.partition(":")
    if not module or not path:
        raise RulesNotFound(name, "it is written module:Class")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
        rules = found() if isinstance(found, type) else found
    except Exception as error:
        raise RulesNotFound(name, f"{type(error).__name__}: {error}") from error
    if not isinstance(rules, Projection) or type(rules) is Projection:
        raise RulesNotFound(name, "it is no Projection")
    return rules


def _check(live: LiveTables, other: Projection) -> None:
    projection = live.projection
    for name, ours, theirs in _tables(projection, other):
        if ours is not None and theirs is not None and ours.KEY != theirs.KEY:
            raise CompareRefused(
                projection.name,
                type(other).__qualname__,
                f"the key of {name} is {', '.join(ours.KEY)}, and not {', '.join(theirs.KEY)}",
            )
    if not live.even and other.shard_by != projection.shard_by:
        raise CompareRefused(
            projection.name,
            type(other).__qualname__,
            "its shards are at different positions; wait until they have caught up, or stop them",
        )


def _tables(
    projection: Projection, other: Projection
) -> Iterator[tuple[str, type[Row] | None, type[Row] | None]]:
    ours = {table.TABLE: table for table in projection.tables}
    theirs = {table.TABLE: table for table in other.tables}
    for name in dict.fromkeys((*ours, *theirs)):
        yield name, ours.get(name), theirs.get(name)


def _changes(
    live: LiveTables, said: Shadow, ours: type[Row] | None, theirs: type[Row] | None
) -> Iterator[Change | None]:
    """An item for each row of either side: how it changes, or None."""
    store = RowStore(live.projection)
    before = iter(()) if ours is None else store.read_in_order(live.conn, ours)
    after = iter(()) if theirs is None else said.rows(theirs)
    tables = [table for table in (ours, theirs) if table is not None]
    columns = [
        name
        for name in tables[0].COLUMNS
        if name not in _LAST_EVENT and all(name in table.COLUMNS for table in tables)
    ]
    for left, right in side_by_side(before, after):
        yield change(left, right, columns)


def _compared(
    name: str,
    ours: type[Row] | None,
    theirs: type[Row] | None,
    rows: int,
    counts: Counter[Kind],
) -> TableCompared:
    ours_only: tuple[str, ...] = ()
    theirs_only: tuple[str, ...] = ()
    if ours is not None and theirs is not None:
        ours_only = tuple(name for name in ours.COLUMNS if name not in theirs.COLUMNS)
        theirs_only = tuple(name for name in theirs.COLUMNS if name not in ours.COLUMNS)
    sides: Literal["both", "live", "other"] = (
        "other" if ours is None else "live" if theirs is None else "both"
    )
    return TableCompared(name, sides, rows, dict(counts), ours_only, theirs_only)
