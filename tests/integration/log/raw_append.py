"""Appends by raw SQL: the way of a program that puts eventstore.append in its own transactions."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import RawCursor

from eventstore import ANY, Append, Event, queries
from eventstore.append import prepare
from eventstore.database import Connection
from eventstore.guards import Guards
from eventstore.wire import arguments, guard_arguments
from tests.integration.log.facts import FACTS, said

APPEND = queries.load("eventstore.sql", "append.sql")["append"]
APPEND_DECIDED = queries.load("eventstore.sql", "append.sql")["append_decided"]


def append(
    connection: Connection,
    stream_id: str,
    events: Sequence[Event] | int = 1,
    expected_version: int = ANY,
    tenant: str = "default",
) -> list[int]:
    """The positions that the events took; how it goes on is up to the caller's transaction."""
    if isinstance(events, int):
        events = said(events)
    request = prepare([Append(stream_id, events, expected_version)], registry=FACTS)
    parameters = arguments(tenant, [request])
    cursor = RawCursor(connection)
    row = cursor.execute(APPEND, list(parameters.values()), binary=True).fetchone()
    assert row is not None
    positions, _, refusals = row
    assert refusals is None, refusals
    return list(positions)


def append_all(connection: Connection, appends: Sequence[Append]) -> list[int]:
    """The positions that all events of a request took, with what its appends ask for besides."""
    request = prepare(appends, registry=FACTS)
    guards = request.guards or Guards()
    parameters = arguments("default", [request]) | guard_arguments(guards, appends[0].stream_id)
    query = APPEND if request.guards is None else APPEND_DECIDED
    row = connection.execute(query, parameters, binary=True).fetchone()
    assert row is not None
    return list(row[0])
