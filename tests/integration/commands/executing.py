"""Commands of many writers at the same moment, and what the tables say then."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from eventstore import Command, EventStore
from eventstore.errors import EventStoreError
from projections.apply.failures import failures
from projections.projection import Projection
from projections.session import Connection
from tests.integration.projections.running import catch_up, replayed, stored

__all__ = ["at_once", "held"]


def at_once(stores: Sequence[EventStore], commands: Sequence[Command]) -> list[str]:
    """What became of commands, each executed by a store of its own: done, or the refusal."""

    def run(store: EventStore, command: Command) -> str:
        try:
            store.execute(command)
        except EventStoreError as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(len(commands)) as pool:
        return list(pool.map(run, stores, commands))


def held(url: str, conn: Connection, projection: Projection) -> list[str]:
    """The types of the events that failed; the tables hold all others, as a replay does."""
    assert catch_up(url, projection) == {}
    assert stored(conn, projection) == replayed(conn, projection)
    return [failure.event_type for failure in failures(conn, [projection])]
