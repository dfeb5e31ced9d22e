"""What is a JSON Schema, what breaks one, and that nothing is fetched on the way."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from eventstore.encoding.json_schema import breach, problem
from eventstore.errors import InvalidEvent
from eventstore.vocabulary.work import SchemaPublished, ToolRegistered
from projections.testing import recorded

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
TICKET = {
    "type": "object",
    "required": ["title"],
    "properties": {"title": {"type": "string"}, "lines": {"$ref": "#/$defs/lines"}},
    "$defs": {"lines": {"type": "array", "items": {"type": "integer", "minimum": 1}}},
}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"not": schema}
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        {},
        TICKET,
        {"$schema": DRAFT_7, "definitions": {"a": {}}, "items": [{"$ref": "#/definitions/a"}]},
        {"$ref": "https://json-schema.org/draft/2020-12/schema"},
        {"$defs": {"n": {"$id": "urn:n", "type": "integer"}}, "items": {"$ref": "urn:n"}},
        {"properties": {"$ref": {"type": "string"}}, "const": {"$ref": "no reference"}},
        {"$dynamicRef": "#node", "$defs": {"a": {"$dynamicAnchor": "node"}}},
    ],
)
def test_a_schema(schema: dict[str, Any]) -> None:
    assert problem(schema) is None


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "text"}, r"no JSON Schema: \$.type: 'text' is not valid"),
        ({"properties": {"a": {"minLength": -1}}}, r"\$.properties.a.minLength: -1 is less"),
        ({"pattern": "("}, "not a 'regex'"),
        ({"$schema": "urn:mine"}, "known dialect: its \\$schema is 'urn:mine'"),
        ({"$schema": 7}, "known dialect"),
        ({"$schema": "http://json-schema.org/draft-03/schema#"}, "known dialect"),
        ({"items": {"$ref": "#/$defs/a"}}, r"refers to what is not in it: #/\$defs/a"),
        ({"$ref": "http://127.0.0.1:9/schema.json"}, "not in it: http://127"),
        ({"$ref": "http://["}, "not in it"),
        ({"title": "a", "$ref": "#/title"}, "not in it: #/title"),
        ({"enum": ["a"], "$ref": "#/enum/x"}, "not in it"),
        (nested(3000), "nested too deeply"),
    ],
)
def test_no_schema(schema: dict[str, Any], reason: str) -> None:
    found = problem(schema)
    assert found is not None
    assert re.search(reason, found), found


def test_how_a_value_breaks_a_schema() -> None:
    assert breach(TICKET, {"title": "t", "lines": [1, 2]}) is None
    assert breach(TICKET, {}) == ("", "'title' is a required property")
    assert breach(TICKET, {"title": "t", "lines": [1, 0]}) == (
        "$.lines[1]",
        "0 is less than the minimum of 1",
    )
    assert breach({"$ref": "#"}, 1) is not None, "it ends all the same"
    long = breach({"type": "string"}, list(range(1000)))
    assert long is not None
    assert len(long[1]) < 350


def test_an_event_states_schemas() -> None:
    tool: dict[str, Any] = {
        "tool_id": uuid4(),
        "connector_id": uuid4(),
        "name": "send",
        "version": "1",
        "input_schema": TICKET,
        "output_schema": {},
    }
    assert recorded(ToolRegistered(**tool)).event == ToolRegistered(**tool)
    for field in ("input_schema", "output_schema"):
        with pytest.raises(InvalidEvent, match=f"{field}: no JSON Schema"):
            ToolRegistered(**tool | {field: {"type": "text"}})
    with pytest.raises(InvalidEvent, match="json_schema"):
        SchemaPublished(
            schema_id=uuid4(), document_type="A", document_version=1, json_schema={"$ref": "#a"}
        )


def test_a_schema_of_the_log_is_not_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    published = SchemaPublished(
        schema_id=uuid4(), document_type="A", document_version=1, json_schema={}
    )
    in_log = recorded(published)
    monkeypatch.setattr("eventstore.vocabulary.fields.problem", lambda schema: "out of fashion")
    assert in_log.event == published
    with pytest.raises(InvalidEvent, match="out of fashion"):
        SchemaPublished(**dict(published))
