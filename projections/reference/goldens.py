"""Golden files: every form in which an event was ever released, and whether the classes keep it.

A form is a JSON Schema with `examples`: payloads as they may lie in a log for ever. The first form
of a schema_version is in TYPE.vN.json; one that was widened later, in TYPE.vN.2.json and so on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic import ValidationError

from eventstore.encoding.codec import payload_hash
from eventstore.errors import ConfigurationError, InvalidEvent, UnknownEventType
from eventstore.event import READ_BACK, Event
from eventstore.recorded import RecordedEvent
from eventstore.registry import EventRegistry
from projections.reference.event_schema import event_schema
from projections.reference.sample import sample
from projections.reference.schema_change import breaking

__all__ = ["Break", "Golden", "breaks", "read_goldens", "unreleased", "write_golden"]

_ID: Final = UUID("0198c0de-0000-7000-8000-000000000000")
_MOMENT: Final = datetime(2025, 1, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Golden:
    """A released form of an event."""

    file: str
    schema: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, int]:
        """event_type and schema_version."""
        return self.schema["title"], self.schema["x-schema-version"]


@dataclass(frozen=True, slots=True)
class Break:
    """What a released form allows, and the classes of today do not."""

    event_type: str
    schema_version: int
    file: str
    reason: str


def read_goldens(folder: Path) -> list[Golden]:
    """The forms in a folder, in the order of their names; raises ConfigurationError."""
    if not folder.is_dir():
        raise ConfigurationError(
            "--golden", f"{folder} is no folder; `eventstore schema freeze` makes it"
        )
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            golden = Golden(path.name, json.loads(path.read_bytes()))
            (event_type, number), examples = golden.key, golden.schema["examples"]
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise ConfigurationError("--golden", f"{path} is no golden file: {error!r}") from error
        if not path.name.startswith(f"{event_type}.v{number}.") or not examples:
            raise ConfigurationError(
                "--golden", f"{path} is not named for what it holds, or has no examples"
            )
        found.append(golden)
    return found


def breaks(goldens: Iterable[Golden], registry: EventRegistry) -> Iterator[Break]:
    """What was released and can't be said, or can't be read, any more."""
    classes = {(cls.event_type, cls.schema_version): cls for cls in registry}
    for golden in goldens:
        cls = classes.get(golden.key)
        changes = list(_changes(golden, cls)) if cls else []
        # What can't be read because of such a change needs no line of its own.
        for reason in changes or _unread(golden, registry):
            yield Break(*golden.key, golden.file, reason)


def unreleased(goldens: Iterable[Golden], classes: Iterable[type[Event]]) -> list[type[Event]]:
    """The classes of which no form is kept, or that allow more than all that are."""
    of_key: dict[tuple[str, int], list[Golden]] = {}
    for golden in goldens:
        of_key.setdefault(golden.key, []).append(golden)
    return [
        cls
        for cls in classes
        if all(
            breaking(event_schema(cls), golden.schema)
            for golden in of_key.get((cls.event_type, cls.schema_version), ())
        )
    ]


def write_golden(folder: Path, cls: type[Event]) -> str:
    """Keeps the form of a class in a new file, and returns its name.

    Raises InvalidEvent when no sample of it can be made, and ConfigurationError.
    """
    schema = event_schema(cls)
    schema["examples"] = _examples(cls, schema)
    text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    base = f"{cls.event_type}.v{cls.schema_version}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        form = 1
        while True:
            name = f"{base}.json" if form == 1 else f"{base}.{form}.json"
            try:
                with (folder / name).open("x", encoding="utf-8", newline="\n") as file:
                    file.write(text)
            except FileExistsError:
                form += 1
            else:
                return name
    except OSError as error:
        raise ConfigurationError("--golden", f"{error.filename}: {error.strerror}") from error


def _examples(cls: type[Event], schema: Mapping[str, Any]) -> list[Any]:
    """The class's own, or one with every field and one with as few as go."""
    examples, last = [], "an example has to be a JSON object"
    for payload in schema.get("examples") or (sample(schema, full=full) for full in (True, False)):
        try:
            cls.model_validate_json(orjson.dumps(payload), context=READ_BACK)
        except ValidationError as error:
            last = str(error.errors(include_url=False)[0]["msg"])
        else:
            if payload not in examples:
                examples.append(payload)
    if not examples:
        raise InvalidEvent(
            f"no sample can be made of it ({last}); give it one, as in "
            "model_config = ConfigDict(json_schema_extra={'examples': [{...}]})",
            event_type=cls.event_type,
        )
    return examples


def _changes(golden: Golden, cls: type[Event]) -> Iterator[str]:
    kept = golden.schema["x-retention"]
    if cls.retention != kept:
        yield f"the retention class was {kept}, is {cls.retention}"
    yield from breaking(golden.schema, event_schema(cls))


def _unread(golden: Golden, registry: EventRegistry) -> Iterator[str]:
    """Why an example does not become an event of the newest class; one reason is enough."""
    event_type, number = golden.key
    try:
        newest = registry.newest(event_type)
    except UnknownEventType:
        yield "the event type is gone, or its module was not imported"
        return
    for payload in golden.schema["examples"]:
        try:
            event = registry.decode(_recorded(event_type, number, payload, registry))
        except InvalidEvent as error:
            yield f"an example is read no more: {error}"
        except Exception as error:  # noqa: BLE001 - an upcaster may raise anything
            yield f"an upcaster fails on an example: {error!r}"
        else:
            if type(event) is newest:
                continue
            yield (
                f"no chain of upcasters leads from here to schema_version {newest.schema_version}"
                if number < newest.schema_version
                else f"the class is gone: the newest has schema_version {newest.schema_version}"
            )
        return


def _recorded(event_type: str, number: int, payload: Any, registry: EventRegistry) -> RecordedEvent:
    data = orjson.dumps(payload)
    return RecordedEvent(
        position=1,
        tenant_id="golden",
        event_id=_ID,
        stream_id="golden-1",
        category="golden",
        stream_version=1,
        event_type=event_type,
        schema_version=number,
        correlation_id=_ID,
        causation_id=None,
        agent=None,
        target_agent=None,
        retention_class="work",
        data=data,
        data_hash=payload_hash(data),
        metadata=b"{}",
        occurred_at=_MOMENT,
        recorded_at=_MOMENT,
        registry=registry,
    )
