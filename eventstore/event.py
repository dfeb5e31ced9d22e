"""What an agent says, and what was recorded of it: two types.

`Event` is the fact as an agent states it. `RecordedEvent` is the same fact once stored, with its
place in the stream and in the log.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, get_args
from uuid import UUID

import uuid_utils.compat
from pydantic import BaseModel, ConfigDict, ValidationError

from eventstore.errors import InvalidEvent
from eventstore.recorded import RawEvent, RecordedEvent

if TYPE_CHECKING:
    from eventstore.registry import EventRegistry

__all__ = ["READ_BACK", "BigInt", "Event", "RawEvent", "RecordedEvent", "Retention"]

Retention = Literal["conversation", "decision", "work", "audit"]
"""The retention classes; each has partitions of its own and a lifetime of its own."""

_RETENTIONS: Final = frozenset(get_args(Retention))
_OWN_NAMES: Final = {
    "event_id", "event_type", "schema_version", "retention", "big_integers", "with_id",
}  # fmt: skip

READ_BACK: Final = {"read_back": True}
"""Validation context of an event that comes from the log. A rule about what may be said (a legal
move, a type that the deployment knows) looks at `info.context is READ_BACK` and lets it pass: what
was recorded is not judged again by the rules of today.
"""


_naming: Final = Lock()


class BigInt:
    """Marks an integer field that may pass 2^53: `size: Annotated[int, BigInt]`.

    Readers that hold numbers as doubles lose digits above 2^53, so a field has to say that it
    means it. The limit is then that of a signed 64-bit integer.
    """


class Event(BaseModel):
    """A fact that an agent states: immutable, typed, with a stable name and schema_version.

        class PackageRegistered(Event, event_type="packaging.package_registered",
                                schema_version=1, retention="work"):
            package_id: UUID
            name: str

    Every instance has an `event_id`, a UUIDv7 made with it, so that appending the same object
    again is recognised as the same fact. Equality compares the facts, not the ids. A subclass
    without `event_type` is abstract: a shared base, which can't be appended.

    Raises InvalidEvent when a field is missing, unknown or of the wrong type.
    """

    # NaN stays itself when the event is encoded, so that the codec refuses it; pydantic's own way
    # is to make it null.
    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, ser_json_inf_nan="constants"
    )

    event_type: ClassVar[str] = ""
    schema_version: ClassVar[int] = 1
    retention: ClassVar[Retention] = "work"
    big_integers: ClassVar[frozenset[str]] = frozenset()

    if not TYPE_CHECKING:  # type checkers take the fields from the class body

        def __init__(self, **fields: Any) -> None:
            try:
                super().__init__(**fields)
            except ValidationError as error:
                raise invalid(error, type(self).event_type or type(self).__name__) from error
            identify(self, uuid_utils.compat.uuid7())

        # Reading back need not come through here: without the mark pydantic would send it.
        __init__.__pydantic_base_init__ = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__()  # the keywords are for __pydantic_init_subclass__

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        event_type: str = "",
        schema_version: int = 1,
        retention: Retention = "work",
        registry: EventRegistry | None = None,
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        from eventstore.registry import default_registry

        if retention not in _RETENTIONS:
            raise InvalidEvent(
                f"retention {retention!r} is none of {', '.join(sorted(_RETENTIONS))}",
                event_type=event_type,
            )
        if taken := _OWN_NAMES & cls.model_fields.keys():
            # The field would stand before the attribute, and be recorded in its place.
            raise InvalidEvent(
                f"a field can't be named {', '.join(sorted(taken))}: every event has that",
                event_type=event_type,
            )
        cls.event_type, cls.schema_version, cls.retention = event_type, schema_version, retention
        cls.big_integers = frozenset(
            name
            for name, info in cls.model_fields.items()
            if BigInt in info.metadata or _mentions_big(info.annotation)
        )
        if event_type:
            (registry if registry is not None else default_registry).register(cls)

    @property
    def event_id(self) -> UUID:
        """The id of this fact, the same before and after it is recorded."""
        private = self.__pydantic_private__
        if private is None:  # validated without __init__, and not read back: a new fact
            with _naming:  # two threads that append it must not give it two ids
                private = self.__pydantic_private__ or identify(self, uuid_utils.compat.uuid7())
        event_id: UUID = private["event_id"]
        return event_id

    def with_id(self, event_id: UUID) -> Self:
        """The same fact under an id of your choice, for imports that must be repeatable."""
        twin = self.model_copy()
        identify(twin, event_id)
        return twin

    def model_copy(self, *, update: dict[str, Any] | None = None, deep: bool = False) -> Self:  # type: ignore[override]
        """A copy; one that changes a field is another fact, and so gets another id."""
        twin = super().model_copy(update=update, deep=deep)
        if update:
            identify(twin, uuid_utils.compat.uuid7())
        return twin

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), tuple(map(repr, self.__dict__.values()))))


def _mentions_big(annotation: Any) -> bool:
    """Whether BigInt stands inside, as in `Annotated[int, BigInt] | None`."""
    return annotation is BigInt or any(map(_mentions_big, get_args(annotation)))


def identify(event: Event, event_id: UUID) -> dict[str, Any]:
    """Gives an event its id; returns its private values.

    Not a PrivateAttr: pydantic would make a new id for every event that is read back, which takes
    as long as the rest of its validation.
    """
    private: dict[str, Any] = {"event_id": event_id}
    object.__setattr__(event, "__pydantic_private__", private)
    return private


def invalid(error: ValidationError, event_type: str) -> InvalidEvent:
    """The first of pydantic's findings as ours; the whole of them stays its cause."""
    first = error.errors(include_url=False, include_context=False)[0]
    reason, path = first["msg"].removeprefix("Value error, "), ".".join(map(str, first["loc"]))
    return InvalidEvent(reason, path=path, event_type=event_type)
