"""Appends by raw SQL: the way of a program that puts eventstore.append in its own transactions."""

from __future__ import annotations

from collections.abc import Sequence

from eventstore import ANY, Append, Event, queries
from eventstore.append import prepare
from eventstore.database import Connection
from eventstore.wire import arguments
from tests.integration.log.facts import FACTS, said

APPEND = queries.load("eventstore.sql", "append.sql")["append"]


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
    row = connection.execute(APPEND, parameters, binary=True).fetchone()
    assert row is not None
    positions, _, refusals = row
    assert refusals is None, refusals
    return list(positions)
