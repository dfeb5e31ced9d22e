"""Pages and schemas: what they say of tables and events, and when they are written or removed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
import pytest
from jsonschema import Draft202012Validator
from pydantic import Field

from eventstore import Event
from eventstore.encoding.codec import encode
from eventstore.errors import ConfigurationError
from eventstore.registry import EventRegistry
from eventstore.seed import tell
from eventstore.vocabulary.fields import Share
from projections.reference.diagram import diagram
from projections.reference.event_pages import event_files, events_page
from projections.reference.event_schema import event_schema, known_events
from projections.reference.files import Differences, differences, write
from projections.reference.markdown import code, text
from projections.reference.table_page import table_page
from projections.reference.tables import Column, Constraint, ForeignKey, Index, Policy, Right, Table

MARK = "Made by a test."
ROOMS = EventRegistry()


class _Room(Event):
    room_id: UUID
    """The room that it is about."""


class RoomOpened(_Room, event_type="house.room_opened", retention="audit", registry=ROOMS):
    """A room can be used."""

    kind: Literal["hall", "attic"] = "hall"
    light: Share | None = None
    seats: Annotated[int, Field(ge=1, le=9)]


class RoomOpenedV2(
    _Room, event_type="house.room_opened", schema_version=2, retention="audit", registry=ROOMS
):
    """A room can be used, by these people."""

    people: list[str]
    """Who may | come in."""


def made_table(name: str, *columns: Column, **parts: Any) -> Table:
    empty: dict[str, Any] = dict.fromkeys(
        ("constraints", "foreign_keys", "indexes", "rights", "policies", "triggers"), ()
    )
    facts: dict[str, Any] = {
        "schema": "projections",
        "projection": "house",
        "kind": "table",
        "comment": "A table.",
        "owner": "owner",
        "partitioned_by": None,
        "parts_partitioned_by": None,
        "row_security": True,
        "columns": columns,
    }
    return Table(name=name, **facts | empty | parts)


HOUSES = made_table(
    "houses",
    Column("tenant_id", "text", False, None, "Whose."),
    Column("id", "uuid", False, None, "Which."),
    constraints=(Constraint("houses_pkey", "primary key", ("tenant_id", "id"), "", None),),
)
ROOMS_TABLE = made_table(
    "rooms",
    Column("tenant_id", "text", False, None, "Whose."),
    Column("id", "uuid", False, None, "Which."),
    Column("house_id", "uuid", True, None, "Where it is: houses.id (house) or huts.id (woods)."),
    Column("size", "numeric(5,2)", False, "0", "Square | metres * 2."),
    constraints=(
        Constraint("rooms_pkey", "primary key", ("tenant_id", "id"), "", None),
        Constraint("rooms_size", "check", ("size",), "CHECK (size >= 0)", "No less than none."),
    ),
    foreign_keys=(
        ForeignKey(
            "rooms_house", ("tenant_id", "house_id"), "houses", ("tenant_id", "id"), "cascade",
            False, None,
        ),
    ),
    indexes=(Index("rooms_of", False, "btree (tenant_id, house_id)", "The rooms of a house."),),
    rights=(Right("reader", ("SELECT",), ()), Right("painter", ("UPDATE",), ("size",))),
    policies=(Policy("own", "SELECT", ("reader",), True, "tenant_id = 'a'", None),),
)  # fmt: skip


def test_a_schema_says_what_the_source_says() -> None:
    first, second = ROOMS
    schema = event_schema(first)
    assert schema["title"] == "house.room_opened"
    assert (schema["x-schema-version"], schema["x-retention"]) == (1, "audit")
    assert schema["description"] == "A room can be used."
    assert schema["required"] == ["room_id", "seats"]
    said = {name: each.get("description") for name, each in schema["properties"].items()}
    assert said == {
        "room_id": "The room that it is about.",
        "kind": None,
        "light": "A part of the whole: 0 is none, 1 is all.",
        "seats": None,
    }
    assert event_schema(second)["properties"]["people"]["description"] == "Who may | come in."


def test_the_files_of_events() -> None:
    files = event_files(ROOMS)
    names = {"house.room_opened.v1.json", "house.room_opened.v2.json", "README.md"}
    assert files.keys() == names
    Draft202012Validator.check_schema(orjson.loads(files["house.room_opened.v1.json"]))
    assert "| [`house.room_opened`](house.room_opened.v2.json) | 2 | audit |" in files["README.md"]


def test_the_page_of_events() -> None:
    page = events_page(MARK, "house", ROOMS, "../events")
    assert "# house: events\n\nPages and schemas: what they say" in page
    assert '| `kind` | one of hall, attic | `"hall"` |  |' in page
    assert "| `light` | number, ≥ 0, ≤ 1 or null | `null` | A part of the whole" in page
    assert "| `seats` | integer, ≥ 1, ≤ 9 |  |  |" in page
    assert "| `people` | list of text |  | Who may \\| come in. |" in page


def test_what_is_recorded_obeys_its_schema() -> None:
    """Of every event that made-up data has, which is every one."""
    schemas = {
        (cls.event_type, cls.schema_version): Draft202012Validator(event_schema(cls))
        for cls in known_events()
    }
    for append in islice(tell(), 3_000):
        (event,) = append.events
        schema = schemas[event.event_type, event.schema_version]
        payload = orjson.loads(encode(event))
        schema.validate(payload)
        with_more = next(schema.iter_errors(payload | {"colour": "red"}), None)
        assert with_more is not None, "it allows what the log refuses"


def test_the_page_of_a_table() -> None:
    links = {"houses": "houses.md", "rooms": "rooms.md"}
    page = table_page(MARK, ROOMS_TABLE, links, [HOUSES, ROOMS_TABLE])
    for line in (
        "Table `projections.rooms`, a read model of the projection `house`.",
        "| `house_id` | uuid | yes |  | Where it is: [houses.id (house)](houses.md) or "
        "huts.id (woods). |",
        "| `size` | numeric(5,2) |  | `0` | Square \\| metres \\* 2. |",
        "| `rooms_pkey` | primary key | `tenant_id`, `id` |  |",
        "| `tenant_id`, `house_id` | [`houses`](houses.md) | this one is too (cascade) |  |",
        "| `rooms_size` | `size >= 0` | No less than none. |",
        "| `rooms_of` | `btree (tenant_id, house_id)` | The rooms of a house. |",
        "| `painter` | UPDATE of `size` |",
        "| `tenant_id = 'a'` | `reader` | SELECT |",
    ):
        assert f"{line}\n" in page
    assert "## Triggers" not in page
    assert "| [`rooms`](rooms.md) | `tenant_id`, `house_id` |" in table_page(
        MARK, HOUSES, links, [HOUSES, ROOMS_TABLE]
    )


def test_a_diagram_of_two_tables() -> None:
    assert diagram([HOUSES, ROOMS_TABLE]).splitlines() == [
        "```mermaid",
        "erDiagram",
        "    houses {",
        "        uuid id PK",
        "    }",
        "    rooms {",
        "        uuid id PK",
        "        uuid house_id FK",
        "        numeric size",
        "    }",
        '    houses |o--o{ rooms : "house_id"',
        "```",
    ]


def test_words_mean_only_themselves() -> None:
    assert text("a * b\n <c> \\ `d * e`") == "a \\* b \\<c> \\\\ `d * e`"
    assert code("a ` b") == "`` a ` b ``"


def test_files_are_written_where_they_differ(tmp_path: Path) -> None:
    files = {"a.md": f"<!-- {MARK} -->\n", "b/c.json": f'{{"$comment": "{MARK}"}}\n'}
    found = Differences(["a.md", "b/c.json"], [], [])
    assert differences(tmp_path, files, MARK) == found
    assert write(tmp_path, files, MARK) == found
    assert not differences(tmp_path, files, MARK)
    (tmp_path / "a.md").write_text(f"<!-- {MARK} --> by hand\n")
    (tmp_path / "b" / "of somebody.md").write_text("mine\n")
    del files["b/c.json"]
    assert write(tmp_path, files, MARK) == Differences([], ["a.md"], ["b/c.json"])
    assert not differences(tmp_path, files, MARK)
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["a.md", "of somebody.md"]


def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="--out"):
        write(tmp_path / "file", {"a.md": ""}, MARK)
