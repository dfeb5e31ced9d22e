"""Which changes of an event break what lies in the log."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, StringConstraints, create_model

from projections.reference.schema_change import breaking


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    model_config = {"extra": "forbid"}
    size: int


class WiderInner(Inner):
    unit: str | None = None


class Tree(BaseModel):
    leaves: int = 0
    below: list[Tree] = []


class ShorterTree(BaseModel):
    leaves: Annotated[int, Field(le=3)] = 0
    below: list[ShorterTree] = []


def schema_of(**fields: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        name: field if isinstance(field, tuple) else (field, ...) for name, field in fields.items()
    }
    model: type[BaseModel] = create_model("Said", __config__={"extra": "forbid"}, **made)
    return model.model_json_schema()


Short = Annotated[str, StringConstraints(max_length=5)]
Long = Annotated[str, StringConstraints(max_length=9)]

KEPT = [
    ({"a": int}, {"a": int, "b": (int, 3)}),
    ({"a": int}, {"a": int | None}),
    ({"a": int}, {"a": float}),
    ({"a": int}, {"a": (int, 3)}),
    ({"a": int}, {"a": Any}),
    ({"a": Short}, {"a": Long}),
    ({"a": Short}, {"a": str}),
    ({"a": UUID}, {"a": str}),
    ({"a": Literal["x"]}, {"a": Literal["x", "y"]}),
    ({"a": Literal["x", "y"]}, {"a": str}),
    ({"a": Colour}, {"a": Literal["green", "blue", "red"]}),
    ({"a": Annotated[int, Field(ge=1, lt=5)]}, {"a": Annotated[int, Field(gt=0, le=5)]}),
    ({"a": list[int]}, {"a": list[int | None]}),
    ({"a": dict[str, int]}, {"a": dict[str, float]}),
    ({"a": Inner}, {"a": WiderInner}),
    ({"a": Tree}, {"a": Tree}),
    ({"a": ShorterTree}, {"a": Tree}),
]


@pytest.mark.parametrize(("before", "after"), KEPT)
def test_what_is_wider_breaks_nothing(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert breaking(schema_of(**before), schema_of(**after)) == []


BROKEN = [
    ({"a": int, "b": int}, {"a": int}, "b: the field is gone"),
    ({"a": int}, {"b": (int, 1)}, "a: the field is gone"),
    ({"a": int}, {"a": int, "b": int}, "b: the field is required now"),
    ({"a": (int, 3)}, {"a": int}, "a: the field is required now"),
    ({"a": (int, 3)}, {"a": (int, 4)}, "a: the default was 3, and is another one"),
    ({"a": (int, 1)}, {"a": (float, True)}, "a: the default was 1, and is another one"),
    ({"a": int | None}, {"a": int}, "a: null is no longer allowed"),
    ({"a": float}, {"a": int}, "a: number is no longer allowed"),
    ({"a": str}, {"a": UUID}, "a: format was not there, is uuid"),
    ({"a": Any}, {"a": int}, "a: any value is no longer allowed"),
    ({"a": Long}, {"a": Short}, "a: maxLength was 9, is 5"),
    ({"a": str}, {"a": Short}, "a: maxLength was not limited, is 5"),
    ({"a": Literal["x", "y"]}, {"a": Literal["x"]}, "a: 'y' is no longer allowed"),
    ({"a": Literal[1]}, {"a": Literal[True]}, "a: 1 is no longer allowed"),
    ({"a": Colour}, {"a": Literal["red"]}, "a: 'blue' is no longer allowed"),
    ({"a": Literal["x"]}, {"a": UUID}, "a: 'x' is no longer allowed"),
    ({"a": Annotated[int, Field(ge=1)]}, {"a": Annotated[int, Field(gt=1)]},
     "a: the smallest number allowed is larger than before"),
    ({"a": Annotated[int, Field(le=1)]}, {"a": Annotated[int, Field(lt=1)]},
     "a: the largest number allowed is smaller than before"),
    ({"a": Annotated[str, Field(pattern="^a")]}, {"a": Annotated[str, Field(pattern="^ab")]},
     "a: pattern was ^a, is ^ab"),
    ({"a": list[str]}, {"a": list[Short]}, "a[]: maxLength was not limited, is 5"),
    ({"a": list[int]}, {"a": Annotated[list[int], Field(min_length=1)]},
     "a: minItems was 0, is 1"),
    ({"a": dict[str, str]}, {"a": dict[str, Short]}, "a.*: maxLength was not limited, is 5"),
    ({"a": dict[str, str]}, {"a": dict[Short, str]},
     "a (names): maxLength was not limited, is 5"),
    ({"a": WiderInner}, {"a": Inner}, "a.unit: the field is gone"),
    ({"a": Tree}, {"a": ShorterTree},
     "a.leaves: the largest number allowed is smaller than before"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "reason"), BROKEN)
def test_what_breaks_says_where(before: dict[str, Any], after: dict[str, Any], reason: str) -> None:
    assert breaking(schema_of(**before), schema_of(**after)) == [reason]


numbers = st.integers(-1, 2)
scalars = st.one_of(
    st.just({}),
    st.builds(lambda kind: {"type": kind}, st.sampled_from(["integer", "boolean", "null"])),
    st.builds(lambda low, high: {"type": "number", "minimum": low, "exclusiveMaximum": high},
              numbers, numbers),
    st.builds(lambda low, high: {"type": "string", "minLength": low, "maxLength": high},
              st.integers(0, 1), st.integers(0, 2)),
    st.builds(lambda values: {"enum": values},
              st.lists(st.sampled_from([0, 1, True, None, "a"]), min_size=1)),
)  # fmt: skip


def _made_of(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    fields = st.dictionaries(st.sampled_from(["a", "b"]), inner)
    objects = st.builds(
        lambda fields, required, rest: {
            "type": "object",
            "properties": fields,
            "required": sorted(required & fields.keys()),
            "additionalProperties": rest,
        },
        fields,
        st.sets(st.sampled_from(["a", "b"])),
        st.booleans() | inner,
    )
    lists = st.builds(
        lambda items, most: {"type": "array", "items": items, "maxItems": most},
        inner,
        st.integers(0, 2),
    )
    return objects | lists | st.builds(lambda *of: {"anyOf": list(of)}, inner, inner)


schemas = st.recursive(scalars, _made_of, max_leaves=4)
values: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([0, 1, -1, 0.5, True, False, None, "", "a", "bb"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=2)
    ),
    max_leaves=3,
)


@given(schemas, schemas, st.booleans(), st.lists(values, min_size=20, max_size=20))
def test_what_breaks_nothing_allows_all_that_was(
    before: dict[str, Any], other: dict[str, Any], joined: bool, said: list[Any]
) -> None:
    after = {"anyOf": [other, before]} if joined else other
    if breaking(before, after):
        assert not joined, "what is allowed besides breaks nothing"
        return
    was, now = Draft202012Validator(before), Draft202012Validator(after)
    assert not [value for value in said if was.is_valid(value) and not now.is_valid(value)]


@given(schemas)
def test_no_change_breaks_nothing(schema: dict[str, Any]) -> None:
    assert breaking(schema, schema) == []
