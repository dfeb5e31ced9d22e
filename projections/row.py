"""A read-model row as a typed value, and what its table is called and keyed by."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

from eventstore import Event, RecordedEvent

__all__ = ["Key", "Row", "table"]

Key = tuple[Any, ...]
"""(tenant_id, key column, …): what tells the rows of a table apart."""

R = TypeVar("R", bound="Row")


class Row:
    """The base of all read-model rows; `table` makes a subclass a dataclass.

    The engine fills the four columns below from the event; a rule never sets them. Two rows are
    equal when their own columns are.
    """

    TABLE: ClassVar[str]
    KEY: ClassVar[tuple[str, ...]]
    NAMED_BY: ClassVar[tuple[tuple[str, ...], ...]]
    NAMED_ONLY_BY: ClassVar[tuple[type[Event], ...]]
    COLUMNS: ClassVar[tuple[str, ...]]
    _full_key: ClassVar[Callable[[Any], Key]]
    _names: ClassVar[dict[type, tuple[tuple[str, ...], ...]]]

    tenant_id: str
    created_at: datetime
    """occurred_at of the event that made the row."""
    updated_at: datetime
    """occurred_at of the last event that touched the row."""
    position: int
    """Position of the last event that touched the row."""

    def key(self) -> Key:
        """The row's key, without its tenant."""
        return tuple(getattr(self, column) for column in self.KEY)

    def full_key(self) -> Key:
        """The row's key, as states hold it."""
        return type(self)._full_key(self)

    def copy(self) -> Self:
        """A row that can be changed without this one noticing, as long as values are replaced.

        It is shallow: a list or a dictionary is shared, and so must never be changed in place.
        """
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    @classmethod
    def keys_named_by(cls, event: Any, recorded: RecordedEvent) -> list[Key]:
        """The keys (with tenant) of this table's rows that an event names."""
        names = cls._names.get(type(event))
        if names is None:
            names = cls._names[type(event)] = cls._names_in(type(event))
        keys: list[Key] = []
        for fields in names:
            if len(fields) == 1:  # nearly always, and this runs for every event and table
                value = getattr(event, fields[0])
                if value is not None:
                    keys.append((recorded.tenant_id, value))
            else:
                values = [getattr(event, field) for field in fields]
                if not any(value is None for value in values):
                    keys.append((recorded.tenant_id, *values))
        return keys

    @classmethod
    def _names_in(cls, event: type) -> tuple[tuple[str, ...], ...]:
        """Which of NAMED_BY an event class has the fields for."""
        if not issubclass(event, Event) or not issubclass(event, cls.NAMED_ONLY_BY or Event):
            return ()
        there = {"event_id", *event.model_fields}
        return tuple(fields for fields in cls.NAMED_BY if there.issuperset(fields))


@dataclass_transform(kw_only_default=True, field_specifiers=(dataclasses.field,))
def table(
    name: str,
    *,
    key: str | tuple[str, ...],
    named_by: tuple[str | tuple[str, ...], ...],
    named_only_by: tuple[type[Event], ...] = (),
) -> Callable[[type[R]], type[R]]:
    """Makes a class the row type of table `name`, whose key columns are `key` (after tenant_id).

    `named_by` says which event fields hold such a key: an event with the field `package_id` names
    the `packages` row of that id. `event_id` is the event's own id, for tables with one row an
    event; `named_only_by` lists the events that make one, so that nothing is looked up for the
    others. A projection sees only rows that its event names; so a batch loads them all at once.
    """

    def make(cls: type[R]) -> type[R]:
        made = dataclasses.dataclass(kw_only=True)(cls)
        made.TABLE = name
        made.KEY = (key,) if isinstance(key, str) else key
        made.NAMED_BY = tuple((n,) if isinstance(n, str) else n for n in named_by)
        made.NAMED_ONLY_BY = named_only_by
        own = tuple(f.name for f in dataclasses.fields(made))  # type: ignore[arg-type]
        made.COLUMNS = ("tenant_id", *own, "created_at", "updated_at", "position")
        made._full_key = attrgetter("tenant_id", *made.KEY)
        made._names = {}
        return made

    return make
