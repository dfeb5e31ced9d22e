"""What is written quickly is what pydantic would write, and nothing that it would refuse."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    computed_field,
    field_serializer,
    model_serializer,
)

from eventstore import BigInt, Event, EventRegistry
from eventstore.encoding.codec import encode, encode_by_pydantic
from eventstore.encoding.quick_write import quick_writer
from eventstore.errors import InvalidEvent
from eventstore.limits import MAX_NESTING, MAX_SAFE_INTEGER
from projections.reference.event_schema import known_events

REGISTRY = EventRegistry()


class Inner(BaseModel):
    b: int = 1
    a: int = 1


class Plain(Event, event_type="quick.plain", registry=REGISTRY):
    text: Annotated[str, Field(max_length=1000), AfterValidator(str)] = ""
    number: Annotated[int, Field(ge=-(2**62))] = 0
    big: Annotated[int, BigInt] | None = None
    ratio: float = 0.0
    perhaps_ratio: float | None = None
    flag: bool = False
    who: UUID | None = None
    status: Literal["open", "closed"] = "open"
    was: Literal["open", "closed"] | None = None
    anything: Any = None
    names: list[str] = []
    ids: list[UUID | None] | None = None
    counts: dict[str, int] = {}
    facts: dict[str, Any] = {}
    by_name: dict[str, list[float]] = {}


texts = st.text(max_size=5) | st.sampled_from(
    ["\x00", "\\u0000", "null", "é", "\u2028", "\U0001f600"]
)
odd = st.sampled_from(
    [math.nan, math.inf, 2**53, 2**53 + 1, -(2**63) - 1, 10**30, "\ud800", b"x", (1,), {1}, 1.5,
     {1: 2}, {"a": math.nan}, ["\x00"], Decimal(1), "open", True, UUID(int=1), Inner(), -0.0,
     5e-324]
)  # fmt: skip
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts | odd
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def outcome(write: Any, event: Event) -> Any:
    try:
        return write(event)
    except InvalidEvent as error:
        return str(error)


# The first draw imports what Hypothesis knows of text, which is slow.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(st.sampled_from(list(Plain.model_fields)), values, max_size=3))
def test_whatever_stands_in_the_fields(smuggled: dict[str, Any]) -> None:
    event = Plain.model_construct(**smuggled)
    assert outcome(encode, event) == outcome(encode_by_pydantic, event)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.builds(
        Plain, text=texts, number=st.integers(-(2**53), 2**53), ratio=st.floats(allow_nan=False,
        allow_infinity=False), flag=st.booleans(), who=st.none() | st.uuids(),
        status=st.sampled_from(["open", "closed"]), names=st.lists(st.text(max_size=3)),
        ids=st.none() | st.lists(st.none() | st.uuids()),
        counts=st.dictionaries(st.text(max_size=3), st.integers(-9, 9)),
    )
)  # fmt: skip
def test_what_is_well_said(event: Plain) -> None:
    assert outcome(encode, event) == outcome(encode_by_pydantic, event)


def test_a_plain_class_is_written_quickly() -> None:
    write = quick_writer(Plain)
    assert write is not None
    said = Plain(text="é", who=UUID(int=1), facts={"b": [1, {"d": None, "c": 1.5}], "a": "x"})
    assert write(said) == encode_by_pydantic(said)
    assert write(said.model_copy(update={"was": "closed"})) is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": "a\x00b"}, {"text": "\ud800"}, {"text": 1}, {"text": type("T", (str,), {})("x")},
        {"number": True}, {"number": MAX_SAFE_INTEGER + 1}, {"ratio": 1}, {"ratio": math.nan},
        {"perhaps_ratio": math.inf}, {"status": "lost"}, {"was": "lost"}, {"names": [1]},
        {"names": ("a",)}, {"ids": ["a"]}, {"counts": {"a": 1.5}}, {"counts": {1: 1}},
        {"anything": math.nan}, {"anything": {1: 2}}, {"facts": {"a": [2**53 + 1]}},
        {"anything": {"a": object()}}, {"by_name": {"a": [1.0, math.nan]}}, {"who": "1"},
    ],
)  # fmt: skip
def test_what_it_does_not_write(wrong: dict[str, Any]) -> None:
    write = quick_writer(Plain)
    assert write is not None
    assert write(Plain().model_copy(update=wrong)) is None


def test_nor_what_is_nested_too_deep() -> None:
    write = quick_writer(Plain)
    assert write is not None
    deep: Any = 1
    for _ in range(MAX_NESTING - 1):
        deep = [deep]
    assert write(Plain(anything=deep)) is not None
    assert write(Plain(anything=[deep])) is None


def test_nor_values_in_another_order_or_beside_the_fields() -> None:
    write = quick_writer(Plain)
    assert write is not None
    for values in ({"number": 1, "text": ""}, vars(Plain()) | {"more": 1}):
        event = Plain()
        vars(event).clear()
        vars(event).update(values)
        assert write(event) is None


class WithModel(Event, event_type="quick.model", registry=REGISTRY):
    value: Inner = Inner()


class WithDecimal(Event, event_type="quick.decimal", registry=REGISTRY):
    value: Decimal = Decimal(1)


class WithNumbers(Event, event_type="quick.numbers", registry=REGISTRY):
    value: dict[int, str] = {1: "a"}


class WithLiteral(Event, event_type="quick.literal", registry=REGISTRY):
    value: Literal[1, "a"] = "a"


class WithSerializer(Event, event_type="quick.serializer", registry=REGISTRY):
    value: list[Annotated[str, PlainSerializer(str.upper)]] = ["a"]


class WithFieldSerializer(Event, event_type="quick.field_serializer", registry=REGISTRY):
    value: str = "a"

    @field_serializer("value")
    def shout(self, value: str) -> str:
        return value.upper()


class WithModelSerializer(Event, event_type="quick.model_serializer", registry=REGISTRY):
    value: str = "a"

    @model_serializer
    def shout(self) -> dict[str, Any]:
        return {"value": "A"}


class WithComputed(Event, event_type="quick.computed", registry=REGISTRY):
    value: str = "a"

    @computed_field  # type: ignore[prop-decorator]
    @property
    def other(self) -> str:
        return "b"


class WithAlias(Event, event_type="quick.alias", registry=REGISTRY):
    model_config = ConfigDict(serialize_by_alias=True)
    value: str = Field("a", serialization_alias="worth")


class WithHidden(Event, event_type="quick.hidden", registry=REGISTRY):
    value: str = Field("a", exclude=True)


class WithMore(Event, event_type="quick.more", registry=REGISTRY):
    model_config = ConfigDict(extra="allow")
    value: str = "a"


@pytest.mark.parametrize(
    "cls",
    [WithModel, WithDecimal, WithNumbers, WithLiteral, WithSerializer, WithFieldSerializer,
     WithModelSerializer, WithComputed, WithAlias, WithHidden, WithMore],
)  # fmt: skip
def test_other_classes_are_left_to_pydantic(cls: type[Event]) -> None:
    assert quick_writer(cls) is None
    event = cls()
    assert encode(event) == encode_by_pydantic(event)


def test_most_of_the_vocabulary_is_plain() -> None:
    ours = [cls for cls in known_events() if cls.__module__.startswith("eventstore.vocabulary")]
    plain = [cls for cls in ours if quick_writer(cls) is not None]
    assert len(plain) / len(ours) > 0.8
