"""Rows as the driver got them, made into recorded events a few at a time.

A page of a thousand events that are all made at once is what Python's collector of cycles looks
through, again and again, while more are made (measured: a third of the time that reading takes).
Made in dozens, and dropped by whoever reads before the next dozens come, they give it no cause.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from threading import local
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from psycopg import abc
from psycopg.adapt import AdaptersMap, Transformer
from psycopg.pq.abc import PGresult

from eventstore.recorded import RecordedEvent
from eventstore.registry import EventRegistry, default_registry

__all__ = ["Rows", "from_rows"]

_FEW: Final = 32
_SAMPLE: Final = 16
_DATA: Final = RecordedEvent._fields.index("data")

_Types = tuple[int, ...]

_as_event: Final = partial(tuple.__new__, RecordedEvent)
_tags: Final = itemgetter(-1)


@dataclass(frozen=True, slots=True)
class _Context:
    """How a connection reads values, without the connection."""

    adapters: AdaptersMap
    connection: None = None


class _Kept(local):
    """Of each connection, what makes tuples of its answers, in this thread.

    The columns are those of an event, again and again, so how to read them is found out once: for
    a small page that takes as long as the reading.
    """

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[psycopg.Connection[Any], dict[_Types, abc.Transformer]]
        self._of = WeakKeyDictionary()

    def transformer(
        self, connection: psycopg.Connection[Any], types: _Types, result: PGresult
    ) -> abc.Transformer:
        """One that is set to the result, whose columns have these types."""
        kept = self._of.get(connection)
        if kept is None:
            kept = self._of[connection] = {}
        found = kept.get(types)
        if found is None:
            found = kept[types] = Transformer.from_context(_Context(connection.adapters))
            found.set_pgresult(result)
        else:
            found.set_pgresult(result, set_loaders=False)
        return found


_kept: Final = _Kept()


class Rows:
    """Events of one answer, in its order; made when they are asked for, and each time anew."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        result: PGresult,
        registry: EventRegistry,
    ) -> None:
        self._registry, self._result, self._count = registry, result, result.ntuples
        self._connection = connection
        self._types = tuple(map(result.ftype, range(result.nfields)))

    def __len__(self) -> int:
        return self._count

    @property
    def last(self) -> RecordedEvent:
        """The last event of at least one."""
        return self._made(self._count - 1, self._count)[0]

    @property
    def bytes_each(self) -> int:
        """Bytes of an event's payload, in the mean of some that lie evenly among at least one."""
        sample = range(0, self._count, -(-self._count // _SAMPLE))
        return sum(len(self._result.get_value(row, _DATA) or b"") for row in sample) // len(sample)

    def all(self) -> list[RecordedEvent]:
        """Every event."""
        return self._made(0, self._count)

    def few(self) -> Iterator[list[RecordedEvent]]:
        """Every event, a few at a time."""
        for begin in range(0, self._count, _FEW):
            yield self._made(begin, min(begin + _FEW, self._count))

    def _made(self, begin: int, end: int) -> list[RecordedEvent]:
        transformer = _kept.transformer(self._connection, self._types, self._result)
        try:
            return from_rows(transformer.load_rows(begin, end, tuple), self._registry)
        finally:
            transformer.set_pgresult(None, set_loaders=False)


def from_rows(rows: Sequence[tuple[Any, ...]], registry: EventRegistry) -> list[RecordedEvent]:
    """The events in rows that hold the columns of `events`, in the order of their fields."""
    if any(map(_tags, rows)):
        rows = [(*row[:-1], tuple(row[-1])) if row[-1] else row for row in rows]
    events: list[RecordedEvent] = list(map(_as_event, rows))
    if registry is not default_registry:
        for event in events:
            vars(event)["registry"] = registry
    return events
