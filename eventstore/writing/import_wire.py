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
    TEXT,
    TIMESTAMPTZ,
    array,
    bigint,
    element,
    integer,
    json_array,
    microseconds,
    spread,
    text,
    uuid_array,
)
from eventstore.writing.short import Parameters, by_class, metadata_array, who_and_why

__all__ = ["FORMATS", "import_arguments"]

FORMATS: Final = [Format.TEXT] + [Format.BINARY] * 17
"""Of each parameter of eventstore.import_events."""


def import_arguments(tenant: str, requests: Sequence[Request]) -> Parameters:
    """The parameters of one call for a batch of requests, in the form that FORMATS says."""
    appends = [append for request in requests for append in request.appends]
    counts = [len(append.events) for append in appends]
    streams = sorted({append.stream_id for append in appends}, key=str.encode)
    index = {stream_id: integer(ordinal) for ordinal, stream_id in enumerate(streams, start=1)}
    return [
        tenant.encode(),
        array(TEXT, [element(stream_id.encode()) for stream_id in streams]),
        array(INTEGER, [integer(n) for n, request in enumerate(requests) for _ in request.appends]),
        array(INTEGER, [index[append.stream_id] for append in appends]),
        array(BIGINT, [bigint(append.expected_version) for append in appends]),
        array(INTEGER, list(map(integer, counts))),
        uuid_array(event_id for request in requests for event_id in request.event_ids),
        *by_class([event for append in appends for event in append.events]),
        *who_and_why(appends, counts),
        json_array([payload for request in requests for payload in request.payloads]),
        metadata_array(requests, counts),
        spread(TIMESTAMPTZ, microseconds, [append.occurred_at for append in appends], counts),
        spread(TEXT, _tags, [append.tags or None for append in appends], counts),
    ]


def _tags(tags: Sequence[str]) -> bytes:
    return text(array_literal(tuple(sorted(tags))))
