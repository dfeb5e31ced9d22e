"""Requests as the short ways of appending take them: bytes that go to the server as they are.

The driver's own way from values to bytes costs more than all of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from typing import Final

from psycopg.pq import Format

from eventstore.append import Append, Request
from eventstore.encoding.binary import (
    BIGINT,
    JSON,
    NULL,
    SMALLINT,
    TEXT,
    TIMESTAMPTZ,
    UUIDS,
    array,
    bigint,
    element,
    json_array,
    microseconds,
    smallint,
    spread,
    text,
    uuid,
    uuid_array,
)
from eventstore.event import Event

__all__ = [
    "FORMATS",
    "Parameters",
    "by_class",
    "lone_arguments",
    "metadata_array",
    "several_arguments",
    "short_call",
    "together_arguments",
    "who_and_why",
]

Parameters = list[bytes | None]

FORMATS: Final = {
    "append_one": None,
    "append_several": [Format(which == "b") for which in "tttbbbbbttttttb"],
    "append_together": [Format(which == "b") for which in "tbbbbbbbbbbbbb"],
}
"""Of the parameters of each function: text, or binary for the arrays."""

_NO_METADATA: Final = b"{}"


def short_call(tenant: str, requests: Sequence[Request]) -> tuple[str, Parameters] | None:
    """The function that appends requests without guards the short way, and its parameters.

    None when there is none: for tagged requests that travel with others.
    """
    request = requests[0]
    if len(requests) > 1 or len(request.appends) > 1:
        if any(append.tags for each in requests for append in each.appends):
            return None
        return "append_together", together_arguments(tenant, requests)
    if len(request.event_ids) > 1 or request.appends[0].tags:
        return "append_several", several_arguments(tenant, request)
    return "append_one", lone_arguments(tenant, request)


def lone_arguments(tenant: str, request: Request) -> Parameters:
    """The parameters of eventstore.append_one as text, for a request of one event without tags."""
    append = request.appends[0]
    event = append.events[0]
    event_id = str(request.event_ids[0]).encode()
    return [
        tenant.encode(),
        append.stream_id.encode(),
        b"%d" % append.expected_version,
        event_id,
        event.event_type.encode(),
        b"%d" % event.schema_version,
        _text(append.correlation_id) or event_id,
        _text(append.causation_id),
        _text(append.agent),
        _text(append.target_agent),
        event.retention.encode(),
        request.payloads[0],
        request.metadata[0],
        _text(append.occurred_at and append.occurred_at.astimezone(UTC)),
    ]


def several_arguments(tenant: str, request: Request) -> Parameters:
    """The parameters of eventstore.append_several, for a request of one append."""
    append = request.appends[0]
    tags = [element(tag.encode()) for tag in sorted(append.tags)]
    return [
        tenant.encode(),
        append.stream_id.encode(),
        b"%d" % append.expected_version,
        uuid_array(request.event_ids),
        *by_class(append.events),
        json_array(request.payloads),
        _text(append.correlation_id),
        _text(append.causation_id),
        _text(append.agent),
        _text(append.target_agent),
        request.metadata[0],
        _text(append.occurred_at and append.occurred_at.astimezone(UTC)),
        array(TEXT, tags) if tags else None,
    ]


def together_arguments(tenant: str, requests: Sequence[Request]) -> Parameters:
    """The parameters of eventstore.append_together, for appends without tags."""
    appends = [append for request in requests for append in request.appends]
    counts = [len(append.events) for append in appends]
    return [
        tenant.encode(),
        spread(TEXT, _name, [append.stream_id for append in appends], counts),
        array(
            BIGINT,
            [
                expected
                for append, count in zip(appends, counts, strict=True)
                for expected in (bigint(append.expected_version), *[NULL] * (count - 1))
            ],
        ),
        uuid_array(one for request in requests for one in request.event_ids),
        *by_class([event for append in appends for event in append.events]),
        json_array([one for request in requests for one in request.payloads]),
        *who_and_why(appends, counts),
        metadata_array(requests, counts),
        spread(TIMESTAMPTZ, microseconds, [append.occurred_at for append in appends], counts),
    ]


def who_and_why(appends: Sequence[Append], counts: Sequence[int]) -> Parameters:
    """The arrays of correlation_ids, causation_ids, agents and target_agents."""
    return [
        spread(UUIDS, uuid, [append.correlation_id for append in appends], counts),
        spread(UUIDS, uuid, [append.causation_id for append in appends], counts),
        spread(TEXT, text, [append.agent for append in appends], counts),
        spread(TEXT, text, [append.target_agent for append in appends], counts),
    ]


def metadata_array(requests: Sequence[Request], counts: Sequence[int]) -> bytes | None:
    """The metadata of each event, NULL where there is none."""
    said = [None if one == _NO_METADATA else one for each in requests for one in each.metadata]
    return spread(JSON, element, said, counts)


def by_class(events: Sequence[Event]) -> tuple[bytes, bytes, bytes]:
    """The arrays of types, schema_versions and retention classes."""
    kinds: list[type[Event]] = list(map(type, events))
    classes = set(kinds)
    types = {cls: element(cls.event_type.encode()) for cls in classes}
    numbers = {cls: smallint(cls.schema_version) for cls in classes}
    retentions = {cls: element(cls.retention.encode()) for cls in classes}
    return (
        array(TEXT, [types[cls] for cls in kinds]),
        array(SMALLINT, [numbers[cls] for cls in kinds]),
        array(TEXT, [retentions[cls] for cls in kinds]),
    )


def _name(said: str) -> bytes:
    return element(said.encode())


def _text(value: object) -> bytes | None:
    return None if value is None else str(value).encode()
