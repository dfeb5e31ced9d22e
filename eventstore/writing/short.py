"""Requests as the short ways of appending take them: bytes that go to the server as they are.

The driver's own way from values to bytes costs more than all of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from psycopg.pq import Format

from eventstore.append import Request
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
    uuid_array,
)
from eventstore.event import Event

__all__ = [
    "FORMATS",
    "Parameters",
    "lone_arguments",
    "several_arguments",
    "together_arguments",
]

Parameters = list[bytes | None]

FORMATS: Final = {
    "append_one": None,
    "append_several": [Format(which == "b") for which in "tttbbbbbttttttb"],
    "append_together": [Format(which == "b") for which in "tbbbbbbbbbbbbb"],
}
"""Of the parameters of each function: text, or binary for the arrays."""

_NO_METADATA: Final = b"{}"


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
        *_by_class(append.events),
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
    metadata = [one for request in requests for one in request.metadata]
    payloads = [one for request in requests for one in request.payloads]
    counts = [len(append.events) for append in appends]
    return [
        tenant.encode(),
        spread(TEXT, [element(append.stream_id.encode()) for append in appends], counts),
        array(
            BIGINT,
            [
                expected
                for append, count in zip(appends, counts, strict=True)
                for expected in (bigint(append.expected_version), *[NULL] * (count - 1))
            ],
        ),
        uuid_array(one for request in requests for one in request.event_ids),
        *_by_class([event for append in appends for event in append.events]),
        json_array(payloads),
        spread(UUIDS, [_id(append.correlation_id) for append in appends], counts),
        spread(UUIDS, [_id(append.causation_id) for append in appends], counts),
        spread(TEXT, [_name(append.agent) for append in appends], counts),
        spread(TEXT, [_name(append.target_agent) for append in appends], counts),
        spread(JSON, [None if one == _NO_METADATA else element(one) for one in metadata], counts),
        spread(
            TIMESTAMPTZ,
            [_moment(append.occurred_at) for append in appends],
            counts,
        ),
    ]


def _by_class(events: Sequence[Event]) -> tuple[bytes, bytes, bytes]:
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


def _id(value: UUID | None) -> bytes | None:
    return None if value is None else element(value.bytes)


def _moment(value: datetime | None) -> bytes | None:
    return None if value is None else microseconds(value)


def _name(value: str | None) -> bytes | None:
    return None if value is None else element(value.encode())


def _text(value: object) -> bytes | None:
    return None if value is None else str(value).encode()
