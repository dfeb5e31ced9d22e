"""Which events are held: those that can't be applied, and what names the same rows after them.

An event sees only rows that it names, so two events without a row in common can change places.
That is why an event that fails need not stop the others: it is held, everything that names one of
its rows is held behind it, in order, and the rest goes on. Applied later, in order, the held events
give the rows that they would have given at once.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Literal, get_type_hints

import orjson
from pydantic import TypeAdapter, ValidationError

from eventstore import RecordedEvent
from eventstore.encoding.moment import is_in_calendar
from projections.apply.refusal import not_applied
from projections.errors import EventNotApplied
from projections.projection import Projection, State
from projections.row import Key, Row

__all__ = ["MAX_FAILURES", "MAX_HELD", "Held", "Holding", "Origin", "named"]

Origin = Literal["payload", "rules", "database"]
"""What objected to an event: its payload can't be read, a rule, or only the database."""

MAX_FAILURES: Final = 100
"""Events that may have failed; with more, something is wrong that one event alone is not."""
MAX_HELD: Final = 10_000
"""Events that may be held in all, with those that wait."""

_STREAM, _SHARD = "stream", "shard"
"""Stand for a table in the key of all that an event which can't be read may name."""


@dataclass(frozen=True, slots=True)
class Held:
    """An event that was not applied, and the rows that wait for it."""

    recorded: RecordedEvent
    keys: frozenset[str]
    """The rows, each as JSON: [table, tenant_id, key column, …]. An event that can't be read also
    names ["stream", tenant_id, stream_id], or with `shard_by` ["shard", tenant_id, value]."""
    behind: int | None
    """Position of the failed event that it waits for; None when it failed itself."""
    origin: Origin | None
    """What objected; None when it waits."""
    error: EventNotApplied | None
    """Why it failed; None when it waits."""

    def names(self, table: type[Row], key: Key) -> bool:
        """Whether the event names that row."""
        return _key(table.TABLE, *key) in self.keys


class Holding:
    """What is held of one projection, as far as its fold has come."""

    def __init__(
        self,
        held: Iterable[tuple[int, int | None, Iterable[str]]] = (),
        *,
        refused: Container[int] = frozenset(),
        discarded: Container[tuple[str, int]] = frozenset(),
        max_failures: int = MAX_FAILURES,
    ) -> None:
        """Takes up what is held already, as (position, for which it waits, its keys).

        `refused` are positions that only the database objects to, and that fail without a try;
        `discarded` are events, by tenant and position, that somebody decided to leave out.
        """
        self._refused, self._discarded, self._max_failures = refused, discarded, max_failures
        self._behind: dict[str, int] = {}
        self._failed = self._waiting = 0
        for position, behind, keys in held:
            self.hold(position, behind, keys)

    def __len__(self) -> int:
        return self._failed + self._waiting

    @property
    def failed(self) -> int:
        """How many events have failed, not counting those that wait."""
        return self._failed

    @property
    def full(self) -> bool:
        """Whether more is held than should be."""
        return self._failed > self._max_failures or len(self) >= MAX_HELD

    def hold(self, position: int, behind: int | None, keys: Iterable[str]) -> None:
        """From now on, events that name one of these rows wait for the one at `behind`.

        That is the one at `position` itself when `behind` is None.
        """
        if behind is None:
            self._failed += 1
        else:
            self._waiting += 1
        for key in keys:
            self._behind.setdefault(key, position if behind is None else behind)

    def waits_for(self, keys: Iterable[str]) -> int | None:
        """Position of the first failed event that keeps these rows waiting."""
        return min((self._behind[key] for key in keys if key in self._behind), default=None)

    def left_out(self, recorded: RecordedEvent) -> bool:
        """Whether somebody discarded the event."""
        return (recorded.tenant_id, recorded.position) in self._discarded

    def apply(
        self, projection: Projection, state: State, recorded: RecordedEvent
    ) -> list[tuple[type[Row], Key]] | Held:
        """Folds one event into the state and returns the rows it touched, or holds it."""
        if self._discarded and self.left_out(recorded):
            return []
        if self._behind:
            keys = named(projection, recorded)
            behind = self.waits_for((*keys, _all_of(projection, recorded)))
            if behind is not None and recorded.event_type in projection.event_types:
                self.hold(recorded.position, behind, keys)
                return Held(recorded, keys, behind, None, None)
        if recorded.position in self._refused:
            reason = "the database refused its rows"
            return self.fail(
                projection, recorded, not_applied(projection, recorded, reason), "database"
            )
        try:
            return projection.apply(state, recorded)
        except EventNotApplied as error:
            return self.fail(projection, recorded, error)

    def fail(
        self,
        projection: Projection,
        recorded: RecordedEvent,
        error: EventNotApplied,
        origin: Origin | None = None,
        keys: frozenset[str] | None = None,
    ) -> Held:
        """Holds an event that can't be applied; without `keys`, for the rows that it names."""
        if keys is None:
            keys = named(projection, recorded)
        if origin is None:
            origin = "payload" if _all_of(projection, recorded) in keys else "rules"
        self.hold(recorded.position, None, keys)
        return Held(recorded, keys, None, origin, error)

    def fork(self) -> Holding:
        """A copy that goes its own way."""
        twin = Holding(
            refused=self._refused, discarded=self._discarded, max_failures=self._max_failures
        )
        twin._behind = dict(self._behind)
        twin._failed, twin._waiting = self._failed, self._waiting
        return twin

    def become(self, fork: Holding) -> None:
        """Takes over what a fork has come to; the fork is not used again."""
        self._behind, self._failed, self._waiting = fork._behind, fork._failed, fork._waiting


def named(projection: Projection, recorded: RecordedEvent) -> frozenset[str]:
    """The rows that an event of the projection names, in the form of `Held.keys`.

    Of an event that its rule can't read, they are what the payload seems to name. Since that may
    be too little, the event then names its whole stream as well, or, where events that differ in
    one field have no row in common, all that have the same value in it.
    """
    try:
        event = recorded.event
    except Exception:  # noqa: BLE001 - whatever a payload does to its class
        event = None
    if type(event) in projection.handlers:
        return frozenset(_key(table.TABLE, *key) for table, key in projection.keys(recorded))
    if recorded.event_type not in projection.event_types:
        return frozenset()
    fields = _fields(recorded)
    guessed = {
        _key(table.TABLE, recorded.tenant_id, *_typed(table, values))
        for table in projection.tables
        for names in table.NAMED_BY
        if all(fields.get(name) is not None for name in names)
        for values in _each([fields[name] for name in names])
    }
    return frozenset(guessed | {_all_of(projection, recorded)})


def _all_of(projection: Projection, recorded: RecordedEvent) -> str:
    """The key of all the rows that an event may name, readable or not."""
    if projection.shard_by is None:
        return _key(_STREAM, recorded.tenant_id, recorded.stream_id)
    return _key(_SHARD, recorded.tenant_id, _fields(recorded).get(projection.shard_by))


def _fields(recorded: RecordedEvent) -> dict[str, Any]:
    """The payload's fields, as far as it has any."""
    try:
        payload: Any = recorded.payload
    except ValueError:  # not every JSON text that PostgreSQL takes is one for others
        payload = None
    fields = payload if isinstance(payload, dict) else {}
    return fields | {"event_id": recorded.event_id, "occurred_at": recorded.occurred_at}


def _each(values: list[Any]) -> list[list[Any]]:
    """The keys in the values of some fields: several if there is one field, and it is a list."""
    if len(values) == 1 and isinstance(values[0], list):
        return [[value] for value in values[0]]
    return [values]


def _typed(table: type[Row], values: list[Any]) -> list[Any]:
    """Values from a payload as the table's key has them, so that they compare with it."""
    typed = []
    for column, value in zip(_key_types(table), values, strict=True):  # type: ignore[arg-type]
        try:
            typed.append(column.validate_python(value))
        except ValidationError:
            typed.append(value)
    return typed


@cache
def _key_types(table: type[Row]) -> list[TypeAdapter[Any]]:
    hints = get_type_hints(table)
    return [TypeAdapter(hints[column]) for column in table.KEY]


def _key(*parts: Any) -> str:
    """The same text for the same moment, whatever the time zone that it was told in."""
    parts = tuple(
        part.astimezone(UTC) if isinstance(part, datetime) and is_in_calendar(part) else part
        for part in parts
    )
    try:
        return orjson.dumps(parts, default=str).decode()
    except TypeError:  # an integer beyond 64 bits, which no table takes either
        return json.dumps(parts, default=str)
