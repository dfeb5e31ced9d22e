"""Requests as the append functions of the database take them, and receipts of what these answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from typing import Final

import orjson
from psycopg.pq import Format

from eventstore.append import Append, Receipt, Request
from eventstore.binary import json_array, small_array, text_array, text_element, uuid_array
from eventstore.event import Event
from eventstore.guards import Claim, Guards

__all__ = [
    "SEVERAL_FORMATS",
    "arguments",
    "bodies",
    "guard_arguments",
    "lone_arguments",
    "receipts",
    "several_arguments",
]

SEVERAL_FORMATS: Final = [Format(which == "b") for which in "tttbbbbbttttttb"]
"""Of each parameter of eventstore.append_several: text, or binary for the arrays."""


def arguments(tenant: str, requests: Sequence[Request]) -> dict[str, str]:
    """The parameters of one call of eventstore.append for a batch of requests.

    Arrays travel as array literals: the driver's own dumping of lists took as long as the rest of
    the call's client side (measured: 30 of 83 microseconds).
    """
    appends = [append for request in requests for append in request.appends]
    streams = sorted({append.stream_id for append in appends}, key=str.encode)
    index = {stream_id: ordinal for ordinal, stream_id in enumerate(streams, start=1)}
    return {
        "tenant": tenant,
        "stream_ids": _array(map(_quoted, streams)),
        "append_request": _array(str(n) for n, r in enumerate(requests) for _ in r.appends),
        "append_stream": _array(str(index[append.stream_id]) for append in appends),
        "append_expected": _array(str(int(append.expected_version)) for append in appends),
        "append_events": _array(str(len(append.events)) for append in appends),
        "event_ids": _array(str(event_id) for r in requests for event_id in r.event_ids),
        "bodies": (b"[" + b",".join(b for r in requests for b in bodies(r)) + b"]").decode(),
    }


def guard_arguments(guards: Guards, stream_id: str) -> dict[str, str]:
    """The parameters that eventstore.append_decided has besides; claims are the stream's."""

    def said(claims: Iterable[Claim]) -> str:
        rows = [{"scope": c.scope, "value": c.value, "stream_id": stream_id} for c in claims]
        return orjson.dumps(rows).decode()

    return {
        "unchanged_streams": _array(map(_quoted, guards.unchanged)),
        "unchanged_versions": _array(map(str, guards.unchanged.values())),
        "claims": said(guards.claims),
        "releases": said(guards.releases),
    }


def lone_arguments(tenant: str, request: Request) -> list[bytes | None]:
    """The parameters of eventstore.append_one as text, for a request of one event without tags.

    They go to the server as they are: the driver's own way from values to bytes costs more than
    all of this.
    """
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


def several_arguments(tenant: str, request: Request) -> list[bytes | None]:
    """The parameters of eventstore.append_several for a request of one append.

    In the form that SEVERAL_FORMATS says.
    """
    append = request.appends[0]
    kinds: list[type[Event]] = list(map(type, append.events))
    classes = set(kinds)
    types = {cls: text_element(cls.event_type) for cls in classes}
    retentions = {cls: text_element(cls.retention) for cls in classes}
    return [
        tenant.encode(),
        append.stream_id.encode(),
        b"%d" % append.expected_version,
        uuid_array(request.event_ids),
        text_array([types[cls] for cls in kinds]),
        small_array([cls.schema_version for cls in kinds]),
        text_array([retentions[cls] for cls in kinds]),
        json_array(request.payloads),
        _text(append.correlation_id),
        _text(append.causation_id),
        _text(append.agent),
        _text(append.target_agent),
        request.metadata[0],
        _text(append.occurred_at and append.occurred_at.astimezone(UTC)),
        text_array(list(map(text_element, sorted(append.tags)))) if append.tags else None,
    ]


def _text(value: object) -> bytes | None:
    return None if value is None else str(value).encode()


def _array(elements: Iterable[str]) -> str:
    return "{" + ",".join(elements) + "}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def receipts(
    request: Request, positions: Sequence[int], stream_versions: Sequence[int]
) -> list[Receipt]:
    """A receipt for each append of a request, from its events' part of the function's answer."""
    made, at = [], 0
    for append in request.appends:
        until = at + len(append.events)
        made.append(
            Receipt(
                append.stream_id,
                stream_versions[until - 1],
                tuple(positions[at:until]),
                request.event_ids[at:until],
            )
        )
        at = until
    return made


def bodies(request: Request) -> Iterator[bytes]:
    """Of all events, in order, each as eventstore.append takes it."""
    payloads = iter(request.payloads)
    for append, metadata in zip(request.appends, request.metadata, strict=True):
        for event in append.events:
            yield _body(append, event, next(payloads), metadata)


def _body(append: Append, event: Event, payload: bytes, metadata: bytes) -> bytes:
    tags = {"x": sorted(append.tags)} if append.tags else {}
    return orjson.dumps(
        {
            "t": event.event_type,
            "v": event.schema_version,
            "k": append.correlation_id or event.event_id,
            "u": append.causation_id,
            "g": append.agent,
            "h": append.target_agent,
            "r": event.retention,
            "d": orjson.Fragment(payload),
            "m": orjson.Fragment(metadata),
            # In UTC: PostgreSQL takes no offset of 16 hours or more, and cuts one at whole seconds.
            "o": append.occurred_at and append.occurred_at.astimezone(UTC),
            **tags,
        }
    )
