"""Which class reads which event, and how an old payload becomes a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, SupportsIndex, TypeVar
from uuid import UUID

import orjson
from pydantic import ValidationError

from eventstore.encoding.quick_read import Reader, quick_reader
from eventstore.errors import InvalidEvent, UnknownEventType
from eventstore.event import READ_BACK, Event, identify, invalid
from eventstore.limits import MAX_NAME
from eventstore.recorded import RawEvent, RecordedEvent

__all__ = ["EventRegistry", "Upcaster", "default_registry", "upcaster"]

Payload = dict[str, Any]
Upcaster = Callable[[Payload], Payload]
"""A pure function from one schema_version's payload to the next one's."""

_U = TypeVar("_U", bound=Upcaster)


class EventRegistry:
    """The event classes and upcasters that a process knows."""

    def __init__(self) -> None:
        self._classes: dict[tuple[str, int], type[Event]] = {}
        self._newest: dict[str, type[Event]] = {}
        self._upcasters: dict[tuple[str, int], Upcaster] = {}
        self._readers: dict[type[Event], Reader | None] = {}
        self._quick: dict[str, tuple[int, Reader]] = {}
        """For each type with a quick reader, the newest schema_version and its reader."""
        self._reserved: dict[type[Event], str] = {}

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """By its name, if it is the default one: every process has its own."""
        return "default_registry" if self is default_registry else super().__reduce_ex__(protocol)

    def __getstate__(self) -> dict[str, Any]:
        """Without the quick readers: they can't be pickled, and make themselves again."""
        return {**vars(self), "_readers": {}, "_quick": {}}

    def register(self, cls: type[Event]) -> None:
        """Adds a class; raises InvalidEvent when another one has its type and schema_version."""
        name, number = cls.event_type, cls.schema_version
        if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= 32767:
            raise InvalidEvent(f"schema_version {number!r} is not in 1..32767", event_type=name)
        if len(name) > MAX_NAME or not name.isprintable():
            raise InvalidEvent(f"event_type is over {MAX_NAME} printable characters: {name[:60]!r}")
        there = self._classes.get((name, number))
        if there is not None and there is not cls:
            raise InvalidEvent(
                f"schema_version {number} is taken by {there.__module__}.{there.__qualname__}; "
                "raise the schema_version and add an upcaster",
                event_type=name,
            )
        self._classes[name, number] = cls
        self._quick.pop(name, None)
        newest = self._newest.get(name)
        if newest is None or newest.schema_version < number:
            self._newest[name] = cls

    def knows(self, cls: type[Event]) -> bool:
        """Whether that very class is the registered one for its type and schema_version."""
        return self._classes.get((cls.event_type, cls.schema_version)) is cls

    def reserve(self, cls: type[Event], by: str) -> None:
        """Lets a registered class be read, and appended only `by` a part of the store."""
        self._reserved[cls] = by

    def reserved(self, cls: type[Event]) -> str | None:
        """Which part of the store alone appends events of that class; None if anybody may."""
        return self._reserved.get(cls)

    def __iter__(self) -> Iterator[type[Event]]:
        return iter(self._classes.values())

    def knows_type(self, event_type: str) -> bool:
        """Whether a class is registered for a type, whatever its schema_version."""
        return event_type in self._newest

    def newest(self, event_type: str) -> type[Event]:
        """The class with the highest schema_version of a type; raises UnknownEventType."""
        try:
            return self._newest[event_type]
        except KeyError:
            raise UnknownEventType(event_type, 0) from None

    def upcaster(self, event_type: str, *, from_version: int) -> Callable[[_U], _U]:
        """Decorator: registers a function from `from_version`'s payload to the next version's."""

        def add(function: _U) -> _U:
            if self._upcasters.setdefault((event_type, from_version), function) is not function:
                raise InvalidEvent(
                    f"schema_version {from_version} already has an upcaster",
                    event_type=event_type,
                )
            return function

        return add

    def decode(self, recorded: RecordedEvent) -> Event | RawEvent:
        """The typed event, upcast as far as upcasters and classes reach, or its raw form.

        Raises InvalidEvent when a registered class refuses the stored payload: a class that was
        changed without a new schema_version.
        """
        quick = self._quick.get(recorded.event_type)
        if quick is not None and quick[0] == recorded.schema_version:
            try:
                return quick[1](recorded.data, recorded.event_id)
            except Exception:  # noqa: BLE001 - pydantic has the last word
                pass
            cls = self._newest[recorded.event_type]
            return self._validated(cls, recorded.data, recorded.event_id)
        newest = self._newest.get(recorded.event_type)
        if newest is None:
            return RawEvent(recorded.event_type, recorded.schema_version, recorded.payload)
        if newest.schema_version == recorded.schema_version:
            return self._read(newest, recorded.data, recorded.event_id)
        number, payload = self._upcast(recorded)
        older = self._classes.get((recorded.event_type, number))
        if older is None:
            return RawEvent(recorded.event_type, recorded.schema_version, recorded.payload)
        return self._read(older, orjson.dumps(payload), recorded.event_id)

    def _read(self, cls: type[Event], data: bytes, event_id: UUID) -> Event:
        """The event in a payload, read quickly if that goes; raises InvalidEvent."""
        quickly = self._readers.get(cls)
        if quickly is not None:
            try:
                return quickly(data, event_id)
            except Exception:  # noqa: BLE001 - as above
                pass
        return self._validated(cls, data, event_id)

    def _validated(self, cls: type[Event], data: bytes, event_id: UUID) -> Event:
        try:
            event = cls.model_validate_json(data, context=READ_BACK)
        except ValidationError as error:
            raise invalid(error, cls.event_type) from error
        identify(event, event_id)
        if cls not in self._readers:  # only now: pydantic completes a class when it is first used
            self._readers[cls] = reader = quick_reader(cls)
            if reader is not None and self._newest[cls.event_type] is cls:
                self._quick[cls.event_type] = cls.schema_version, reader
        return event

    def _upcast(self, recorded: RecordedEvent) -> tuple[int, Payload]:
        number, payload = recorded.schema_version, dict(recorded.payload)
        while (step := self._upcasters.get((recorded.event_type, number))) is not None:
            number, payload = number + 1, step(payload)
        return number, payload


default_registry: Final = EventRegistry()
"""Where event classes go unless they name another registry."""

RecordedEvent.registry = default_registry

upcaster = default_registry.upcaster
