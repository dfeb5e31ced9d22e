"""Requests as eventstore.import_events takes them: arrays with an element an event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from psycopg.pq import Format

from eventstore.append import Request
from eventstore.connection.flight import array_literal
from eventstore.encoding.binary import (
    BIGINT,
    INTEGER,
    NULL,
    SMALLINT,
    TEXT,
    TIMESTAMPTZ,
    UUIDS,
    array,
    bigint,
    element,
    integer,
    json_array,
    microseconds,
    smallint,
    text,
    uuid,
)

__all__ = ["FORMATS", "import_arguments"]

FORMATS: Final = [Format.TEXT] + [Format.BINARY] * 17
"""Of each parameter of eventstore.import_events."""


def import_arguments(tenant: str, requests: Sequence[Request]) -> list[bytes]:
    """The parameters of one call for a batch of requests, in the form that FORMATS says."""
    appends = [append for request in requests for append in request.appends]
    streams = sorted({append.stream_id for append in appends}, key=str.encode)
    index = {stream_id: ordinal for ordinal, stream_id in enumerate(streams, start=1)}
    classes = [type(event) for append in appends for event in append.events]
    types = {cls: text(cls.event_type) for cls in set(classes)}
    retentions = {cls: text(cls.retention) for cls in types}
    ids = [uuid(event_id) for request in requests for event_id in request.event_ids]
    correlations, causations = list(ids), [NULL] * len(ids)
    moments, tags = [NULL] * len(ids), [NULL] * len(ids)
    agents, targets = [NULL] * len(ids), [NULL] * len(ids)
    begin = 0
    for append in appends:
        count = len(append.events)
        part = slice(begin, begin := begin + count)
        if append.correlation_id is not None:
            correlations[part] = [uuid(append.correlation_id)] * count
        if append.causation_id is not None:
            causations[part] = [uuid(append.causation_id)] * count
        if append.agent is not None:
            agents[part] = [text(append.agent)] * count
        if append.target_agent is not None:
            targets[part] = [text(append.target_agent)] * count
        if append.occurred_at is not None:
            moments[part] = [microseconds(append.occurred_at)] * count
        if append.tags:
            tags[part] = [text(array_literal(tuple(sorted(append.tags))))] * count
    return [
        tenant.encode(),
        array(TEXT, [element(stream_id.encode()) for stream_id in streams]),
        array(INTEGER, [integer(n) for n, request in enumerate(requests) for _ in request.appends]),
        array(INTEGER, [integer(index[append.stream_id]) for append in appends]),
        array(BIGINT, [bigint(append.expected_version) for append in appends]),
        array(INTEGER, [integer(len(append.events)) for append in appends]),
        array(UUIDS, ids),
        array(TEXT, [types[cls] for cls in classes]),
        array(SMALLINT, [smallint(cls.schema_version) for cls in classes]),
        array(TEXT, [retentions[cls] for cls in classes]),
        array(UUIDS, correlations),
        array(UUIDS, causations),
        array(TEXT, agents),
        array(TEXT, targets),
        json_array([payload for request in requests for payload in request.payloads]),
        json_array(
            [
                metadata
                for request in requests
                for append, metadata in zip(request.appends, request.metadata, strict=True)
                for _ in append.events
            ]
        ),
        array(TIMESTAMPTZ, moments),
        array(TEXT, tags),
    ]
