"""Rows as the driver got them, made into recorded events a few at a time.

A page of a thousand events that are all made at once is what Python's collector of cycles looks
through, again and again, while more are made (measured: a third of the time that reading takes).
Made in dozens, and dropped by whoever reads before the next dozens come, they give it no cause.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Final

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq.abc import PGresult

from eventstore.recorded import RecordedEvent
from eventstore.registry import EventRegistry, default_registry

__all__ = ["Rows", "from_rows"]

_FEW: Final = 32
_SAMPLE: Final = 16
_DATA: Final = RecordedEvent._fields.index("data")

_as_event: Final = partial(tuple.__new__, RecordedEvent)
_tags: Final = itemgetter(-1)


class Rows:
    """Events of one answer, in its order; made when they are asked for, and each time anew."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        result: PGresult,
        registry: EventRegistry,
    ) -> None:
        self._registry, self._result, self._count = registry, result, result.ntuples
        self._transformer = Transformer.from_context(connection)
        self._transformer.set_pgresult(result)

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
        return from_rows(self._transformer.load_rows(begin, end, tuple), self._registry)


def from_rows(rows: Sequence[tuple[Any, ...]], registry: EventRegistry) -> list[RecordedEvent]:
    """The events in rows that hold the columns of `events`, in the order of their fields."""
    if any(map(_tags, rows)):
        rows = [(*row[:-1], tuple(row[-1])) if row[-1] else row for row in rows]
    events: list[RecordedEvent] = list(map(_as_event, rows))
    if registry is not default_registry:
        for event in events:
            vars(event)["registry"] = registry
    return events
