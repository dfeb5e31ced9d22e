"""What an event is: frozen, typed, with an id of its own."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import types
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID, uuid4

import pytest
from pydantic import ValidationError

from eventstore import BigInt, Event, EventRegistry, RawEvent, RecordedEvent
from eventstore.errors import InvalidEvent
from eventstore.reading.rows import from_rows
from eventstore.registry import default_registry

REGISTRY = EventRegistry()


class Measured(
    Event, event_type="unit.measured", schema_version=2, retention="audit", registry=REGISTRY
):
    name: str
    size: Annotated[int, BigInt] = 0
    maybe: Annotated[int, BigInt] | None = None
    many: list[Annotated[int, BigInt]] = []
    plain: int = 0
    tags: list[str] = []


def test_the_class_statement_names_the_event() -> None:
    assert (Measured.event_type, Measured.schema_version) == ("unit.measured", 2)
    assert Measured.retention == "audit"
    assert REGISTRY.knows(Measured)


def test_defaults_of_the_class_statement() -> None:
    class Plain(Event, event_type="unit.plain", registry=EventRegistry()):
        pass

    assert (Plain.schema_version, Plain.retention) == (1, "work")


def test_a_shared_base_has_no_type_and_is_not_registered() -> None:
    class Base(Event):
        name: str

    class Derived(Base, event_type="unit.derived", registry=REGISTRY):
        pass

    assert Base.event_type == ""
    assert Derived(name="x").name == "x"


def test_an_unknown_retention_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="retention 'forever'"):

        class Bad(Event, event_type="unit.bad", retention="forever", registry=REGISTRY):
            pass


@pytest.mark.parametrize(
    "name",
    ["event_id", "event_type", "schema_version", "retention", "big_integers", "with_id"],
)
@pytest.mark.filterwarnings("ignore:Field name:UserWarning")
def test_a_field_can_not_take_the_place_of_what_every_event_has(name: str) -> None:
    with pytest.raises(InvalidEvent, match=f"can't be named {name}"):
        types.new_class(
            "Bad",
            (Event,),
            {"event_type": "unit.bad", "registry": REGISTRY},
            lambda body: body.update(__annotations__={name: int}),
        )
    assert {cls.event_type for cls in REGISTRY} <= {"unit.measured", "unit.derived"}


def test_big_integers_are_found_wherever_they_are_declared() -> None:
    assert Measured.big_integers == {"size", "maybe", "many"}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({}, "name"),
        ({"name": 5}, "name"),
        ({"name": "x", "plain": "much"}, "plain"),
        ({"name": "x", "plain": 1.5}, "plain"),
        ({"name": "x", "tags": "a"}, "tags"),
        ({"name": "x", "tags": [1]}, "tags.0"),
        ({"name": "x", "unheard": 1}, "unheard"),
    ],
)
def test_a_wrong_field_is_an_invalid_event_with_its_path(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        Measured(**fields)
    assert caught.value.path == path
    assert caught.value.event_type == "unit.measured"
    assert isinstance(caught.value.__cause__, ValidationError)


def test_it_is_frozen() -> None:
    said = Measured(name="x")
    with pytest.raises(ValidationError, match="frozen"):
        said.name = "y"


def test_every_instance_has_an_id_in_order_of_time() -> None:
    ids = [Measured(name="x").event_id for _ in range(100)]
    assert len(set(ids)) == 100
    assert {i.version for i in ids} == {7}
    assert ids == sorted(ids)


def test_equality_compares_the_facts() -> None:
    one, same, other = Measured(name="x"), Measured(name="x"), Measured(name="y")
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one.event_id != same.event_id

    class Twin(Event, event_type="unit.twin", registry=EventRegistry()):
        name: str

    class OtherTwin(Event, event_type="unit.twin", registry=EventRegistry()):
        name: str

    assert Twin(name="x") != OtherTwin(name="x")


def test_the_id_goes_where_the_fact_goes() -> None:
    said = Measured(name="x", tags=["a"])
    chosen = said.with_id(uuid4())
    assert round_trip(chosen).event_id == chosen.event_id
    for twin in (copy.copy(said), copy.deepcopy(said), said.model_copy(), round_trip(said)):
        assert twin == said
        assert twin.event_id == said.event_id


def test_a_changed_copy_is_another_fact() -> None:
    said = Measured(name="x")
    changed = said.model_copy(update={"name": "y"})
    assert changed.name == "y"
    assert changed.event_id != said.event_id
    assert said.name == "x"


def test_an_id_of_choice() -> None:
    said, wanted = Measured(name="x"), uuid4()
    given = said.with_id(wanted)
    assert given.event_id == wanted
    assert given == said
    assert said.event_id != wanted


def round_trip(said: Measured) -> Measured:
    loaded = pickle.loads(pickle.dumps(said))
    assert isinstance(loaded, Measured)
    return loaded


def recorded(**changes: Any) -> RecordedEvent:
    moment = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
    values: dict[str, Any] = {
        "position": 7,
        "tenant_id": "default",
        "event_id": UUID(int=1),
        "stream_id": "thing-1",
        "category": "thing",
        "stream_version": 3,
        "event_type": "unit.measured",
        "schema_version": 2,
        "correlation_id": UUID(int=2),
        "causation_id": None,
        "agent": "a",
        "target_agent": None,
        "retention_class": "audit",
        "data": b'{"name":"x"}',
        "data_hash": b"\x01\xff",
        "metadata": b'{"k":[1]}',
        "occurred_at": moment,
        "recorded_at": moment,
        "registry": REGISTRY,
        "tags": ("a:1", "b:2"),
    }
    return RecordedEvent(**(values | changes))


def test_a_recorded_event_gives_its_fact_typed() -> None:
    found = recorded()
    assert found.event == Measured(name="x")
    assert isinstance(found.event, Measured)
    assert found.event.event_id == found.event_id
    assert found.payload == {"name": "x"}


def test_an_event_of_unknown_type_is_readable_raw() -> None:
    found = recorded(event_type="unit.unheard")
    assert found.event == RawEvent("unit.unheard", 2, {"name": "x"})


def test_as_json_holds_every_field() -> None:
    assert recorded().as_json() == {
        "position": 7,
        "tenant_id": "default",
        "event_id": str(UUID(int=1)),
        "stream_id": "thing-1",
        "category": "thing",
        "stream_version": 3,
        "event_type": "unit.measured",
        "schema_version": 2,
        "correlation_id": str(UUID(int=2)),
        "causation_id": None,
        "agent": "a",
        "target_agent": None,
        "retention_class": "audit",
        "data": {"name": "x"},
        "data_hash": "01ff",
        "metadata": {"k": [1]},
        "occurred_at": "2025-01-02T03:04:05.678901+00:00",
        "recorded_at": "2025-01-02T03:04:05.678901+00:00",
        "tags": ["a:1", "b:2"],
    }


@pytest.mark.parametrize("tags", [("a:1", "b:2"), ()])
def test_a_row_of_the_log_becomes_the_same_event(tags: tuple[str, ...]) -> None:
    wanted = recorded(tags=tags)
    row = tuple(getattr(wanted, name) for name in RecordedEvent._fields[:-1])
    # As the driver gives them: no tags are NULL, some are a list.
    made, other = from_rows([(*row, list(tags) or None), (*row, ["c:3"])], REGISTRY)
    assert type(made) is RecordedEvent
    assert made == wanted != other
    assert hash(made) == hash(wanted)
    assert repr(made) == repr(wanted)
    assert made.tags == wanted.tags
    assert other.tags == ("c:3",)
    assert made.registry is REGISTRY
    assert made.event == wanted.event
    changed = made._replace(data=b'{"name":"y"}')
    assert changed.event == Measured(name="y")
    assert changed.registry is REGISTRY
    for attempt in ("position", "anything"):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, attempt, 8)
        with pytest.raises(dataclasses.FrozenInstanceError):
            delattr(made, attempt)


def test_a_recorded_event_shows_what_is_short() -> None:
    shown = repr(recorded())
    assert shown.startswith("RecordedEvent(position=7, tenant_id='default', event_id=UUID(")
    assert shown.endswith("tags=('a:1', 'b:2'))")
    assert "data" not in shown


def test_a_recorded_event_is_no_mere_tuple() -> None:
    made = recorded()
    assert made != tuple(made)
    assert made == recorded()


@pytest.mark.parametrize(
    "way", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))]
)
def test_a_recorded_event_can_be_copied_and_sent(way: Any) -> None:
    fact = recorded(registry=default_registry, event_type="unit.unheard")
    for _ in range(2):  # before it is decoded, and after
        twin = way(fact)
        assert twin == fact
        assert twin.event == fact.event
        assert twin.registry is default_registry
