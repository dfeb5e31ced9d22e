"""Pages of the log, each fetched while the one before is folded."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from eventstore import RecordedEvent
from projections.collector import spared

__all__ = ["read_ahead"]

_PAGE: Final = 2_000
"""Events a page, as long as they are small."""
_PAGES_A_LOOK: Final = 8
"""Pages after which the garbage collector looks at what is new."""
_PAGE_BYTES: Final = 4 << 20
"""Bytes of payload that a page should have at most; two pages are in memory at once."""


def read_ahead(
    page: Callable[[int, int], list[RecordedEvent]], after: int
) -> Generator[list[RecordedEvent], None, None]:
    """Yields the pages after a position until they end; `page(after, limit)` fetches one.

    It runs in a thread, so its connection is its own until this generator has ended. Meanwhile the
    garbage collector sees only what is new: rows by the ten thousand are no garbage and hold no
    cycles, and to walk through them again and again takes as long as folding.
    """
    limit, pages = _PAGE, 0
    with spared(), ThreadPoolExecutor(1, thread_name_prefix="read ahead") as ahead:
        events = page(after, limit)
        while events:
            full = len(events) == limit
            limit = _next_limit(events)
            following = ahead.submit(page, events[-1].position, limit) if full else None
            yield events
            events = following.result() if following is not None else []
            pages += 1
            if pages % _PAGES_A_LOOK == 0:
                gc.collect(0)
                gc.freeze()


def _next_limit(events: list[RecordedEvent]) -> int:
    """How many events make a page, if the next ones are as large as these."""
    size = sum(len(recorded.data) for recorded in events) // len(events)
    return max(1, min(_PAGE, _PAGE_BYTES // max(size, 1)))
