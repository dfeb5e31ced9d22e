"""What was recorded of an event: its row in the log, and the fact that it holds."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self
from uuid import UUID

import orjson

if TYPE_CHECKING:
    from eventstore.event import Event
    from eventstore.registry import EventRegistry

__all__ = ["RawEvent", "RecordedEvent"]

_NOT_SHOWN: Final = {"data", "data_hash", "metadata"}


@dataclass(frozen=True, slots=True)
class RawEvent:
    """An event whose type this process does not know: its name, and its payload as JSON values."""

    event_type: str
    schema_version: int
    payload: dict[str, Any]


class _Columns(NamedTuple):
    """The columns of `events`, in the order in which every query of events asks for them."""

    position: int
    """Place in the whole log; grows, may have gaps."""
    tenant_id: str
    event_id: UUID
    stream_id: str
    category: str
    """The part of the stream_id before the first dash."""
    stream_version: int
    """1-based place in its stream, without gaps."""
    event_type: str
    schema_version: int
    """Version of the payload as stored; `event` is upcast to the newest."""
    correlation_id: UUID
    """The whole run that the event belongs to."""
    causation_id: UUID | None
    """The event that caused it."""
    agent: str | None
    target_agent: str | None
    retention_class: str
    data: bytes
    """The payload's exact bytes, as submitted and as hashed."""
    data_hash: bytes
    """SHA-256 of `data`."""
    metadata: bytes
    """What the writer added about the event, as JSON bytes."""
    occurred_at: datetime
    """When it happened, as its writer says."""
    recorded_at: datetime
    """When the log recorded it, by the database's clock."""
    tags: tuple[str, ...] | None = None


class RecordedEvent(_Columns):
    """An event as the log holds it. Each field is the column of the same name in `events`.

    It is the row itself, a tuple with names, because reading everything is mostly the making of
    these. What is not in the row is in the instance's dictionary, which most never get.
    """

    registry: EventRegistry
    """Who knows the class of the event; of the class, unless the store has another than the usual
    one."""

    def __new__(
        cls,
        *columns: Any,
        registry: EventRegistry | None = None,
        tags: tuple[str, ...] = (),
        **named: Any,
    ) -> Self:
        """An event by the names of its fields, for tests; the log makes them of its rows."""
        named["tags"] = tags or None
        made = super().__new__(cls, *columns, **named)
        if registry is not None:
            vars(made)["registry"] = registry
        return made

    @property
    def tags(self) -> tuple[str, ...]:
        """The things beyond its stream that the event is about, sorted."""
        return self[-1] or ()

    @property
    def event(self) -> Event | RawEvent:
        """The typed fact, upcast to the newest schema_version; RawEvent for an unknown type."""
        kept = self.__dict__
        decoded: Event | RawEvent | None = kept.get("decoded")
        if decoded is None:
            decoded = kept["decoded"] = self.registry.decode(self)
        return decoded

    @property
    def payload(self) -> dict[str, Any]:
        """`data` as JSON values, not upcast."""
        values: dict[str, Any] = orjson.loads(self.data)
        return values

    def as_json(self) -> dict[str, Any]:
        """Every field as JSON values, for `--json`; data_hash in hexadecimal."""
        return {
            "position": self.position,
            "tenant_id": self.tenant_id,
            "event_id": str(self.event_id),
            "stream_id": self.stream_id,
            "category": self.category,
            "stream_version": self.stream_version,
            "event_type": self.event_type,
            "schema_version": self.schema_version,
            "correlation_id": str(self.correlation_id),
            "causation_id": str(self.causation_id) if self.causation_id else None,
            "agent": self.agent,
            "target_agent": self.target_agent,
            "retention_class": self.retention_class,
            "data": self.payload,
            "data_hash": self.data_hash.hex(),
            "metadata": orjson.loads(self.metadata),
            "occurred_at": self.occurred_at.isoformat(),
            "recorded_at": self.recorded_at.isoformat(),
            "tags": list(self.tags),
        }

    def _replace(self, **changes: Any) -> Self:
        twin = super()._replace(**changes)
        if "registry" in vars(self):
            vars(twin)["registry"] = self.registry
        return twin

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return self[:-1], {"tags": self.tags}

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __delattr__(self, name: str) -> None:
        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def __eq__(self, other: object) -> bool:
        return type(other) is RecordedEvent and tuple.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = _Columns.__hash__

    def __repr__(self) -> str:
        shown = (name for name in self._fields if name not in _NOT_SHOWN)
        return f"RecordedEvent({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"
