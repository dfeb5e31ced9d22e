"""Events that are held: one that can't be applied, and whatever names the same rows after it.

An event sees only rows that it names, so two events without a row in common can change places.
That is why an event that fails need not stop the others: it is held, everything that names one of
its rows is held behind it, in order, and the rest goes on. Applied later, in order, the held events
give the rows that they would have given at once.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any, Final

import orjson

from eventstore import RecordedEvent
from projections.errors import EventNotApplied
from projections.projection import Projection, State
from projections.row import Key, Row

__all__ = ["Held", "Holding"]

_STREAM: Final = "stream"
"""Stands for a table in the key that means a whole stream."""


@dataclass(frozen=True, slots=True)
class Held:
    """An event that was not applied, and the rows that wait for it."""

    recorded: RecordedEvent
    keys: frozenset[str]
    """The rows, each as JSON: [table, tenant_id, key column, …]; or ["stream", tenant_id, id]."""
    behind: int | None
    """Position of the event that it waits for; None when it failed itself."""
    error: EventNotApplied | None
    """Why it failed; None when it waits."""


class Holding:
    """What is held of one projection, as far as its fold has come."""

    def __init__(
        self,
        held: Iterable[tuple[int, Iterable[str]]] = (),
        *,
        refused: Container[int] = frozenset(),
        discarded: Container[int] = frozenset(),
    ) -> None:
        """Takes up what is held already, as (position of the event, its keys).

        `refused` are positions that only the database objects to, and that fail without a try;
        `discarded` are those that somebody decided to leave out.
        """
        self._behind: dict[str, int] = {}
        self._refused, self._discarded = refused, discarded
        for position, keys in held:
            self.hold(position, keys)

    def __bool__(self) -> bool:
        return bool(self._behind)

    def hold(self, position: int, keys: Iterable[str]) -> None:
        """From now on, events that name one of these rows wait for the event at `position`."""
        for key in keys:
            self._behind.setdefault(key, position)

    def apply(
        self, projection: Projection, state: State, recorded: RecordedEvent
    ) -> list[tuple[type[Row], Key]] | Held:
        """Folds one event into the state and returns the rows it touched, or holds it."""
        position = recorded.position
        if recorded.event_type not in projection.event_types or position in self._discarded:
            return []
        if self._behind:
            named = _named(projection, recorded)
            stream = _key(_STREAM, recorded.tenant_id, recorded.stream_id)
            waits_for = [self._behind[key] for key in (*named, stream) if key in self._behind]
            if waits_for:
                self.hold(min(waits_for), named)
                return Held(recorded, named, min(waits_for), None)
        try:
            if position in self._refused:
                raise EventNotApplied(
                    projection.name,
                    position,
                    recorded.event_type,
                    "the database refused its rows",
                    event_id=recorded.event_id,
                )
            return projection.apply(state, recorded)
        except EventNotApplied as error:
            named = _named(projection, recorded)
            self.hold(position, named)
            return Held(recorded, named, None, error)


def _named(projection: Projection, recorded: RecordedEvent) -> frozenset[str]:
    """The rows that an event names; of one that can't be decoded, what its payload names.

    Since that may be too little, its whole stream then waits as well.
    """
    try:
        return frozenset(_key(table.TABLE, *key) for table, key in projection.keys(recorded))
    except Exception:  # noqa: BLE001 - whatever a payload does to its class
        fields = recorded.payload | {"event_id": recorded.event_id}
        named = {
            _key(table.TABLE, recorded.tenant_id, *(fields[name] for name in names))
            for table in projection.tables
            for names in table.NAMED_BY
            if all(fields.get(name) is not None for name in names)
        }
        return frozenset(named | {_key(_STREAM, recorded.tenant_id, recorded.stream_id)})


def _key(*parts: Any) -> str:
    return orjson.dumps(parts, default=str).decode()
