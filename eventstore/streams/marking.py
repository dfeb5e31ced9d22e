"""Appends the events by which streams are closed, reopened and described.

The vocabulary is loaded when it is needed: it takes as long as the rest of the store, and few
processes say this.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from functools import cache
from typing import Any

from eventstore.append import STREAM_EXISTS, ExpectedVersion, Receipt, prepare
from eventstore.connection.database import Database
from eventstore.context import Says, in_context, said_of
from eventstore.encoding.codec import encode_json
from eventstore.errors import (
    AppendRefused,
    ConcurrencyConflict,
    EventStoreError,
    InvalidEvent,
    NotFound,
)
from eventstore.event import Event
from eventstore.limits import MAX_DESCRIPTION_BYTES
from eventstore.registry import EventRegistry
from eventstore.writing.appender import Appender
from eventstore.writing.batch import in_doubt

__all__ = ["closed", "described", "mark", "reopened"]


def mark(
    database: Database,
    stream_id: str,
    event: Event,
    expected_version: ExpectedVersion,
    says: Says,
) -> Receipt:
    """Appends what says it of a stream; the log does what it says in the same transaction.

    Raises NotFound where there is no such stream, and what the store's `append` raises.
    """
    if expected_version != STREAM_EXISTS and expected_version <= 0:
        raise InvalidEvent(
            f"{expected_version!r} is neither STREAM_EXISTS nor a stream_version above 0",
            path="expected_version",
        )
    database.require_open()
    append = in_context(said_of(stream_id, [event], expected_version=expected_version, **says))
    request = prepare([append], registry=_registry())
    if request.guards is not None:
        raise InvalidEvent("what becomes of a stream has no conditions", path="fail_if_any")
    try:
        with closing(Appender(database)) as appender:
            outcome = appender.mark(request)
    except EventStoreError as error:
        raise in_doubt(error, request) from error.__cause__
    if isinstance(outcome, ConcurrencyConflict) and outcome.actual == 0:
        raise NotFound("stream", stream_id, "see `eventstore streams list`") from outcome
    if isinstance(outcome, AppendRefused):
        raise outcome
    return outcome[0]


def closed(reason: str) -> Event:
    """The event that closes a stream; raises InvalidEvent."""
    from eventstore.vocabulary.stream import Closed

    return Closed(reason=reason)


def reopened(reason: str) -> Event:
    """The event that reopens a stream; raises InvalidEvent."""
    from eventstore.vocabulary.stream import Reopened

    return Reopened(reason=reason)


def described(description: Mapping[str, Any]) -> Event:
    """The event that says it; raises InvalidEvent for what is no JSON object of that size."""
    from eventstore.vocabulary.stream import Described

    if not isinstance(description, Mapping):
        raise InvalidEvent("must be a mapping of JSON values", path="description")
    encode_json(dict(description), "description", "description", limit=MAX_DESCRIPTION_BYTES)
    return Described(description=dict(description))


@cache
def _registry() -> EventRegistry:
    """The one in which these events may be appended."""
    from eventstore.vocabulary.stream import ABOUT_STREAMS

    made = EventRegistry()
    for kind in ABOUT_STREAMS:
        made.register(kind)
    return made
