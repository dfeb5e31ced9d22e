"""YAML documents of unknown origin, as the text that stands in them.

Every scalar stays text: `1.10` is a version and no number, `no` a country and no boolean. What
would let a small document become a large one (aliases), or hide something (the same key twice), is
refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import yaml

from eventstore.ingest.reader import BrokenFile
from eventstore.limits import MAX_NESTING

__all__ = ["parse"]

Value = str | list[Any] | dict[str, Any]
_LOADER: Final = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def parse(data: bytes) -> Value:
    """The one document in the data; raises BrokenFile."""
    events = _events(data)
    for event in events:
        if isinstance(event, yaml.NodeEvent):
            found = _value(event, events, 1)
            if any(isinstance(each, yaml.DocumentStartEvent) for each in events):
                raise BrokenFile("holds several documents")
            return found
    raise BrokenFile("is empty")


def _events(data: bytes) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(data, Loader=_LOADER)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BrokenFile(f"is no YAML: {' '.join(str(error).split())}") from error


def _value(event: yaml.NodeEvent, events: Iterator[yaml.Event], depth: int) -> Value:
    if isinstance(event, yaml.ScalarEvent):
        return str(event.value)
    if depth > MAX_NESTING:
        raise BrokenFile(f"line {_line(event)}: nested deeper than {MAX_NESTING} levels")
    if isinstance(event, yaml.SequenceStartEvent):
        return [_value(each, events, depth + 1) for each in _until_end(events)]
    if not isinstance(event, yaml.MappingStartEvent):
        raise BrokenFile(f"line {_line(event)}: has an alias, which is not followed")
    found: dict[str, Value] = {}
    for key in _until_end(events):
        if not isinstance(key, yaml.ScalarEvent):
            raise BrokenFile(f"line {_line(key)}: a key is no text")
        if key.value in found:
            raise BrokenFile(f"line {_line(key)}: the key {key.value!r} stands there twice")
        found[key.value] = _value(next(events), events, depth + 1)  # type: ignore[arg-type]
    return found


def _until_end(events: Iterator[yaml.Event]) -> Iterator[yaml.NodeEvent]:
    """What stands in a list or mapping whose beginning was taken."""
    for event in events:
        if not isinstance(event, yaml.NodeEvent):
            return
        yield event


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0
