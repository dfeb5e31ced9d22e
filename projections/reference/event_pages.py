"""The events as files: a schema each, an index of all, and a page for those of each context."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby, takewhile
from typing import Any, Final

from eventstore.event import Event
from projections.reference.event_schema import context_of, event_schema
from projections.reference.markdown import code, link, page, table, text
from projections.reference.type_words import type_words

__all__ = ["MARK", "event_files", "events_page", "schema_file"]

MARK: Final = "Made by `eventstore schema events` from the event classes: change those, not this."


def schema_file(cls: type[Event]) -> str:
    """The name of the file that has the schema of an event class."""
    return f"{cls.event_type}.v{cls.schema_version}.json"


def event_files(events: Iterable[type[Event]]) -> dict[str, str]:
    """The content of each file by its name: a schema for every class, and the index."""
    events = list(events)
    files = {schema_file(cls): _as_json(cls) for cls in events}
    return files | {"README.md": _index(events)}


def _as_json(cls: type[Event]) -> str:
    schema = {"$comment": MARK} | event_schema(cls)
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _index(events: Sequence[type[Event]]) -> str:
    return page(
        MARK,
        "# Schemas of the events",
        "What the payload of each event has to be, as JSON Schema (draft 2020-12): a file for each "
        "version that was ever released, as the log keeps what was said for ever. Beside the "
        "schema, the log checks sizes, nesting and numbers; and who states an event may be bound "
        "by rules that compare its fields.",
        *(
            f"## {context}\n\n"
            + table(
                ("event", "schema_version", "retention", "states"),
                (
                    (
                        link(cls.event_type, schema_file(cls)),
                        str(cls.schema_version),
                        cls.retention,
                        text(cls.__doc__),
                    )
                    for cls in of_context
                ),
            )
            for context, of_context in groupby(events, context_of)
        ),
    )


def events_page(mark: str, title: str, events: Iterable[type[Event]], schemas: str) -> str:
    """The page of a context's events, each with its fields; `schemas` is the way to the files."""
    events = list(events)
    return page(
        mark,
        f"# {title}: events",
        _said_of_all(events),
        *(_event(cls, schemas) for cls in events),
    )


def _said_of_all(events: Iterable[type[Event]]) -> str:
    """The docstring of the module that has them all, or of the package that has their modules."""
    paths = zip(*(cls.__module__.split(".") for cls in events), strict=False)
    shared = ".".join(path[0] for path in takewhile(lambda path: len(set(path)) == 1, paths))
    return inspect.getdoc(sys.modules[shared]) or "" if shared else ""


def _event(cls: type[Event], schemas: str) -> str:
    schema = event_schema(cls)
    required = set(schema.get("required", ()))
    kept = f"schema_version {cls.schema_version}, retention {cls.retention}"
    return "\n\n".join(
        (
            f"## {cls.event_type}",
            text(cls.__doc__),
            f"{code(cls.__name__)}, {kept}; [schema]({schemas}/{schema_file(cls)}).",
            table(
                ("field", "type", "default", "meaning"),
                (
                    (
                        code(name),
                        text(type_words(field, schema.get("$defs", {}))),
                        "" if name in required else _default(cls, name),
                        text(field.get("description")),
                    )
                    for name, field in schema.get("properties", {}).items()
                ),
            ),
        )
    )


def _default(cls: type[Event], name: str) -> str:
    value: Any = cls.model_fields[name].get_default(call_default_factory=True)
    return code(json.dumps(value, default=str, ensure_ascii=False))
