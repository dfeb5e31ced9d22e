"""Requests as eventstore.import_events takes them: arrays with an element an event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from psycopg.pq import Format

from eventstore.append import Request
from eventstore.binary import (
    NULL,
    bigint_array,
    integer_array,
    json_array,
    moment_array,
    moment_element,
    small_array,
    text_array,
    text_element,
    texts_array,
    uuid_element,
    uuid_elements,
)
from eventstore.flight import array_literal

__all__ = ["FORMATS", "import_arguments"]

FORMATS: Final = [Format.TEXT] + [Format.BINARY] * 17
"""Of each parameter of eventstore.import_events."""


def import_arguments(tenant: str, requests: Sequence[Request]) -> list[bytes]:
    """The parameters of one call for a batch of requests, in the form that FORMATS says."""
    appends = [append for request in requests for append in request.appends]
    streams = sorted({append.stream_id for append in appends}, key=str.encode)
    index = {stream_id: ordinal for ordinal, stream_id in enumerate(streams, start=1)}
    classes = [type(event) for append in appends for event in append.events]
    types = {cls: text_element(cls.event_type) for cls in set(classes)}
    retentions = {cls: text_element(cls.retention) for cls in types}
    ids = [uuid_element(event_id) for request in requests for event_id in request.event_ids]
    correlations, causations = list(ids), [NULL] * len(ids)
    moments, tags = [NULL] * len(ids), [NULL] * len(ids)
    agents, targets = [NULL] * len(ids), [NULL] * len(ids)
    begin = 0
    for append in appends:
        count = len(append.events)
        part = slice(begin, begin := begin + count)
        if append.correlation_id is not None:
            correlations[part] = [uuid_element(append.correlation_id)] * count
        if append.causation_id is not None:
            causations[part] = [uuid_element(append.causation_id)] * count
        if append.agent is not None:
            agents[part] = [text_element(append.agent)] * count
        if append.target_agent is not None:
            targets[part] = [text_element(append.target_agent)] * count
        if append.occurred_at is not None:
            moments[part] = [moment_element(append.occurred_at)] * count
        if append.tags:
            tags[part] = [text_element(array_literal(tuple(sorted(append.tags))))] * count
    return [
        tenant.encode(),
        texts_array(streams),
        integer_array([n for n, request in enumerate(requests) for _ in request.appends]),
        integer_array([index[append.stream_id] for append in appends]),
        bigint_array([append.expected_version for append in appends]),
        integer_array([len(append.events) for append in appends]),
        uuid_elements(ids),
        text_array([types[cls] for cls in classes]),
        small_array([cls.schema_version for cls in classes]),
        text_array([retentions[cls] for cls in classes]),
        uuid_elements(correlations),
        uuid_elements(causations),
        text_array(agents),
        text_array(targets),
        json_array([payload for request in requests for payload in request.payloads]),
        json_array(
            [
                metadata
                for request in requests
                for append, metadata in zip(request.appends, request.metadata, strict=True)
                for _ in append.events
            ]
        ),
        moment_array(moments),
        text_array(tags),
    ]
