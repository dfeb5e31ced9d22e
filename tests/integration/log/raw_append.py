"""Appends by raw SQL: the way of a program that puts eventstore.append in its own transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import RawCursor
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format

from eventstore import ANY, Append, Event
from eventstore.append import prepare
from eventstore.connection import queries
from eventstore.connection.database import Connection
from eventstore.encoding.binary import bigints
from eventstore.guards import Guards
from eventstore.writing.short import (
    FORMATS,
    Parameters,
    lone_arguments,
    several_arguments,
    together_arguments,
)
from eventstore.writing.wire import arguments, guard_arguments
from tests.integration.log.facts import FACTS, said

SQL = queries.load("eventstore.sql", "append.sql")
APPEND = SQL["append"]
NAMES = (
    "tenant", "stream_ids", "append_request", "append_stream", "append_expected", "append_events",
    "event_ids", "bodies",
)  # fmt: skip


def call(connection: Connection, parameters: Mapping[str, Any]) -> tuple[Any, ...]:
    """What eventstore.append answers: positions, stream_versions, refusals."""
    given = [parameters[name] for name in NAMES]
    row = RawCursor(connection).execute(APPEND, given, binary=True).fetchone()
    assert row is not None
    return row


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
    positions, _, refusals = call(connection, arguments(tenant, [request]))
    assert refusals is None, refusals
    return list(positions)


def append_all(connection: Connection, appends: Sequence[Append]) -> list[int]:
    """The positions that all events of a request took, with what its appends ask for besides."""
    request = prepare(appends, registry=FACTS)
    guards = request.guards or Guards()
    parameters = arguments("default", [request]) | guard_arguments(guards, appends[0].stream_id)
    if request.guards is None:
        return list(call(connection, parameters)[0])
    row = connection.execute(SQL["append_decided"], parameters, binary=True).fetchone()
    assert row is not None
    return list(row[0])


def append_shortly(connection: Connection, stream_id: str, events: int) -> list[int]:
    """As append, by the short ways: of one event, of several, and, for three, of many streams."""
    request = prepare([Append(stream_id, said(events))], registry=FACTS)
    if events == 1:
        name, parameters = "append_one", lone_arguments("default", request)
    elif events == 3:
        name, parameters = "append_together", together_arguments("default", [request])
    else:
        name, parameters = "append_several", several_arguments("default", request)
    answer = _ask(connection, name, parameters)
    if answer is None:  # somebody makes the stream at this moment
        return append(connection, stream_id, events)
    return answer[-events:]


def append_tagged(connection: Connection, stream_id: str, tags: Sequence[str]) -> list[int]:
    """One event with tags, by the short way."""
    request = prepare([Append(stream_id, said(1), tags=tags)], registry=FACTS)
    answer = _ask(connection, "append_several", several_arguments("default", request))
    assert answer is not None
    return answer[-1:]


def _ask(connection: Connection, name: str, parameters: Parameters) -> list[int] | None:
    result = connection.pgconn.exec_params(
        SQL[name].encode(), parameters, param_formats=FORMATS[name], result_format=Format.BINARY
    )
    if result.status != ExecStatus.TUPLES_OK:
        raise error_from_result(result)
    answer = result.get_value(0, 0)
    return None if answer is None else bigints(answer)
