"""A read-model row as a typed value, and what its table is called and keyed by."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any, ClassVar, Final, TypeVar, dataclass_transform

from eventstore import Event

__all__ = ["Key", "Named", "Row", "copy_of", "fields_naming", "full_key", "row_from", "table"]

Key = tuple[Any, ...]
"""(tenant_id, key column, …): what tells the rows of a table apart."""

Named = tuple[type["Row"], Key]
"""A row by its table and key, as an event names it."""

R = TypeVar("R", bound="Row")

_new: Final = object.__new__


class Row:
    """The base of all read-model rows; `table` makes a subclass a dataclass.

    The engine fills the four columns below from the event; a rule never sets them. Two rows are
    equal when their own columns are. It has no methods, so that a column can have any name; what
    is done with a row are functions of this module.
    """

    TABLE: ClassVar[str]
    KEY: ClassVar[tuple[str, ...]]
    NAMED_BY: ClassVar[tuple[tuple[str, ...], ...]]
    NAMED_ONLY_BY: ClassVar[tuple[type[Event], ...]]
    SEARCHED: ClassVar[tuple[str, ...]]
    BY_MONTH: ClassVar[str | None]
    COLUMNS: ClassVar[tuple[str, ...]]
    FULL_KEY: ClassVar[Callable[[Any], Key]]

    tenant_id: str
    created_at: datetime
    """occurred_at of the event that made the row."""
    updated_at: datetime
    """occurred_at of the last event that touched the row."""
    position: int
    """Position of the last event that touched the row."""


def full_key(row: Row) -> Key:
    """The row's key, as states hold it."""
    return type(row).FULL_KEY(row)


def row_from(table: type[R], values: dict[str, Any]) -> R:
    """The row with these columns, all of them; without the checks of a constructor."""
    row = _new(table)
    _set_columns(row, values)
    return row


def copy_of(row: R) -> R:
    """A row that can be changed without the other noticing, as long as values are replaced.

    It is shallow: a list or a dictionary is shared, and so must never be changed in place.
    """
    twin = _new(type(row))
    _set_columns(twin, row.__dict__.copy())
    return twin


def fields_naming(table: type[Row], event: type) -> tuple[tuple[str, ...], ...]:
    """The fields of an event class that name rows of a table: some for each key that it holds."""
    if not issubclass(event, Event) or not issubclass(event, table.NAMED_ONLY_BY or Event):
        return ()
    there = {"event_id", *event.model_fields}
    found = tuple(fields for fields in table.NAMED_BY if there.issuperset(fields))
    there.add("occurred_at")
    return found or tuple(fields for fields in table.NAMED_BY if there.issuperset(fields))


_EMBEDDED: Final = ("embedding", "embedding_model")
_LONGEST_IN_MONTHS: Final = 63 - len("_2026_01")
"""So that the names of its partitions are names for PostgreSQL."""
_OWN_NAMES: Final = frozenset(Row.__annotations__)
_set_columns: Final = vars(Row)["__dict__"].__set__


@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field,))
def table(
    name: str,
    *,
    key: str | tuple[str, ...],
    named_by: tuple[str | tuple[str, ...], ...],
    named_only_by: tuple[type[Event], ...] = (),
    searched: tuple[str, ...] = (),
    by_month: str | None = None,
) -> Callable[[type[R]], type[R]]:
    """Makes a class the row type of table `name`, whose key columns are `key` (after tenant_id).

    `named_by` says which event fields hold such a key: an event with the field `package_id` names
    the `packages` row of that id. `event_id` is the event's own id, for tables with one row an
    event; `named_only_by` lists the events that make one, so that nothing is looked up for the
    others. A field that is a list names a row for each of its values. A projection sees only rows
    that its event names; so a batch loads them all at once.

    `by_month` is the key column, a time, by whose month (in UTC) the table is partitioned; months
    are made when rows need them. Where such a time is that of the event which makes the row,
    `occurred_at` stands for it in `named_by`, as the last field: it counts for events that have no
    other way to name a row of the table.

    `searched` are the columns by whose text rows are found, a title before what it stands above.
    Such a table also has the columns `embedding` and `embedding_model`, and in SQL `words`.
    """

    def make(cls: type[R]) -> type[R]:
        made = dataclasses.dataclass(kw_only=True)(cls)
        made.TABLE = name
        made.KEY = (key,) if isinstance(key, str) else key
        made.NAMED_BY = tuple((n,) if isinstance(n, str) else n for n in named_by)
        made.NAMED_ONLY_BY, made.BY_MONTH = named_only_by, by_month
        if any("occurred_at" in fields[:-1] for fields in made.NAMED_BY):
            raise TypeError(f"named_by of {name}: occurred_at comes last")
        if by_month is not None and (by_month not in made.KEY or len(name) > _LONGEST_IN_MONTHS):
            raise TypeError(
                f"{name} can't be kept by month: {by_month} has to be in its key, and the name "
                f"at most {_LONGEST_IN_MONTHS} letters long"
            )
        made.SEARCHED = searched
        own = tuple(f.name for f in dataclasses.fields(made))  # type: ignore[arg-type]
        if taken := _OWN_NAMES.intersection(own):
            raise TypeError(f"a column of {name} can't be named {', '.join(sorted(taken))}")
        made.COLUMNS = ("tenant_id", *own, "created_at", "updated_at", "position")
        if lacking := {*searched, *(_EMBEDDED if searched else ())}.difference(own):
            raise TypeError(f"{name} can't be searched without {', '.join(sorted(lacking))}")
        made.FULL_KEY = attrgetter("tenant_id", *made.KEY)
        return made

    return make
