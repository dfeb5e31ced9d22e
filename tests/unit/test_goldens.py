"""Released forms of events: kept for ever, read for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, Literal
from uuid import UUID

import orjson
import pytest
from jsonschema import Draft202012Validator
from pydantic import ConfigDict, model_validator

from eventstore import Event, EventRegistry
from eventstore.cli.main import main
from eventstore.errors import ConfigurationError, InvalidEvent
from eventstore.event import Retention
from eventstore.registry import default_registry
from projections.reference.event_schema import event_schema, known_events
from projections.reference.goldens import breaks, read_goldens, unreleased, write_golden
from projections.reference.sample import sample

RELEASED = Path(__file__).parents[1] / "golden" / "events"


def opened(
    registry: EventRegistry, number: int = 1, retention: Retention = "work", **fields: Any
) -> type[Event]:
    """A class for house.opened with these fields."""
    space = {"__annotations__": fields, "__module__": __name__}
    kind: Any = type(Event)
    made: type[Event] = kind(
        "Opened", (Event,), space, event_type="house.opened", schema_version=number,
        retention=retention, registry=registry,
    )  # fmt: skip
    return made


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A folder with the first form of house.opened."""
    registry = EventRegistry()
    name = write_golden(tmp_path, opened(registry, house_id=UUID, kind=Literal["hall", "attic"]))
    assert name == "house.opened.v1.json"
    return tmp_path


def reasons(folder: Path, registry: EventRegistry) -> list[str]:
    return [each.reason for each in breaks(read_goldens(folder), registry)]


def test_every_released_form_of_ours_is_read_as_the_newest_class() -> None:
    known_events()
    goldens = read_goldens(RELEASED)
    assert len(goldens) >= 150
    assert list(breaks(goldens, default_registry)) == []
    for golden in goldens:
        for payload in golden.schema["examples"]:
            Draft202012Validator(golden.schema).validate(payload)


def test_the_same_class_breaks_nothing_and_is_released(released: Path) -> None:
    registry = EventRegistry()
    same = opened(registry, house_id=UUID, kind=Literal["hall", "attic"])
    assert reasons(released, registry) == []
    assert unreleased(read_goldens(released), [same]) == []


def test_a_narrower_class_of_the_same_version_is_told(released: Path) -> None:
    registry = EventRegistry()
    opened(registry, retention="audit", house_id=UUID, kind=Literal["hall"])
    assert reasons(released, registry) == [
        "the retention class was work, is audit",
        "kind: 'attic' is no longer allowed",
    ]


def test_a_type_that_is_gone_is_told(released: Path) -> None:
    assert reasons(released, EventRegistry()) == [
        "the event type is gone, or its module was not imported"
    ]


def test_a_new_version_needs_an_upcaster_from_the_last(released: Path) -> None:
    registry = EventRegistry()
    second = opened(registry, 2, house_id=UUID, name=str)
    assert reasons(released, registry) == [
        "no chain of upcasters leads from here to schema_version 2"
    ]
    registry.upcaster("house.opened", from_version=1)(
        lambda payload: {"house_id": payload["house_id"], "name": payload["kind"]}
    )
    assert reasons(released, registry) == []
    assert unreleased(read_goldens(released), [second]) == [second]
    assert write_golden(released, second) == "house.opened.v2.json"
    opened(registry, 3, house_id=UUID)
    assert len(reasons(released, registry)) == 2, "of both versions"


def test_the_old_class_beside_the_new_one_lifts_nothing(released: Path) -> None:
    registry = EventRegistry()
    opened(registry, house_id=UUID, kind=Literal["hall", "attic"])
    opened(registry, 2, house_id=UUID, name=str)
    assert reasons(released, registry) == [
        "no chain of upcasters leads from here to schema_version 2"
    ]


def test_an_upcaster_that_fails_or_lies_is_told(released: Path) -> None:
    for lift, told in (
        (lambda payload: payload["nothing"], "an upcaster fails on an example: KeyError"),
        (lambda payload: payload, "an example is read no more: house.opened at"),
    ):
        registry = EventRegistry()
        opened(registry, 2, house_id=UUID, name=str)
        registry.upcaster("house.opened", from_version=1)(lift)
        (found,) = reasons(released, registry)
        assert found.startswith(told)


def test_a_released_version_that_is_taken_back_is_told(released: Path) -> None:
    registry = EventRegistry()
    write_golden(released, opened(EventRegistry(), 2, house_id=UUID))
    opened(registry, house_id=UUID, kind=Literal["hall", "attic"])
    assert reasons(released, registry) == ["the class is gone: the newest has schema_version 1"]


def test_a_wider_form_is_kept_beside_the_first_and_binds_as_well(released: Path) -> None:
    registry = EventRegistry()
    wider = opened(registry, house_id=UUID, kind=Literal["hall", "attic", "cellar"])
    assert reasons(released, registry) == []
    assert unreleased(read_goldens(released), [wider]) == [wider]
    first = (released / "house.opened.v1.json").read_bytes()
    assert write_golden(released, wider) == "house.opened.v1.2.json"
    assert (released / "house.opened.v1.json").read_bytes() == first
    assert unreleased(read_goldens(released), [wider]) == []
    narrow = EventRegistry()
    opened(narrow, house_id=UUID, kind=Literal["hall", "attic"])
    assert reasons(released, narrow) == ["kind: 'cellar' is no longer allowed"]


class _Odd(Event):
    """A rule that no made-up payload obeys."""

    text: str

    @model_validator(mode="after")
    def _is_odd(self) -> _Odd:
        if self.text != "odd":
            raise ValueError("only odd will do")
        return self


def test_a_class_gives_its_own_examples_where_none_can_be_made(tmp_path: Path) -> None:
    registry = EventRegistry()

    class Without(_Odd, event_type="house.odd", registry=registry):
        pass

    class With(_Odd, event_type="house.odd", schema_version=2, registry=registry):
        model_config: ClassVar[ConfigDict] = ConfigDict(
            json_schema_extra={"examples": [{"text": "odd"}]}
        )

    with pytest.raises(InvalidEvent, match=r"house\.odd: no sample .*only odd will do.*examples"):
        write_golden(tmp_path, Without)
    name = write_golden(tmp_path, With)
    assert json.loads((tmp_path / name).read_text())["examples"] == [{"text": "odd"}]


def test_a_module_without_events_checks_nothing_and_says_so(
    released: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("check", "freeze"):
        assert main(["schema", command, "--golden", str(released), "--module", "json"]) == 2
        assert "json defines no event" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["no JSON", "[]", '{"title": "a.b"}', '{"title": "a.c", "x-schema-version": 1}']
)
def test_a_file_that_is_no_golden_one_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.b.v1.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"--golden.*a\.b\.v1\.json"):
        read_goldens(tmp_path)


@pytest.mark.parametrize("full", [True, False])
def test_a_sample_obeys_the_schema(full: bool) -> None:
    for cls in known_events():
        schema = event_schema(cls)
        payload = sample(schema, full=full)
        Draft202012Validator(schema).validate(payload)
        assert not full or orjson.loads(orjson.dumps(payload)).keys() >= schema["properties"].keys()


SHOP = """
from typing import Literal
from eventstore import Event

class Sold(Event, event_type="goldenshop.sold"):
    kind: Literal[{kinds}]
"""


def test_commands_freeze_and_check_a_package_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = tmp_path / "goldenshop.py"
    shop.write_text(SHOP.format(kinds="'a', 'b'"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    words = ("--golden", "released", "--module", "goldenshop")
    try:
        assert main(["schema", "check", *words]) == 2
        assert main(["schema", "freeze", *words, "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == [{"file": "goldenshop.sold.v1.json"}]
        assert main(["schema", "check", *words]) == 0
        kept = (tmp_path / "released" / "goldenshop.sold.v1.json").read_text()
        (tmp_path / "released" / "goldenshop.sold.v1.json").write_text(kept.replace('"b"', '"c"'))
        capsys.readouterr()
        assert main(["schema", "check", *words, "--json"]) == 6
        (broken,) = json.loads(capsys.readouterr().out)["broken"]
        assert broken["reason"] == "kind: 'c' is no longer allowed"
        assert main(["schema", "freeze", *words]) == 6
        assert main(["schema", "check", "--golden", "released", "--module", "no.such"]) == 2
    finally:
        default_registry._classes.pop(("goldenshop.sold", 1))
        default_registry._newest.pop("goldenshop.sold")
