"""From an event to bytes: canonical, exact, and nothing that a reader would change or refuse."""

from __future__ import annotations

import hashlib
import json
import math
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import BigInt, Event, EventRegistry
from eventstore.encoding.codec import encode, encode_json, payload_hash
from eventstore.errors import InvalidEvent
from eventstore.limits import MAX_BIG_INTEGER, MAX_NESTING, MAX_PAYLOAD_BYTES, MAX_SAFE_INTEGER

REGISTRY = EventRegistry()


class Colour(StrEnum):
    RED = "red"


class Anything(Event, event_type="unit.anything", registry=REGISTRY):
    value: Any = None
    big: Annotated[int, BigInt] = 0
    maybe_big: Annotated[int, BigInt] | None = None
    number: float = 0.0
    price: Decimal = Decimal(0)
    colour: Colour = Colour.RED
    ids: list[UUID] = []


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=20
)


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


@given(values)
def test_every_json_value_comes_back_the_same(value: Any) -> None:
    encoded = encode(Anything(value=value))
    assert orjson.loads(encoded)["value"] == value
    assert json.loads(encoded)["value"] == value


@given(st.dictionaries(text, values))
def test_equal_facts_have_equal_bytes(payload: dict[str, Any]) -> None:
    backwards = dict(reversed(payload.items()))
    assert encode_json(payload, "t", "data") == encode_json(backwards, "t", "data")


@given(values)
def test_the_hash_is_sha256_of_the_bytes(value: Any) -> None:
    encoded = encode(Anything(value=value))
    assert payload_hash(encoded) == hashlib.sha256(encoded).digest()


def test_keys_are_sorted_and_there_is_no_white_space() -> None:
    assert encode(Anything(value={"b": 1, "a": {"d": 1, "c": 2}}, price=Decimal("1.10"))) == (
        b'{"big":0,"colour":"red","ids":[],"maybe_big":null,"number":0.0,"price":"1.10",'
        b'"value":{"a":{"c":2,"d":1},"b":1}}'
    )


def test_the_ends_of_what_is_allowed() -> None:
    encode(Anything(value=[MAX_SAFE_INTEGER, -MAX_SAFE_INTEGER, 1e308, 5e-324, -0.0]))
    encode(Anything(big=MAX_BIG_INTEGER, maybe_big=-MAX_BIG_INTEGER))
    encode(Anything(value=nested(MAX_NESTING - 1)))
    room = MAX_PAYLOAD_BYTES - len(encode(Anything(value="")))
    assert len(encode(Anything(value="x" * room))) == MAX_PAYLOAD_BYTES


@pytest.mark.parametrize(
    ("value", "reason", "path"),
    [
        ("a\x00b", "U+0000", "data.value"),
        ({"a\x00": 1}, "U+0000", "data.value.a\\x00"),
        ({"a": ["\x00"]}, "U+0000", "data.value.a.0"),
        ("\ud800", "surrogate", "data"),
        ({"a": "\udfff"}, "surrogate", "data"),
        (math.nan, "nan", "data.value"),
        (math.inf, "inf", "data.value"),
        ({"a": [1.0, -math.inf]}, "-inf", "data.value.a.1"),
        (MAX_SAFE_INTEGER + 1, "9007199254740993", "data.value"),
        ([-MAX_SAFE_INTEGER - 1], "BigInt", "data.value.0"),
        (10**400, "over 30 digits", "data.value"),
        (nested(MAX_NESTING), "nested deeper than 100", "data.value"),
        pytest.param(object(), "object", "data", id="no JSON value"),
        (b"\xff", "utf-8", "data"),
    ],
    ids=lambda value: repr(value)[:25],
)
def test_what_can_not_be_stored_exactly_is_refused(value: Any, reason: str, path: str) -> None:
    with pytest.raises(InvalidEvent) as caught:
        encode(Anything(value=value))
    assert reason in caught.value.reason
    assert caught.value.path.startswith(path)
    assert caught.value.event_type == "unit.anything"
    str(caught.value).encode()  # the message itself can be printed


@pytest.mark.parametrize("field", ["big", "maybe_big"])
def test_a_declared_big_integer_has_64_bits(field: str) -> None:
    with pytest.raises(InvalidEvent, match="9223372036854775808"):
        encode(Anything.model_validate({field: 2**63}))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_float_field_takes_no_such_number_at_all(value: float) -> None:
    with pytest.raises(InvalidEvent, match="finite"):
        Anything(number=value)


def test_far_too_deep_is_refused_as_well() -> None:
    with pytest.raises(InvalidEvent):
        encode(Anything(value=nested(5_000)))


def test_a_circle_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(InvalidEvent, match="Circular"):
        encode(Anything(value=circle))


def test_what_was_smuggled_past_the_types_is_refused() -> None:
    smuggled = Anything.model_construct(price="no number", ids="none")
    with pytest.raises(InvalidEvent):
        encode(smuggled)


def test_over_the_limit() -> None:
    with pytest.raises(InvalidEvent, match="the limit is 1,048,576; store the large part"):
        encode(Anything(value="x" * MAX_PAYLOAD_BYTES))
    with pytest.raises(InvalidEvent, match="the limit is 100;"):
        encode(Anything(value="x" * 100), limit=100)


def test_the_limit_counts_bytes_not_characters() -> None:
    with pytest.raises(InvalidEvent, match="the limit is 300;"):
        encode(Anything(value="€" * 100), limit=300)


@pytest.mark.parametrize("key", [1, None, True, ("a",), 1.5])
@pytest.mark.parametrize("wrap", [dict, lambda inner: {"outer": inner}], ids=["top", "inner"])
def test_a_key_that_is_no_text_is_refused(key: Any, wrap: Any) -> None:
    with pytest.raises(InvalidEvent, match="is not a string"):
        encode_json(wrap({key: 1}), "metadata", "metadata")
