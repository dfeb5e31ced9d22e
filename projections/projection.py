"""What a projection is: rules that say how an event changes the rows that it names.

    class Packaging(Projection, name="packaging", tables=(Package, ProcessHistory)):
        @on(PackageRegistered)
        def registered(self, event: PackageRegistered, recorded: RecordedEvent, rows: Rows) -> None:
            rows.add(Package(id=event.package_id, name=event.name))

Rules are pure: no clock, no random, no I/O, no SQL. From that one property come live projection,
rebuild, state as of any moment, and the check that all of these agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, ClassVar, Final, TypeVar, get_args

from eventstore import Event, RecordedEvent
from eventstore.errors import UnknownEventType
from eventstore.registry import default_registry
from projections.errors import EventNotApplied, KeyNotNamed, MissingRow, RowExists
from projections.naming import Namer, named_by, namers_of
from projections.row import Key, Named, Row, copy_of, fields_naming

__all__ = ["Projection", "Rows", "State", "on"]

R = TypeVar("R", bound=Row)
H = TypeVar("H", bound=Callable[..., None])

_SQL_FILE: Final = re.compile(r"[\w.-]+\.sql")

State = dict[type[Row], dict[Key, Row | None]]
"""Rows by table and key; None says that the row is known to be absent."""


def on(*events: type[Event]) -> Callable[[H], H]:
    """Marks a method `(self, event, recorded, rows) -> None` as the rule for those events."""

    def mark(handler: H) -> H:
        handler.__dict__["handles"] = events
        return handler

    return mark


class Rows:
    """The rows that one event names, and the changes that its rule makes to them.

    A rule gets copies: changes reach the state only when the whole rule has succeeded. A value
    that is a list or a dictionary is replaced, never changed in place.
    """

    __slots__ = ("_changed", "_named", "_recorded", "_state")

    def __init__(self, state: State, named: Sequence[Named], recorded: RecordedEvent) -> None:
        self._state, self._named, self._recorded = state, named, recorded
        # An event touches two rows or three: to look through them is quicker than to hash keys.
        self._changed: list[tuple[Named, Row | None]] = []

    def get(self, table: type[R], *key: Any) -> R:
        """The named row, to be changed in place; raises MissingRow.

        Without `key`, the one that the event names (the first, if it names several).
        """
        named = self._find(table, key)
        row = self._to_change(named)
        if row is None:
            raise MissingRow(table.TABLE, named[1][1:])
        return row  # type: ignore[return-value]

    def find(self, table: type[R], *key: Any) -> R | None:
        """The named row, to be changed in place, or None when there is none."""
        return self._to_change(self._find(table, key))  # type: ignore[return-value]

    def see(self, table: type[R], *key: Any) -> R:
        """The named row to look at only, so that it is not stamped; raises MissingRow."""
        named = self._find(table, key)
        row = self._now(named)
        if row is None:
            raise MissingRow(table.TABLE, named[1][1:])
        return row  # type: ignore[return-value]

    def add(self, row: Row) -> None:
        """A new row; raises RowExists when its key is taken."""
        table, recorded = type(row), self._recorded
        row.tenant_id, row.created_at = recorded.tenant_id, recorded.occurred_at
        key = table.FULL_KEY(row)
        for named in self._named:
            if named[0] is table and named[1] == key:
                break
        else:
            raise KeyNotNamed(table.TABLE, key[1:], recorded.event_type)
        if self._now(named) is not None:
            raise RowExists(table.TABLE, key[1:])
        self._change(named, row)

    def remove(self, table: type[Row], *key: Any) -> None:
        """Deletes the named row; raises MissingRow."""
        self.get(table, *key)
        self._change(self._find(table, key), None)

    def commit(self) -> list[Named]:
        """Puts the changes into the state, stamped with the event; returns the rows touched."""
        at, position, state = self._recorded.occurred_at, self._recorded.position, self._state
        touched = []
        for named, row in self._changed:
            if row is not None:
                row.updated_at, row.position = at, position
            state[named[0]][named[1]] = row
            touched.append(named)
        return touched

    def _find(self, table: type[Row], key: Key) -> Named:
        """Which of the event's rows is meant by `key`, or by the event; raises KeyNotNamed."""
        for named in self._named:
            if named[0] is table and (not key or named[1][1:] == key):
                return named
        raise KeyNotNamed(table.TABLE, key or "at all", self._recorded.event_type)

    def _now(self, named: Named) -> Row | None:
        """The row as the rule has it so far."""
        for changed, row in self._changed:
            if changed is named:
                return row
        return self._state[named[0]].get(named[1])

    def _to_change(self, named: Named) -> Row | None:
        """The row as the rule has it so far, as a copy of its own."""
        for changed, row in self._changed:
            if changed is named:
                return row
        stored = self._state[named[0]].get(named[1])
        if stored is None:
            return None
        row = copy_of(stored)
        self._changed.append((named, row))
        return row

    def _change(self, named: Named, row: Row | None) -> None:
        for place, (changed, _) in enumerate(self._changed):
            if changed is named:
                self._changed[place] = (named, row)
                return
        self._changed.append((named, row))


class Projection:
    """The rules of one context: its tables, and a method for each event that changes them.

    `version` rises whenever a rule or a table changes its meaning; the new version is then built
    by a rebuild. The tables come from an SQL file beside the class, NAME_v1.sql, and from
    NAME_vN.sql since the version that has other ones. A subclass takes over the rules that it does
    not replace.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    tables: ClassVar[tuple[type[Row], ...]]
    """In dependency order: a table comes after those that its foreign keys point to."""
    handlers: ClassVar[dict[type[Event], Callable[..., None]]]
    event_types: ClassVar[tuple[str, ...]]
    """The event types that change this projection's rows, sorted."""

    shard_by: ClassVar[str | None]
    """The field that names all the rows that an event touches between them: events that differ in
    it have no row in common, so that several projectors can share the projection. Events of another
    kind, which touch other tables, have no such field; one projector has all of them. None when
    there is no such field at all."""

    fold_sql: ClassVar[str | None]
    """The file beside the class that states the same fold in SQL, for rebuilds; None without one.
    A subclass does not take it over, because it may have other rules."""

    def __init_subclass__(
        cls,
        *,
        name: str,
        tables: tuple[type[Row], ...],
        version: int = 1,
        shard_by: str | None = None,
        fold_sql: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.name, cls.version, cls.tables, cls.shard_by = name, version, tables, shard_by
        if fold_sql is not None and not _SQL_FILE.fullmatch(fold_sql):
            raise TypeError(
                f"{cls.__name__}: fold_sql is the name of a file beside the class, "
                f"such as {name}_fold.sql, and not {fold_sql!r}"
            )
        cls.fold_sql = fold_sql
        cls.handlers = {}
        for attribute in dir(cls):
            method = getattr(cls, attribute)
            for event in getattr(method, "handles", ()):
                newest = default_registry.newest(event.event_type)
                if newest in cls.handlers:
                    raise TypeError(f"{cls.__name__} has two rules for {event.event_type}")
                cls.handlers[newest] = method
        if shard_by is not None:
            _check_shards(cls.__name__, tables, cls.handlers, shard_by)
        cls.event_types = tuple(sorted(event.event_type for event in cls.handlers))
        cls._types, cls._namers = frozenset(cls.event_types), {}

    _types: ClassVar[frozenset[str]]
    _namers: ClassVar[dict[type, tuple[Namer, ...]]]

    def empty(self) -> State:
        """The state before any event."""
        return {table: {} for table in self.tables}

    def keys(self, recorded: RecordedEvent) -> list[Named]:
        """The rows that an event names in this projection's tables.

        Raises what decoding the event raises; `apply` then fails for the same reason.
        """
        if recorded.event_type not in self._types:
            return []
        return self._named(recorded.event, recorded)

    def apply(self, state: State, recorded: RecordedEvent) -> list[Named]:
        """Folds one event into the state, all or nothing; returns the rows that it touched.

        An event that this projection has no rule for changes nothing. Raises EventNotApplied with
        the rule's error as its cause; the state is then as it was.
        """
        if recorded.event_type not in self._types:
            return []
        try:
            event = recorded.event
            handler = self.handlers.get(type(event))  # type: ignore[arg-type]
            if handler is None:  # it can't be brought to the schema_version of the rule
                raise UnknownEventType(recorded.event_type, recorded.schema_version)
            rows = Rows(state, self._named(event, recorded), recorded)
            handler(self, event, recorded, rows)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise EventNotApplied(
                self.name,
                recorded.position,
                recorded.event_type,
                reason,
                event_id=recorded.event_id,
            ) from error
        return rows.commit()

    def _named(self, event: Any, recorded: RecordedEvent) -> list[Named]:
        namers = self._namers.get(type(event))
        if namers is None:
            namers = self._namers[type(event)] = namers_of(self.tables, type(event))
        return named_by(namers, event, recorded)


def _check_shards(
    name: str, tables: Iterable[type[Row]], events: Collection[type[Event]], field: str
) -> None:
    """Raises TypeError when events may have a row in common although they differ in a field."""
    for event in events:
        info = event.model_fields.get(field)
        if info and not (info.is_required() and type(None) not in get_args(info.annotation)):
            raise TypeError(f"{name}: {event.event_type} may lack {field}, as shard_by says")
    for table in tables:
        naming = [event for event in events if fields_naming(table, event)]
        if len({field in event.model_fields for event in naming}) > 1:
            raise TypeError(
                f"{name}: {table.TABLE} is named by events that have {field}, as shard_by says, "
                "and by others that have not"
            )
