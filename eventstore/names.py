"""What may name a thing: a stream, an agent, a tag."""

from __future__ import annotations

from eventstore.errors import InvalidEvent

__all__ = ["check_name"]


def check_name(value: object, path: str, limit: int) -> None:
    """Refuses what can't name a thing: no text, empty, too long, or with unprintable characters."""
    if not isinstance(value, str):
        raise InvalidEvent(f"{type(value).__name__} is no text", path=path)
    if not value or len(value) > limit:
        raise InvalidEvent(f"{len(value)} characters, allowed are 1 to {limit}", path=path)
    if not value.isprintable():
        raise InvalidEvent("has characters that can't be printed", path=path)
