"""The log through a projection's rules, in memory: what rebuild, as-of and verification share."""

from __future__ import annotations

import gc
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from eventstore import RecordedEvent
from eventstore.read import page_after
from projections.collector import spared
from projections.holding import Held, Holding
from projections.projection import Projection, State
from projections.row import Key, Row
from projections.session import Connection

__all__ = ["fold"]

_PAGE: Final = 2_000


def fold(
    conn: Connection,
    projection: Projection,
    state: State,
    holding: Holding,
    *,
    until: int,
    tenant: str | None = None,
) -> Generator[tuple[RecordedEvent, list[tuple[type[Row], Key]] | Held], None, None]:
    """Folds every event up to position `until` into `state`; yields each with the rows it touched.

    What can't be applied is held, as by the live projection, and yielded as such; `holding` says
    what else to leave out, and then knows what is held. `until` is at most a watermark. Memory
    holds the state, two pages and what is held: while one is folded, the database makes the next.
    """

    def page(after: int) -> list[RecordedEvent]:
        return page_after(
            conn, after, until, _PAGE, tenant=tenant, event_types=projection.event_types
        )

    apply = holding.apply
    with spared(), ThreadPoolExecutor(1, thread_name_prefix="read ahead") as ahead:
        events = page(0)
        while events:
            following = ahead.submit(page, events[-1].position) if len(events) == _PAGE else None
            for recorded in events:
                yield recorded, apply(projection, state, recorded)
            gc.collect(0)
            gc.freeze()
            events = following.result() if following is not None else []
