"""What can't be recorded is refused with a typed error, before any SQL, and the store goes on."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from eventstore import Append, Event, EventRegistry, EventStore
from eventstore.config import load
from eventstore.connection.database import Database, Limits
from eventstore.errors import InvalidEvent
from tests.integration.log.facts import FACTS, Said

Try = Callable[[EventStore], object]


class Foreign(Event, event_type="log.foreign", registry=EventRegistry()):
    """Known to another registry only."""


class Abstract(Event):
    """Without a type."""


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def value(bad: Any) -> Try:
    return lambda store: store.append("s-1", [Said(value=bad)])


def keyword(**bad: Any) -> Try:
    return lambda store: store.append("s-1", [Said()], **bad)


def events(bad: Any) -> Try:
    return lambda store: store.append("s-1", bad)


def stream(bad: Any) -> Try:
    return lambda store: store.append(bad, [Said()])


def many(bad: Any) -> Try:
    return lambda store: store.append_many(bad)


def in_context(**says: Any) -> Try:
    def attempt(store: EventStore) -> object:
        with store.context(**says):
            return store.append("s-1", [Said()], metadata={"own": 1})

    return attempt


def in_any_context(bad: Try) -> Try:
    def attempt(store: EventStore) -> object:
        with store.context(agent="a"):
            return bad(store)

    return attempt


BAD: dict[str, Try] = {
    "wrong type of a field": lambda store: store.append("s-1", [Said(number="much")]),  # type: ignore[arg-type]
    "wrong type behind pydantic's back": events([Said.model_construct(number=b"\xff")]),
    "no event": events([{"text": "a"}]),
    "events not in a list": events(Said()),
    "events as text": events("abc"),
    "no events at all": events(None),
    "empty list": events([]),
    "one event twice": lambda store: store.append("s-1", [Said()] * 2),
    "unknown event type": events([Foreign()]),
    "no event type": events([Abstract()]),
    "NUL in a value": value("a\x00"),
    "NUL in a key": value({"\x00": 1}),
    "lone surrogate": value("\ud83d"),
    "lone surrogate deep down": value([{"a": "\udc00"}]),
    "lone surrogate in a key": value({"\ud83d": 1}),
    "NaN": value(math.nan),
    "Infinity": value({"a": [math.inf]}),
    "-Infinity": value(-math.inf),
    "integer beyond 2^53": value(2**53 + 1),
    "integer beneath -2^53": value([-(2**53) - 1]),
    "payload over the limit": value("x" * 1024 * 1024),
    "nesting over 100": value(nested(100)),
    "an object": value(object()),
    "stream_id of 256 characters": stream("s-" + "x" * 254),
    "stream_id empty": stream(""),
    "stream_id no text": stream(7),
    "stream_id with NUL": stream("s-\x00"),
    "stream_id with a lone surrogate": stream("s-\ud83d"),
    "stream_id without a category": stream("-1"),
    "agent of 129 characters": keyword(agent="x" * 129),
    "agent empty": keyword(agent=""),
    "agent no text": keyword(agent=7),
    "agent with a lone surrogate": keyword(agent="\ud83d"),
    "target_agent of 129 characters": keyword(target_agent="x" * 129),
    "correlation_id no UUID": keyword(correlation_id="run-7"),
    "correlation_id a UUID's text": keyword(correlation_id=str(uuid4())),
    "causation_id no UUID": keyword(causation_id=0),
    "expected_version no number": keyword(expected_version="3"),
    "expected_version None": keyword(expected_version=None),
    "expected_version no whole number": keyword(expected_version=1.0),
    "expected_version a truth": keyword(expected_version=True),
    "expected_version below ANY": keyword(expected_version=-3),
    "expected_version beyond 64 bits": keyword(expected_version=2**63),
    "naive occurred_at": keyword(occurred_at=datetime(2025, 1, 1)),  # noqa: DTZ001
    "occurred_at no datetime": keyword(occurred_at="2025-01-01T00:00:00Z"),
    "metadata no mapping": keyword(metadata=[1]),
    "metadata with a key that is no text": keyword(metadata={1: 2}),
    "metadata with NaN": keyword(metadata={"a": math.nan}),
    "metadata with NUL": keyword(metadata={"a": "\x00"}),
    "metadata with an object": keyword(metadata={"a": uuid4()}),
    "metadata over the limit": keyword(metadata={"a": "x" * 1024 * 1024}),
    "metadata too deep": keyword(metadata={"a": nested(101)}),
    "metadata of the context no mapping": in_context(metadata=7),
    "agent of the context no text": in_context(agent=7),
    "correlation of the context no UUID": in_context(correlation_id="run"),
    "appends no list": many(None),
    "appends empty": many([]),
    "appends of something else": many(["s-1"]),
    "appends with an empty one": many([Append("s-1", [Said()]), Append("s-2", [])]),
    "appends with a bad one": many(
        [Append("s-1", [Said()]), Append("s-2", [Said(value=math.nan)])]
    ),
}
BAD |= {
    f"{name}, in a context": in_any_context(BAD[name])
    for name in ("metadata no mapping", "appends of something else", "events not in a list")
}


@pytest.fixture
def unreachable(tmp_path: Path) -> EventStore:
    """A store whose every statement fails: only what never reaches SQL fails otherwise."""
    database = Database(f"postgresql://x@/x?host={tmp_path}", "default", Limits(reconnect=0))
    return EventStore(database, FACTS, load())


@pytest.mark.parametrize("name", BAD)
def test_bad_input_never_reaches_the_database(unreachable: EventStore, name: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        BAD[name](unreachable)
    assert caught.value.reason
    str(caught.value).encode()


def test_the_store_goes_on_after_each(store: EventStore) -> None:
    for count, attempt in enumerate(BAD.values(), start=1):
        with pytest.raises(InvalidEvent):
            attempt(store)
        assert store.append("s-1", [Said()]).stream_version == count
    assert len(list(store.read_all())) == len(BAD)


def test_a_limit_of_the_store_s_own(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTSTORE_MAX_PAYLOAD_BYTES", "1024")
    with EventStore.open(database_url, registry=FACTS) as small:
        small.append("s-1", [Said(value="x" * 900)])
        with pytest.raises(InvalidEvent, match="the limit is 1,024"):
            small.append("s-1", [Said(value="x" * 1024)])


@pytest.mark.parametrize("stream_id", ["", "x" * 256, "\x00", "\ud83d", 7])
def test_a_stream_that_can_not_be_is_not_looked_for(store: EventStore, stream_id: Any) -> None:
    with pytest.raises(InvalidEvent, match="stream_id"):
        store.read_stream(stream_id)
    with pytest.raises(InvalidEvent, match="stream_id"):
        store.stream_version(stream_id)
