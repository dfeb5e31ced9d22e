"""What is appended and what comes back; and the checks before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from typing import Any, Final
from uuid import UUID

from eventstore.encoding.codec import encode, encode_json
from eventstore.encoding.moment import is_in_calendar
from eventstore.errors import InvalidEvent
from eventstore.event import Event
from eventstore.guards import Condition, Guards
from eventstore.limits import (
    MAX_BIG_INTEGER,
    MAX_CALL_BYTES,
    MAX_EVENTS_PER_CALL,
    MAX_NAME,
    MAX_PAYLOAD_BYTES,
    MAX_STREAM_ID,
    MAX_TAG,
    MAX_TAGS,
)
from eventstore.names import check_name
from eventstore.query import Query
from eventstore.registry import EventRegistry, default_registry

__all__ = [
    "ANY",
    "NO_STREAM",
    "STREAM_EXISTS",
    "Append",
    "ExpectedVersion",
    "Receipt",
    "Request",
    "check_name",
    "prepare",
]


class _Expected(IntEnum):
    ANY = -2
    STREAM_EXISTS = -1
    NO_STREAM = 0

    def __str__(self) -> str:
        return self.name


ANY: Final = _Expected.ANY
"""Append wherever the stream is."""
NO_STREAM: Final = _Expected.NO_STREAM
"""Append only if the stream has no event yet."""
STREAM_EXISTS: Final = _Expected.STREAM_EXISTS
"""Append only if the stream has an event."""

ExpectedVersion = int
"""ANY, NO_STREAM, STREAM_EXISTS, or the stream_version that the writer believes."""

_NO_METADATA: Final = b"{}"


@dataclass(frozen=True, slots=True)
class Append:
    """Events for one stream, who says them, and in which run.

    `correlation_id` defaults to each event's own id, `occurred_at` to the time of recording.
    `tags` name the things beyond the stream that all of the events are about, as `package:7f3a`,
    in any order and each once. `fail_if_any` refuses the append when an event that the query
    means has a position above `after`, the last one that its writer has seen.
    """

    stream_id: str
    events: Sequence[Event]
    expected_version: ExpectedVersion = ANY
    agent: str | None = None
    target_agent: str | None = None
    correlation_id: UUID | None = None
    causation_id: UUID | None = None
    occurred_at: datetime | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[str] = ()
    fail_if_any: Query | None = None
    after: int = 0

    def __post_init__(self) -> None:
        # A caller that goes on before there is an outcome may use its lists for something else.
        if type(self.events) is list:
            object.__setattr__(self, "events", tuple(self.events))
        if type(self.tags) is list:
            object.__setattr__(self, "tags", tuple(self.tags))


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that an append is on disk; the same append again gives an equal one."""

    stream_id: str
    stream_version: int
    """The stream's version after the last event."""
    positions: tuple[int, ...]
    """Place of each event in the whole log, in the order of the events."""
    event_ids: tuple[UUID, ...]

    @property
    def position(self) -> int:
        """Position of the last event."""
        return self.positions[-1]


@dataclass(frozen=True, slots=True)
class Request:
    """One call of the user, ready to be sent: its appends, all or nothing."""

    appends: tuple[Append, ...]
    event_ids: tuple[UUID, ...]
    """Of all events, in order."""
    payloads: tuple[bytes, ...]
    """Of all events, in order, their exact bytes."""
    metadata: tuple[bytes, ...]
    """Of each append."""
    size: int
    """Bytes of payloads and metadata."""
    guards: Guards | None = None
    """What else must hold when it is recorded."""


def prepare(
    appends: Iterable[Append],
    *,
    registry: EventRegistry = default_registry,
    limit: int = MAX_PAYLOAD_BYTES,
    guards: Guards | None = None,
) -> Request:
    """Checks and encodes appends; raises InvalidEvent before anything reaches the database."""
    appends = tuple(appends)
    ids: list[UUID] = []
    payloads: list[bytes] = []
    about: list[bytes] = []
    size = 0
    conditions: list[Condition] = []
    for append in appends:
        _check(append)
        if append.fail_if_any is not None:
            conditions.append(Condition(append.fail_if_any, append.after))
        metadata = _NO_METADATA
        if append.metadata:
            metadata = encode_json(dict(append.metadata), "metadata", "metadata", limit=limit)
        about.append(metadata)
        for cls in set(map(type, append.events)):
            _check_class(cls, registry)
        for event in append.events:
            ids.append(event.event_id)
            payloads.append(payload := encode(event, limit=limit))
            size += len(payload) + len(metadata)
    if not payloads:
        raise InvalidEvent("an append needs at least one event")
    if len(payloads) > MAX_EVENTS_PER_CALL:
        raise InvalidEvent(
            f"{len(payloads):,} events in one append, the limit is {MAX_EVENTS_PER_CALL:,}; "
            "append them in several calls"
        )
    if len(ids) > 1 and len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise InvalidEvent(f"event {twice} stands twice in one append", path="events")
    if size > MAX_CALL_BYTES:
        raise InvalidEvent(
            f"{size:,} bytes in one append, the limit is {MAX_CALL_BYTES:,}; "
            "append them in several calls"
        )
    if conditions:
        guards = replace(guards or Guards(), conditions=tuple(conditions))
    return Request(appends, tuple(ids), tuple(payloads), tuple(about), size, guards or None)


def _check_class(cls: type, registry: EventRegistry) -> None:
    if not issubclass(cls, Event):
        raise InvalidEvent(f"{cls.__name__} is no Event", path="events")
    if not cls.event_type:
        raise InvalidEvent(
            f"{cls.__name__} has no event_type: name it in the class statement",
            path="events",
        )
    if not registry.knows(cls):
        raise InvalidEvent(
            "unknown event type: the store's registry holds no such class",
            event_type=cls.event_type,
        )
    if by := registry.reserved(cls):
        raise InvalidEvent(f"only {by} says that", event_type=cls.event_type)


def _check(append: Append) -> None:
    if not isinstance(append, Append):
        raise InvalidEvent(f"{type(append).__name__} is no Append", path="appends")
    events = append.events
    if type(events) is not tuple and (
        isinstance(events, Event | str | bytes) or not isinstance(events, Sequence)
    ):
        raise InvalidEvent("events must be a list of events", path="events")
    if not events:
        raise InvalidEvent("an append needs at least one event", path="events")
    check_name(append.stream_id, "stream_id", MAX_STREAM_ID)
    if append.stream_id.startswith("-"):
        raise InvalidEvent("a stream_id begins with its category: category-id", path="stream_id")
    if append.agent is not None:
        check_name(append.agent, "agent", MAX_NAME)
    if append.target_agent is not None:
        check_name(append.target_agent, "target_agent", MAX_NAME)
    _check_id(append.correlation_id, "correlation_id")
    _check_id(append.causation_id, "causation_id")
    expected = append.expected_version
    if type(expected) not in (int, _Expected) or not ANY <= expected <= MAX_BIG_INTEGER:
        raise InvalidEvent(
            f"{expected!r} is neither a stream_version nor ANY, NO_STREAM or STREAM_EXISTS",
            path="expected_version",
        )
    if append.occurred_at is not None:
        _check_moment(append.occurred_at)
    if type(append.metadata) is not dict:
        check_metadata(append.metadata)
    if append.tags != ():
        _check_tags(append.tags)
    if append.after and append.fail_if_any is None:
        raise InvalidEvent("means nothing without fail_if_any", path="after")


def _check_id(value: object, path: str) -> None:
    if value is not None and not isinstance(value, UUID):
        raise InvalidEvent(f"{value!r} is no UUID", path=path)


def check_metadata(value: object) -> None:
    """Refuses what is no mapping."""
    if not isinstance(value, Mapping):
        raise InvalidEvent("must be a mapping of JSON values", path="metadata")


def _check_moment(moment: object) -> None:
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise InvalidEvent("must be a datetime with a time zone", path="occurred_at")
    if not is_in_calendar(moment):
        raise InvalidEvent(f"{moment} is no year 1 to 9999 in UTC", path="occurred_at")


def _check_tags(tags: object) -> None:
    if isinstance(tags, str | bytes) or not isinstance(tags, Sequence):
        raise InvalidEvent("must be a list of texts", path="tags")
    if len(tags) > MAX_TAGS:
        raise InvalidEvent(f"{len(tags)} tags, the limit is {MAX_TAGS}", path="tags")
    for tag in tags:
        check_name(tag, "tags", MAX_TAG)
    if len(set(tags)) < len(tags):
        twice = next(tag for tag in tags if tags.count(tag) > 1)
        raise InvalidEvent(f"{twice!r} stands twice", path="tags")
