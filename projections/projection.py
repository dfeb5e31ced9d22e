"""What a projection is: rules that say how an event changes the rows that it names.

    class Packaging(Projection, name="packaging", tables=(Package, ProcessHistory)):
        @on(PackageRegistered)
        def registered(self, event: PackageRegistered, recorded: RecordedEvent, rows: Rows) -> None:
            rows.add(Package(id=event.package_id, name=event.name))

Rules are pure: no clock, no random, no I/O, no SQL. From that one property come live projection,
rebuild, state as of any moment, and the check that all of these agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, TypeVar, get_args

from eventstore import Event, RecordedEvent
from eventstore.errors import UnknownEventType
from eventstore.registry import default_registry
from projections.errors import EventNotApplied, KeyNotNamed, MissingRow, RowExists
from projections.row import Key, Row

__all__ = ["Projection", "Rows", "State", "on"]

R = TypeVar("R", bound=Row)
H = TypeVar("H", bound=Callable[..., None])

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

    __slots__ = ("_changed", "_event", "_recorded", "_state")

    def __init__(self, state: State, event: Any, recorded: RecordedEvent) -> None:
        self._state, self._event, self._recorded = state, event, recorded
        self._changed: dict[tuple[type[Row], Key], Row | None] = {}

    def get(self, table: type[R], *key: Any) -> R:
        """The named row, to be changed in place; raises MissingRow.

        Without `key`, the one that the event names (the first, if it names several).
        """
        row = self.find(table, *key)
        if row is None:
            raise MissingRow(table.TABLE, self._key(table, key)[1:])
        return row

    def find(self, table: type[R], *key: Any) -> R | None:
        """The named row, to be changed in place, or None when there is none."""
        full = self._key(table, key)
        changed = self._changed
        if changed and (table, full) in changed:
            return changed[table, full]  # type: ignore[return-value]
        stored = self._state[table].get(full)
        if stored is None:
            return None
        row = changed[table, full] = stored.copy()
        return row  # type: ignore[return-value]

    def see(self, table: type[R], *key: Any) -> R:
        """The named row to look at only, so that it is not stamped; raises MissingRow."""
        full = self._key(table, key)
        row = self._now(table, full)
        if row is None:
            raise MissingRow(table.TABLE, full[1:])
        return row  # type: ignore[return-value]

    def add(self, row: Row) -> None:
        """A new row; raises RowExists when its key is taken."""
        table, recorded = type(row), self._recorded
        row.tenant_id, row.created_at = recorded.tenant_id, recorded.occurred_at
        full = row.full_key()
        if full not in table.keys_named_by(self._event, recorded):
            raise KeyNotNamed(table.TABLE, full[1:], recorded.event_type)
        if self._now(table, full) is not None:
            raise RowExists(table.TABLE, full[1:])
        self._changed[table, full] = row

    def remove(self, table: type[Row], *key: Any) -> None:
        """Deletes the named row; raises MissingRow."""
        self._changed[table, self.get(table, *key).full_key()] = None

    def commit(self) -> list[tuple[type[Row], Key]]:
        """Puts the changes into the state, stamped with the event; returns the rows touched."""
        at, position = self._recorded.occurred_at, self._recorded.position
        for (table, key), row in self._changed.items():
            if row is not None:
                row.updated_at, row.position = at, position
            self._state[table][key] = row
        return list(self._changed)

    def _now(self, table: type[Row], full: Key) -> Row | None:
        """The row as the rule has it so far."""
        changed = self._changed
        if changed and (table, full) in changed:
            return changed[table, full]
        return self._state[table].get(full)

    def _key(self, table: type[Row], key: Key) -> Key:
        """The full key of the row meant by `key`, or by the event; raises KeyNotNamed."""
        named = table.keys_named_by(self._event, self._recorded)
        if not key:
            if named:
                return named[0]
            raise KeyNotNamed(table.TABLE, "at all", self._recorded.event_type)
        full = (self._recorded.tenant_id, *key)
        if full not in named:
            raise KeyNotNamed(table.TABLE, key, self._recorded.event_type)
        return full


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
    """The field that every event of the projection has, and that names all the rows it touches
    between them: events that differ in it have no row in common, so that several projectors can
    share the projection. None when there is no such field."""

    def __init_subclass__(
        cls,
        *,
        name: str,
        tables: tuple[type[Row], ...],
        version: int = 1,
        shard_by: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.name, cls.version, cls.tables, cls.shard_by = name, version, tables, shard_by
        cls.handlers = {}
        for attribute in dir(cls):
            method = getattr(cls, attribute)
            for event in getattr(method, "handles", ()):
                newest = default_registry.newest(event.event_type)
                if newest in cls.handlers:
                    raise TypeError(f"{cls.__name__} has two rules for {event.event_type}")
                if shard_by is not None and not _always_there(newest, shard_by):
                    raise TypeError(f"{event.event_type} may lack {shard_by}, as shard_by says")
                cls.handlers[newest] = method
        cls.event_types = tuple(sorted(event.event_type for event in cls.handlers))
        cls._types = frozenset(cls.event_types)

    _types: ClassVar[frozenset[str]]

    def empty(self) -> State:
        """The state before any event."""
        return {table: {} for table in self.tables}

    def keys(self, recorded: RecordedEvent) -> Iterator[tuple[type[Row], Key]]:
        """The rows that an event names in this projection's tables.

        Raises what decoding the event raises; `apply` then fails for the same reason.
        """
        if recorded.event_type not in self._types:
            return
        event = recorded.event
        for table in self.tables:
            for key in table.keys_named_by(event, recorded):
                yield table, key

    def apply(self, state: State, recorded: RecordedEvent) -> list[tuple[type[Row], Key]]:
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
            rows = Rows(state, event, recorded)
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


def _always_there(event: type[Event], field: str) -> bool:
    """Whether every event of a class carries a value in a field."""
    info = event.model_fields.get(field)
    return info is not None and info.is_required() and type(None) not in get_args(info.annotation)
