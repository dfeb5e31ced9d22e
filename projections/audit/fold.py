"""The log through a projection's rules, in memory: what the state as of any moment is made of."""

from __future__ import annotations

from collections.abc import Generator

from eventstore import RecordedEvent
from eventstore.reading.read import page_after
from projections.apply.holding import Held, Holding
from projections.builds.log_pages import LogPages
from projections.builds.read_ahead import read_ahead
from projections.projection import Projection, State
from projections.row import Key, Row
from projections.session import Connection

__all__ = ["fold"]


def fold(
    conn: Connection,
    projection: Projection,
    state: State,
    holding: Holding,
    *,
    after: int = 0,
    until: int,
    tenant: str | None = None,
) -> Generator[tuple[RecordedEvent, list[tuple[type[Row], Key]] | Held], None, None]:
    """Folds every event in `after` < position <= `until` into `state`, which grows with its rows.

    Yields each event with the rows it touched. What can't be applied is held, as by the live
    projection, and yielded as such; `holding` says what else to leave out, and then knows what is
    held. `until` is at most a watermark.
    """

    def fetch(after: int, until: int, limit: int) -> list[RecordedEvent]:
        return page_after(
            conn, after, until, limit, tenant=tenant, event_types=projection.event_types
        )

    apply = holding.apply
    for page in read_ahead(LogPages(fetch, until), after):
        for recorded in page.events:
            yield recorded, apply(projection, state, recorded)
