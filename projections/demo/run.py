"""One run of the crew over some distributions, from the opening of the order to its close."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from eventstore import EventStore, RecordedEvent
from eventstore.errors import EventStoreError
from projections.demo.agents.planner import Planner
from projections.demo.crew import Crew
from projections.demo.desk import Desk
from projections.demo.giving_up import give_up
from projections.demo.team import Team

__all__ = ["run"]


def run(
    store: EventStore,
    team: Team,
    locations: Sequence[Path],
    *,
    title: str,
    metadata: dict[str, Any],
    watch: Callable[[RecordedEvent], None],
) -> Planner:
    """Returns when every item has an end. `watch` sees every message, in another thread.

    When it is interrupted or breaks, the items that are open end as failed, with the reason, and
    the error goes on to the caller.
    """
    planner = Planner(store, team)
    crew = Crew(store, team, watch)
    planner.open_order(title, metadata)
    try:
        with crew:
            for number, location in enumerate(locations):
                planner.hand_out(location, number)
            letters = crew.letters()
            while planner.open:
                planner.open.discard(next(letters).correlation_id)
    except BaseException as error:
        with suppress(EventStoreError):  # the first error says more
            _abandon(store, team, planner, error)
        raise
    planner.close_order("COMPLETED", "every item has an end")
    return planner


def _abandon(store: EventStore, team: Team, planner: Planner, error: BaseException) -> None:
    reason = (
        InterruptedError("the run was interrupted")
        if isinstance(error, KeyboardInterrupt)
        else error
    )
    desk = Desk(store, team.planner, team)
    for correlation_id in sorted(planner.open):
        with suppress(LookupError):  # it was handed out in this very moment
            give_up(desk, desk.case(correlation_id), None, reason)
    planner.close_order("FAILED", str(reason) or type(reason).__name__)
