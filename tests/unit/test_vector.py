"""A vector is what pgvector keeps: 32 bits a number, the same bytes everywhere."""

from __future__ import annotations

import math
import pickle
from base64 import b64encode
from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore import Event
from eventstore.encoding.codec import encode
from eventstore.encoding.vector import MAX_DIMENSIONS, Vector
from eventstore.errors import InvalidEvent
from eventstore.registry import EventRegistry
from projections.column_types import column_type

ELSEWHERE = EventRegistry()


class Meant(Event, event_type="test.meant", registry=ELSEWHERE):
    vector: Vector
    other: Vector | None = None


numbers = st.lists(
    st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=9
).filter(any)


def test_numbers_are_rounded_to_what_is_stored() -> None:
    assert Vector([0.1]).tolist() == [0.10000000149011612]
    assert Vector([0.1]) == Vector(Vector([0.1]))


@given(numbers)
def test_every_form_gives_the_same_vector(floats: list[float]) -> None:
    vector = Vector(floats)
    assert vector.tolist() == floats
    for twin in (
        Vector.from_base64(vector.base64()),
        Vector.from_text(str(vector)),
        pickle.loads(pickle.dumps(vector)),
    ):
        assert twin == vector
        assert hash(twin) == hash(vector)
        assert twin.binary() == vector.binary()


def test_the_payload_is_little_endian_and_pgvectors_form_is_not() -> None:
    vector = Vector([1.5, -2.0])
    assert vector.base64() == b64encode(pack("<2f", 1.5, -2.0)).decode()
    assert vector.binary() == pack(">HH2f", 2, 0, 1.5, -2.0)


@given(numbers)
def test_an_event_keeps_it(floats: list[float]) -> None:
    event = Meant(vector=floats)  # type: ignore[arg-type]
    assert event.vector == Vector(floats)
    assert Meant.model_validate_json(encode(event)) == event


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "1 to 2,000"),
        ([1.0] * (MAX_DIMENSIONS + 1), "2,001"),
        ([0.0, 0.0], "direction"),
        ([1e-60], "direction"),
        ([math.nan], "finite"),
        ([1.0, math.inf], "finite"),
        ([1e39], "finite"),
        ("AAA", "base64"),
        ("AAAA", "3 bytes"),
        ("", "1 to 2,000"),
        (7, "no numbers"),
        (["a"], "no numbers"),
    ],
)
def test_what_is_no_vector_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        Meant(vector=value)


def test_what_it_looks_like() -> None:
    assert repr(Vector([1, 0.5])) == "Vector([1, 0.5] of 2)"
    assert repr(Vector([1, 2, 3, 4])) == "Vector([1, 2, 3, …] of 4)"
    assert str(Vector([1, 0.5])) == "[1.0,0.5]"
    assert column_type(Vector | None) == "public.vector"
    schema = Meant.model_json_schema()["properties"]["vector"]
    assert schema["contentEncoding"] == "base64"
