"""What may name a thing: a stream, an agent, a tag; an event by its position."""

from __future__ import annotations

from eventstore.errors import InvalidEvent
from eventstore.limits import MAX_BIG_INTEGER

__all__ = ["check_name", "is_position"]


def check_name(value: object, path: str, limit: int) -> None:
    """Refuses what can't name a thing: no text, empty, too long, or with unprintable characters."""
    if not isinstance(value, str):
        raise InvalidEvent(f"{type(value).__name__} is no text", path=path)
    if not value or len(value) > limit:
        raise InvalidEvent(f"{len(value)} characters, allowed are 1 to {limit}", path=path)
    if not value.isprintable():
        raise InvalidEvent("has characters that can't be printed", path=path)


def is_position(value: object) -> bool:
    """Whether it can be a place in the log; 0 is before the first event."""
    return type(value) is int and 0 <= value <= MAX_BIG_INTEGER
