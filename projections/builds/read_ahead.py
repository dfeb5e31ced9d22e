"""Pages of the log, each fetched while the one before is folded."""

from __future__ import annotations

import gc
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from projections.builds.log_pages import LogPages, Page
from projections.collector import spared

__all__ = ["read_ahead"]

_PAGES_A_LOOK: Final = 8
"""Pages after which the garbage collector looks at what is new."""


def read_ahead(pages: LogPages, after: int) -> Generator[Page, None, None]:
    """Yields the pages after a position until they end; two are in memory at once.

    They are fetched in a thread, so their connection is theirs until this generator has ended.
    Meanwhile the garbage collector sees only what is new: rows by the ten thousand are no garbage
    and hold no cycles, and to walk through them again and again takes as long as folding.
    """
    count = 0
    with spared(), ThreadPoolExecutor(1, thread_name_prefix="read ahead") as ahead:
        page = Page([], after)
        while page.reached < pages.until:
            following = ahead.submit(pages.after, page.reached)
            if count:
                yield page
            page = following.result()
            count += 1
            if count % _PAGES_A_LOOK == 0:
                gc.collect(0)
                gc.freeze()
        if count:
            yield page
