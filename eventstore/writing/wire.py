"""Requests as the append functions of the database take them, and receipts of what these answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC

import orjson

from eventstore.append import Append, Receipt, Request
from eventstore.event import Event
from eventstore.guards import Claim, Guards

__all__ = ["arguments", "bodies", "guard_arguments", "receipts"]


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
    conditions = (f'{{"query":{c.query.as_json()},"after":{c.after}}}' for c in guards.conditions)

    def said(claims: Iterable[Claim]) -> str:
        rows = [{"scope": c.scope, "value": c.value, "stream_id": stream_id} for c in claims]
        return orjson.dumps(rows).decode()

    return {
        "unchanged_streams": _array(map(_quoted, guards.unchanged)),
        "unchanged_versions": _array(map(str, guards.unchanged.values())),
        "claims": said(guards.claims),
        "releases": said(guards.releases),
        "conditions": f"[{','.join(conditions)}]",
    }


def _array(elements: Iterable[str]) -> str:
    return "{" + ",".join(elements) + "}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def receipts(
    request: Request, positions: Sequence[int], stream_versions: Sequence[int]
) -> list[Receipt]:
    """A receipt for each append of a request, from its events' part of the function's answer."""
    if len(request.appends) == 1:  # nearly always, and then there is nothing to divide
        stream_id = request.appends[0].stream_id
        return [Receipt(stream_id, stream_versions[-1], tuple(positions), request.event_ids)]
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
