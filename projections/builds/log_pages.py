"""The log in pages that cost the same wherever they are in it.

A page asks for a window of positions, and not for everything up to the end of the log: a partition
without any event of the wanted types would be searched to that end for every page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from eventstore import RecordedEvent

__all__ = ["LogPages", "Page"]

_PAGE: Final = 2_000
"""Events a page, as long as they are small."""
_PAGE_BYTES: Final = 4 << 20
"""Bytes of payload that a page should have at most."""
_LEAST, _MOST = 1_000, 200_000
"""Positions of a window."""
_MARGIN: Final = 1.25
"""By how much a window is wider than the last page was, so that the next one is full as well."""


@dataclass(frozen=True, slots=True)
class Page:
    """All wanted events after the page before, up to the position `reached`."""

    events: list[RecordedEvent]
    reached: int


class LogPages:
    """Reads on from position to position; `fetch(after, until, limit)` asks the database."""

    def __init__(self, fetch: Callable[[int, int, int], list[RecordedEvent]], until: int) -> None:
        """`until` is the last position, at most a watermark."""
        self._fetch, self.until = fetch, until
        self._limit, self._window = _PAGE, _PAGE

    def after(self, position: int) -> Page:
        """The next page; there may be no event in it."""
        end = min(position + self._window, self.until)
        events = self._fetch(position, end, self._limit)
        if not events:
            self._window = min(self._window * 2, _MOST)
            return Page(events, end)
        reached = events[-1].position if len(events) == self._limit else end
        size = sum(len(recorded.data) for recorded in events) // len(events)
        self._limit = max(1, min(_PAGE, _PAGE_BYTES // max(size, 1)))
        wanted = (reached - position) / len(events) * self._limit * _MARGIN
        self._window = max(_LEAST, min(round(wanted), _MOST))
        return Page(events, reached)
