"""Who speaks, and in which run: carried by contextvars, so that an append stays one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, TypedDict
from uuid import UUID

from eventstore import telemetry
from eventstore.append import Append, check_metadata
from eventstore.errors import InvalidEvent
from eventstore.event import Event

__all__ = ["Says", "all_in_context", "current", "in_context", "said_of", "speaking"]

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_CONTEXT: Final[ContextVar[Mapping[str, Any]]] = ContextVar("eventstore_context", default=_NOTHING)


class Says(TypedDict, total=False):
    """What is said of an append besides its events; the rest comes from the context."""

    agent: str | None
    target_agent: str | None
    correlation_id: UUID | None
    causation_id: UUID | None
    occurred_at: datetime | None
    metadata: Mapping[str, Any] | None


def current() -> Mapping[str, Any]:
    """What the surrounding `speaking` blocks say of agent, correlation_id and so on."""
    return _CONTEXT.get()


@contextmanager
def speaking(**says: Any) -> Iterator[None]:
    """Adds to the context for the length of a block; None leaves what is outside as it is."""
    inner = {**_CONTEXT.get(), **{name: value for name, value in says.items() if value is not None}}
    token = _CONTEXT.set(inner)
    try:
        yield
    finally:
        _CONTEXT.reset(token)


def said_of(stream_id: str, events: Sequence[Event], **says: Any) -> Append:
    """An Append from keywords."""
    if says.get("metadata") is None:
        says["metadata"] = {}
    return Append(stream_id, events, **says)


def all_in_context(appends: Sequence[Append]) -> list[Append]:
    """As in_context, for each; raises InvalidEvent when that is no list."""
    if not isinstance(appends, Iterable):
        raise InvalidEvent(f"{type(appends).__name__} is no list of Append", path="appends")
    return [in_context(append) for append in appends]


def in_context(append: Append) -> Append:
    """The append with what it leaves open taken from the surrounding `context`.

    Its metadata says besides of which trace the append is a part.
    """
    said, carried = current(), telemetry.carried()
    if not said and not carried:
        return append
    if not isinstance(append, Append):
        raise InvalidEvent(f"{type(append).__name__} is no Append", path="appends")
    outer = said.get("metadata", {})
    check_metadata(outer)
    check_metadata(append.metadata)
    return Append(
        append.stream_id,
        append.events,
        append.expected_version,
        append.agent if append.agent is not None else said.get("agent"),
        append.target_agent if append.target_agent is not None else said.get("target_agent"),
        append.correlation_id if append.correlation_id is not None else said.get("correlation_id"),
        append.causation_id if append.causation_id is not None else said.get("causation_id"),
        append.occurred_at,
        {**carried, **outer, **append.metadata},
        append.tags,
        append.fail_if_any,
        append.after,
    )
