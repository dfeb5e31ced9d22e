"""Which class reads which event, and how old payloads become new ones."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest

from eventstore import Event, EventRegistry, RawEvent, RecordedEvent
from eventstore.encoding.codec import payload_hash
from eventstore.errors import InvalidEvent, UnknownEventType
from eventstore.limits import MAX_NAME


def recorded(
    registry: EventRegistry, event_type: str, schema_version: int, payload: dict[str, Any]
) -> RecordedEvent:
    data, moment = orjson.dumps(payload), datetime(2025, 1, 1, tzinfo=UTC)
    return RecordedEvent(
        1, "default", UUID(int=9), "s-1", "s", 1, event_type, schema_version, UUID(int=9), None,
        None, None, "work", data, payload_hash(data), b"{}", moment, moment, registry=registry,
    )  # fmt: skip


@pytest.fixture
def registry() -> EventRegistry:
    return EventRegistry()


def test_two_classes_for_one_type_and_version_are_refused(registry: EventRegistry) -> None:
    class First(Event, event_type="unit.taken", registry=registry):
        pass

    with pytest.raises(InvalidEvent, match=r"schema_version 1 is taken by .*First"):

        class Second(Event, event_type="unit.taken", registry=registry):
            pass

    assert registry.knows(First)
    assert list(registry) == [First]


def test_the_same_class_twice_is_no_matter(registry: EventRegistry) -> None:
    class Once(Event, event_type="unit.once", registry=registry):
        pass

    registry.register(Once)
    assert list(registry) == [Once]


@pytest.mark.parametrize("number", [0, -1, 32768, True, "1", 1.0])
def test_a_schema_version_is_a_small_whole_number(registry: EventRegistry, number: Any) -> None:
    with pytest.raises(InvalidEvent, match="schema_version"):

        class Bad(Event, event_type="unit.bad", schema_version=number, registry=registry):
            pass


@pytest.mark.parametrize("name", ["x" * (MAX_NAME + 1), "a\x00b", "a\nb", "\ud800"])
def test_an_event_type_is_a_short_printable_name(registry: EventRegistry, name: str) -> None:
    with pytest.raises(InvalidEvent, match="event_type"):

        class Bad(Event, event_type=name, registry=registry):
            pass


def test_the_longest_event_type(registry: EventRegistry) -> None:
    class Long(Event, event_type="x" * MAX_NAME, registry=registry):
        pass

    assert registry.newest("x" * MAX_NAME) is Long


def test_newest_is_the_highest_schema_version_whatever_the_order(registry: EventRegistry) -> None:
    class Third(Event, event_type="unit.versioned", schema_version=3, registry=registry):
        pass

    class First(Event, event_type="unit.versioned", schema_version=1, registry=registry):
        pass

    assert registry.newest("unit.versioned") is Third
    assert registry.knows(First)
    with pytest.raises(UnknownEventType, match=r"unit\.unheard"):
        registry.newest("unit.unheard")


def test_upcasters_chain_to_the_newest_class(registry: EventRegistry) -> None:
    class Named(Event, event_type="unit.named", schema_version=3, registry=registry):
        first: str
        last: str
        title: str

    @registry.upcaster("unit.named", from_version=1)
    def split(payload: dict[str, Any]) -> dict[str, Any]:
        first, last = payload["name"].split()
        return {"first": first, "last": last}

    @registry.upcaster("unit.named", from_version=2)
    def titled(payload: dict[str, Any]) -> dict[str, Any]:
        return payload | {"title": "Dr"}

    old = recorded(registry, "unit.named", 1, {"name": "Ada Lovelace"})
    assert old.event == Named(first="Ada", last="Lovelace", title="Dr")
    assert isinstance(old.event, Named)
    assert old.event.event_id == old.event_id
    assert old.payload == {"name": "Ada Lovelace"}
    middle = recorded(registry, "unit.named", 2, {"first": "A", "last": "B"})
    assert middle.event == Named(first="A", last="B", title="Dr")
    newest = recorded(registry, "unit.named", 3, {"first": "A", "last": "B", "title": "C"})
    assert newest.event == Named(first="A", last="B", title="C")


def test_an_old_class_still_reads_what_no_upcaster_lifts(registry: EventRegistry) -> None:
    class Old(Event, event_type="unit.kept", schema_version=1, registry=registry):
        a: int

    class New(Event, event_type="unit.kept", schema_version=2, registry=registry):
        b: int

    assert recorded(registry, "unit.kept", 1, {"a": 1}).event == Old(a=1)
    assert recorded(registry, "unit.kept", 2, {"b": 1}).event == New(b=1)


@pytest.mark.parametrize("schema_version", [2, 3])
def test_a_version_that_nothing_reaches_is_raw(
    registry: EventRegistry, schema_version: int
) -> None:
    class Known(Event, event_type="unit.ahead", schema_version=1, registry=registry):
        a: int

    found = recorded(registry, "unit.ahead", schema_version, {"z": 1})
    assert found.event == RawEvent("unit.ahead", schema_version, {"z": 1})


def test_a_second_upcaster_for_a_version_is_refused(registry: EventRegistry) -> None:
    registry.upcaster("unit.up", from_version=1)(dict)
    registry.upcaster("unit.up", from_version=1)(dict)
    with pytest.raises(InvalidEvent, match="schema_version 1 already has an upcaster"):
        registry.upcaster("unit.up", from_version=1)(lambda payload: payload)


def test_a_class_changed_without_a_new_version_says_so(registry: EventRegistry) -> None:
    class Changed(Event, event_type="unit.changed", registry=registry):
        needed: int

    with pytest.raises(InvalidEvent, match=r"unit\.changed at needed"):
        _ = recorded(registry, "unit.changed", 1, {}).event
