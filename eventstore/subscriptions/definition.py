"""Which events a subscription delivers, and by which rules; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from uuid import UUID

from eventstore.append import check_name
from eventstore.errors import ConfigurationError, InvalidEvent
from eventstore.limits import MAX_NAME, MAX_STREAM_ID
from eventstore.names import is_position

__all__ = ["Definition", "Start", "start_position"]

Start = Literal["beginning", "now"] | int
"""Where it begins: before the first event, with what comes next, or after a position."""

_BOUNDS: Final[dict[str, tuple[int, int, tuple[type, ...]]]] = {
    "max_attempts": (1, 1000, (int,)),
    "retry_seconds": (0, 3600, (int, float)),
    "lease_seconds": (1, 3600, (int, float)),
    "max_unsettled": (1, 1_000_000, (int,)),
}


@dataclass(frozen=True, slots=True)
class Definition:
    """A filter, whose parts must all hold, and how deliveries that fail are dealt with."""

    event_types: Sequence[str] | None = None
    categories: Sequence[str] | None = None
    correlation_id: UUID | None = None
    tags: Sequence[str] | None = None
    """An event must have all of them."""
    after_parked: Literal["wait", "pass"] = "wait"
    """Whether later events of a stream wait behind a parked one, or pass it."""
    max_attempts: int = 10
    """An event that failed so often is parked."""
    retry_seconds: float = 1.0
    """The pause before the second attempt; it doubles with each further one, up to an hour."""
    lease_seconds: float = 30.0
    """So long a consumer may give no sign of life, and so a handler take for one event."""
    max_unsettled: int = 10_000
    """With so many deliveries held, waiting or parked, no further events are read."""

    def check(self) -> None:
        """Raises InvalidEvent for names that no event can have, ConfigurationError for the rest."""
        for names, what, limit in (
            (self.event_types, "event_type", MAX_NAME),
            (self.categories, "category", MAX_STREAM_ID),
            (self.tags, "tag", MAX_STREAM_ID),
        ):
            if names is not None and (isinstance(names, str) or not names):
                raise ConfigurationError(what, "name at least one, in a list, or leave it out")
            for name in names or ():
                check_name(name, what, limit)
        for name in self.categories or ():
            if "-" in name:
                raise InvalidEvent("a category ends before the first dash", path="category")
        if self.after_parked not in ("wait", "pass"):
            raise ConfigurationError("after_parked", f"{self.after_parked!r} is not wait or pass")
        if not isinstance(self.correlation_id, UUID | None):
            raise ConfigurationError("correlation_id", f"{self.correlation_id!r} is no UUID")
        for name, (least, most, kinds) in _BOUNDS.items():
            value = getattr(self, name)
            if type(value) not in kinds or not least <= value <= most:
                raise ConfigurationError(name, f"{value!r} is no number in {least}..{most}")

    def arguments(self) -> dict[str, Any]:
        """As the database takes it; the same filter is always said the same way."""
        return {
            "event_types": _in_order(self.event_types),
            "categories": _in_order(self.categories),
            "correlation_id": self.correlation_id,
            "tags": _in_order(self.tags),
            "after_parked": self.after_parked,
            "max_attempts": self.max_attempts,
            "retry_seconds": float(self.retry_seconds),
            "lease_seconds": float(self.lease_seconds),
            "max_unsettled": self.max_unsettled,
        }


def start_position(start: Start) -> int | None:
    """The position after which a subscription begins; None for the end of the log."""
    if start == "now":
        return None
    if start == "beginning":
        return 0
    if not is_position(start):
        raise ConfigurationError("start", f"{start!r} is not beginning, now or a position")
    return start


def _in_order(names: Sequence[str] | None) -> list[str] | None:
    return None if names is None else sorted(set(names))
