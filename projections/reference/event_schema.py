"""The JSON Schema of an event's payload, for programs that state events in other languages."""

from __future__ import annotations

from typing import Any, Final

from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema

import projections.vocabulary  # what operators say is in the log too
from eventstore.event import Event
from eventstore.registry import EventRegistry, default_registry
from projections.catalogue import all_projections
from projections.reference.field_docs import field_docs

__all__ = ["context_of", "event_schema", "known_events"]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class _WithoutTitles(GenerateJsonSchema):
    """Leaves out titles that say no more than the names they are made of."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def known_events(registry: EventRegistry = default_registry) -> list[type[Event]]:
    """Every event class of this package and of installed ones, by type and schema_version.

    Raises NotLoaded.
    """
    assert projections.vocabulary, "it is imported for what it registers"
    all_projections()  # and with each of them the events that it knows
    return sorted(registry, key=lambda cls: (cls.event_type, cls.schema_version))


def context_of(cls: type[Event]) -> str:
    """The part of an event_type before the first dot."""
    return cls.event_type.partition(".")[0]


def event_schema(cls: type[Event]) -> dict[str, Any]:
    """What the payload of one schema_version has to be for the log to accept it, and to read it.

    The log checks more than a schema can say: numbers, nesting and size (eventstore.limits), and
    what validators compare, such as a status with the one before.
    """
    schema = cls.model_json_schema(schema_generator=_WithoutTitles)
    for name, words in field_docs(cls).items():
        field: FieldInfo = cls.model_fields[name]
        schema["properties"][field.alias or name]["description"] = words
    schema["description"] = " ".join((cls.__doc__ or "").split())
    schema.pop("title", None)
    return {
        "$schema": _DIALECT,
        "title": cls.event_type,
        "x-schema-version": cls.schema_version,
        "x-retention": cls.retention,
    } | schema
