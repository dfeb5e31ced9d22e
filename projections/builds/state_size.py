"""When a state in memory has become too large."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from eventstore import RecordedEvent
from projections.projection import State
from projections.row import Row
from projections.row_json import rows_json

__all__ = ["ROWS", "StateSize"]

ROWS: Final = 50_000
"""Rows of a state in memory; one takes 1 kB when it is small (measured on three contexts)."""
_BYTES: Final = 24 << 20
"""Bytes of a state's rows as JSON; as Python objects they take up to six times as many."""
_ROWS_AT_ONCE: Final = 1_000


class StateSize:
    """Watches one state, at the price of an addition an event."""

    def __init__(self, rows: int = ROWS) -> None:
        self._rows, self._most = rows, 0

    def full(self, state: State, events: Sequence[RecordedEvent]) -> bool:
        """Whether it is too large, after these events were folded into it."""
        if sum(map(len, state.values())) > self._rows:
            return True
        # Rows hardly grow by more than the payloads that change them, so until these sum up there
        # is nothing to measure.
        self._most += sum(len(recorded.data) for recorded in events)
        if self._most <= _BYTES:
            return False
        self._most = sum(_sizes(state))
        return self._most > _BYTES // 2

    def emptied(self) -> None:
        """The state begins anew."""
        self._most = 0


def _sizes(state: State) -> Iterator[int]:
    for rows in state.values():
        there: Iterator[Row] = (row for row in rows.values() if row is not None)
        while some := list(islice(there, _ROWS_AT_ONCE)):
            yield len(rows_json(some))
