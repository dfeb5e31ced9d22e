"""What is read quickly is what pydantic reads: the same values, of the same types, in one order."""

from __future__ import annotations

import json
import pickle
import pkgutil
from collections.abc import Mapping
from datetime import datetime, time
from functools import cache
from importlib import import_module
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from eventstore import Event, EventRegistry, vocabulary
from eventstore.encoding.codec import encode
from eventstore.encoding.quick_read import quick_reader
from eventstore.errors import InvalidEvent
from eventstore.event import READ_BACK
from eventstore.registry import default_registry
from projections.testing import recorded
from tests.properties.odd_events import LEFT_TO_PYDANTIC, QUICK, TEXTS, Defaults, Judged, Plain

for module in pkgutil.iter_modules(vocabulary.__path__, f"{vocabulary.__name__}."):
    import_module(module.name)

SAID: Final = tuple(
    cls for cls in default_registry if cls.__module__.startswith(f"{vocabulary.__name__}.")
)
NEW_ID: Final = UUID(int=5)


def as_object(members: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{name}: {value}" for name, value in members) + "}"


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
floats = st.floats(allow_nan=False, allow_infinity=False).map(repr)
NUMBERS: Final = (
    "0", "-0", "-0.0", "1", "80", "1.0", "1e2", "1E-3", "0.1e1", "-1", "4", "5", "1e22", "1e400",
    "5e-324", "2.2250738585072011e-308", "9007199254740993", "9007199254740993.0", "NaN",
    "9223372036854775807", "9223372036854775808", "18446744073709551616", "-9223372036854775809",
    "1" + "0" * 30, "1.0000000000000001", "123456789012345678901234567890.5", "01", "1.", "+1",
)  # fmt: skip
STRINGS: Final = (
    '""', '"a"', '"ab"', '"abc"', '"abc\\n"', '"ab\\u0000"', '"\\ud83d\\ude00"', '"\\ud800"',
    '"\t"', '"\\u00e9"', '"red"', '" x "', '"5"', '"true"', '"1.50"', '"1e5"',
    '"2026-01-02T03:04:05.123456789Z"', '"2026-01-02 03:04:05+01:30"', '"2026-01-02T03:04"',
    '"2026-01-02"', '"03:04:05.5"', '"PT1H"', '"1 day, 00:00:01"', '"1700000000"',
    '"12345678-1234-5678-1234-56781234567a"', '"12345678-1234-5678-1234-56781234567A"',
    '"1234567812345678123456781234567a"', '"{12345678-1234-5678-1234-56781234567a}"',
    '"urn:uuid:12345678-1234-5678-1234-56781234567a"',
)  # fmt: skip
values = st.recursive(
    st.sampled_from((*NUMBERS, *STRINGS, "null", "true", "false"))
    | floats
    | texts.map(json.dumps)
    | st.integers(-(2**70), 2**70).map(str),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.lists(st.tuples(texts.map(json.dumps), inner), max_size=3).map(as_object)
    ),
    max_leaves=5,
)


def said(usual: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return usual.map(json.dumps) | st.sampled_from(STRINGS)


def fitting(node: Mapping[str, Any]) -> st.SearchStrategy[str]:
    """JSON that may well pass for what a part of a pydantic core schema describes."""
    match node["type"]:
        case "str" if "pattern" in node:
            return st.from_regex(node["pattern"]).map(json.dumps)
        case "str":
            return texts.map(json.dumps) | st.sampled_from(STRINGS)
        case "int":
            return st.integers(0, 4).map(str) | st.integers().map(str) | st.sampled_from(NUMBERS)
        case "float":
            return floats | st.floats(0, 1).map(repr) | st.sampled_from(NUMBERS)
        case "bool":
            return st.sampled_from(["true", "false"])
        case "uuid":
            return st.uuids().map(lambda it: json.dumps(str(it)))
        case "literal":
            return st.sampled_from(node["expected"]).map(json.dumps)
        case "nullable":
            return st.just("null") | fitting(node["schema"])
        case "list":
            return st.lists(fitting(node["items_schema"]), max_size=3).map(
                lambda items: f"[{', '.join(items)}]"
            )
        case "dict":
            pairs = st.tuples(texts.map(json.dumps), fitting(node["values_schema"]))
            return st.lists(pairs, max_size=3).map(as_object)
        case "datetime":
            moments = st.datetimes() | st.datetimes(timezones=st.timezones())
            return said(moments.map(datetime.isoformat))
        case "date":
            return said(st.dates().map(str))
        case "time":
            return said(st.times().map(str))
        case "timedelta":
            return said(st.integers(0, 10**7).map(lambda seconds: f"PT{seconds}S"))
        case "decimal":
            return said(st.decimals(allow_nan=False, allow_infinity=False).map(str))
        case "default" | "function-after" | "function-before" | "function-wrap":
            return fitting(node["schema"])
    return values


def fields_of(cls: type[Event]) -> dict[str, Mapping[str, Any]]:
    node: Any = cls.__pydantic_core_schema__
    while "fields" not in node:
        node = node["schema"]
    return {name: field["schema"] for name, field in node["fields"].items()}


@st.composite
def payloads(draw: st.DrawFn, cls: type[Event]) -> bytes:
    """A payload that fits the class, or one that nearly does."""
    members = [(json.dumps(name), draw(fitting(node))) for name, node in fields_of(cls).items()]
    if draw(st.integers(0, 3)) == 0:
        odd = draw(st.integers(0, 3))
        if odd == 0 and members:
            members.pop(draw(st.integers(0, len(members) - 1)))
        elif odd == 1:
            members.append((json.dumps(draw(texts)), draw(values)))
        elif odd == 2 and members:  # said twice
            members.append((draw(st.sampled_from(members))[0], draw(values)))
        elif members:
            place = draw(st.integers(0, len(members) - 1))
            members[place] = (members[place][0], draw(values))
    return as_object(draw(st.permutations(members))).encode()


def same(found: Any, wanted: Any) -> bool:
    """Equal, of the same type and in the same order, all the way down."""
    if type(found) is not type(wanted):
        return False
    if isinstance(wanted, dict):
        return list(found) == list(wanted) and all(same(found[k], wanted[k]) for k in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(wanted, datetime | time):
        zone = type(found.tzinfo) is type(wanted.tzinfo) and repr(found) == repr(wanted)
        return zone and bool(found == wanted)
    return repr(found) == repr(wanted)


def by_pydantic(cls: type[Event], data: bytes) -> Event | None:
    try:
        return cls.model_validate_json(data, context=READ_BACK)
    except ValidationError:
        return None


reader_of: Final = cache(quick_reader)


def quickly(cls: type[Event], data: bytes) -> Event | None:
    reader = reader_of(cls)
    assert reader is not None
    try:
        return reader(data, NEW_ID)
    except Exception:  # noqa: BLE001 - that means: let pydantic read it
        return None


def check(cls: type[Event], data: bytes) -> None:
    found = quickly(cls, data)
    if found is None:
        return
    wanted = by_pydantic(cls, data)
    assert wanted is not None, "pydantic refuses it"
    assert same(vars(found), vars(wanted)), f"{vars(found)} is not {vars(wanted)}"
    assert found == wanted
    assert found.model_fields_set == wanted.model_fields_set
    assert found.__pydantic_extra__ is wanted.__pydantic_extra__ is None
    assert found.event_id == NEW_ID
    assert found.model_dump_json() == wanted.model_dump_json()


@pytest.mark.parametrize("cls", QUICK, ids=lambda cls: cls.__name__)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_it_reads_what_pydantic_reads(cls: type[Event], data: st.DataObject) -> None:
    check(cls, data.draw(payloads(cls)))


def check_the_vocabulary(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def law(data: st.DataObject) -> None:
        cls = data.draw(st.sampled_from([cls for cls in SAID if reader_of(cls)]))
        check(cls, data.draw(payloads(cls)))

    law()


def test_it_reads_the_vocabulary_as_pydantic_does() -> None:
    """A sample; what fields are made of is tried above, a class at a time."""
    check_the_vocabulary(examples=300)


@pytest.mark.faults
def test_it_reads_every_class_as_pydantic_does() -> None:
    check_the_vocabulary(examples=1_500)


@settings(max_examples=1_000, deadline=None)
@given(value=values)
@example(value='"\\u0000"')
def test_any_json_value_means_the_same(value: str) -> None:
    members = {"text": '"x"', "whole": "1", "real": "1", "yes": "true", "anything": value}
    members["id"] = '"12345678-1234-5678-1234-56781234567a"'
    for name in members:
        check(
            Plain,
            as_object([(json.dumps(n), m) for n, m in {**members, name: value}.items()]).encode(),
        )


SLOW: Final = {
    "definition-ref": "any JSON, checked all the way down, is described in terms of itself",
    "model": "a part with fields of its own, such as something sealed, would need a reader too",
    "union": "which of several types a value has only pydantic decides as pydantic does",
}
"""What a class of the vocabulary may be left to pydantic for, and why."""


def types_in(node: Any) -> set[str]:
    """The types of a schema and of all its parts."""
    if isinstance(node, list):
        return set().union(*map(types_in, node))
    if not isinstance(node, dict):
        return set()
    kind = node.get("type")
    return set().union({kind} if isinstance(kind, str) else set(), *map(types_in, node.values()))


def test_the_vocabulary_is_read_quickly_but_for_what_is_named_above() -> None:
    """Not a law, but what reading fast enough rests on."""
    slow = {cls for cls in SAID if reader_of(cls) is None}
    assert slow == {cls for cls in SAID if SLOW.keys() & types_in([*fields_of(cls).values()])}
    assert len(slow) < len(SAID) / 10


@pytest.mark.parametrize("cls", LEFT_TO_PYDANTIC, ids=lambda cls: cls.__name__)
def test_what_it_does_not_know_is_left_to_pydantic(cls: type[Event]) -> None:
    assert quick_reader(cls) is None


def test_it_takes_what_the_codec_writes() -> None:
    """Else all of the above would hold for a reader that refuses everything."""
    said = Plain(text="é", whole=2**53, real=80, yes=True, id=NEW_ID, anything={"a": [1, -0.0]})
    found = quickly(Plain, encode(said))
    assert found == said
    assert isinstance(found, Plain)
    assert type(found.real) is float


TYPICAL: Final = (
    " ab ", "AB", "1.50", "2.25", "2026-01-02T03:04:05.123456", "2026-01-02T03:04:05+01:30",
    "2026-01-02T03:04:05", "2026-01-02", "2026-01-02", "03:04:05", "PT1H",
)  # fmt: skip


@pytest.mark.parametrize(("cls", "text"), list(zip(TEXTS, TYPICAL, strict=True)))
def test_it_takes_texts_of_every_kind(cls: type[Event], text: str) -> None:
    assert quickly(cls, json.dumps({"one": text}).encode()) == cls.model_validate({"one": text})


@pytest.mark.parametrize("deep", [199, 200, 201, 202, 203])
def test_it_reads_no_deeper_than_pydantic(deep: int) -> None:
    inside = "[" * (deep - 1) + "]" * (deep - 1)
    data = as_object(
        [('"text"', '"x"'), ('"whole"', "1"), ('"real"', "1"), ('"yes"', "true"),
         ('"id"', f'"{NEW_ID}"'), ('"anything"', inside)]
    ).encode()  # fmt: skip
    check(Plain, data)
    assert (by_pydantic(Plain, data) is None) == (deep > 201)


def test_pydantic_has_the_last_word() -> None:
    """What msgspec refuses pydantic may take, and what both refuse pydantic explains."""
    fact = recorded(Defaults())
    vars(fact)["registry"] = EventRegistry()
    fact.registry.register(Defaults)
    first = fact.event  # completes the class, and makes the reader
    assert first == Defaults()
    for payload, wanted in ((b"{}", Defaults()), (b'{"whole": "5"}', Defaults(whole=5))):
        assert fact._replace(data=payload).event == wanted
    wrong = fact._replace(data=b'{"whole": "much"}')
    with pytest.raises(InvalidEvent, match=r"odd\.defaults at whole: Input should be a valid int"):
        fact.registry.decode(wrong)


def test_a_rule_judges_what_is_read_quickly() -> None:
    assert quickly(Judged, b'{"low": 1, "high": 2}') == Judged(low=1, high=2)
    assert quickly(Judged, b'{"low": 3, "high": 2}') is None


def test_a_registry_that_has_read_can_be_pickled() -> None:
    fact = recorded(Judged(low=1, high=2))
    vars(fact)["registry"] = EventRegistry()
    fact.registry.register(Judged)
    assert fact.event == fact.event
    again = pickle.loads(pickle.dumps(fact))
    assert again == fact
    assert again.event == fact.event
    assert again.registry.decode(again) == fact.event
