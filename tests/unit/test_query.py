"""Queries: which events they mean, and which queries there can't be."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from eventstore import Event, EventRegistry, Query
from eventstore.errors import InvalidEvent
from eventstore.limits import MAX_ITEMS, MAX_TAG, MAX_TAGS, MAX_TYPES

REGISTRY = EventRegistry()


class Taken(Event, event_type="seat.taken", registry=REGISTRY):
    pass


class Base(Event):
    pass


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        (Query(types=[Taken]), True),
        (Query(types=["seat.freed"]), False),
        (Query(types=["seat.freed", Taken]), True),
        (Query(tags=["hall:1"]), True),
        (Query(tags=["hall:1", "seat:7"]), True),
        (Query(tags=["hall:1", "seat:8"]), False),
        (Query(types=[Taken], tags=["seat:7"]), True),
        (Query(types=["seat.freed"], tags=["seat:7"]), False),
        (Query(tags=["seat:8"]) | Query(tags=["seat:7"]), True),
        (Query(tags=["seat:8"]) | Query(types=["seat.freed"], tags=["seat:7"]), False),
    ],
    ids=str,
)
def test_which_events_are_meant(query: Query, meant: bool) -> None:
    assert query.matches("seat.taken", ("hall:1", "seat:7")) is meant


def test_what_says_the_same_is_equal() -> None:
    one = Query(types=[Taken, "b"], tags=["y", "x", "x"])
    same = Query(types=["b", "seat.taken", Taken], tags=("x", "y"))
    other = Query(tags=["z"])
    assert one == same
    assert hash(one) == hash(same)
    assert one | other | same == Query.any(other, one) == other | one
    assert one != other


def test_it_reads_as_what_it_means() -> None:
    query = Query(types=["b", Taken], tags=["y", "x"]) | Query(types=["c"]) | Query(tags=["z"])
    assert str(query) == "any type tagged z, or b or seat.taken tagged x and y, or c"
    assert [query.tagged, Query(tags=["z"]).tagged, Query(types=["c"]).tagged] == [
        False, True, False,
    ]  # fmt: skip
    assert orjson.loads(query.as_json()) == [
        {"types": None, "tags": ["z"]},
        {"types": ["b", "seat.taken"], "tags": ["x", "y"]},
        {"types": ["c"], "tags": None},
    ]


def test_it_can_not_be_changed() -> None:
    with pytest.raises(AttributeError):
        Query(tags=["x"]).items = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"types": [], "tags": []},
        {"types": Taken},
        {"types": "seat.taken"},
        {"types": [Base]},
        {"types": [int]},
        {"types": [""]},
        {"types": 3},
        {"types": [str(number) for number in range(MAX_TYPES + 1)]},
        {"tags": "x"},
        {"tags": b"x"},
        {"tags": [""]},
        {"tags": [1]},
        {"tags": ["x\n"]},
        {"tags": ["x" * (MAX_TAG + 1)]},
        {"tags": [str(number) for number in range(MAX_TAGS + 1)]},
    ],
    ids=lambda wrong: str(wrong)[:40],
)
def test_what_is_no_query(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent, match="query"):
        Query(**wrong)


def test_neither_are_none_nor_too_many() -> None:
    with pytest.raises(InvalidEvent, match="query"):
        Query.any()
    with pytest.raises(InvalidEvent, match="65 items"):
        Query.any(*(Query(tags=[str(number)]) for number in range(MAX_ITEMS + 1)))
    with pytest.raises(TypeError):
        Query(tags=["x"]) | "y"  # type: ignore[operator]
