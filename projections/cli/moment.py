"""Moments on the command line: a position, or a time."""

from __future__ import annotations

from datetime import UTC, datetime

from eventstore.errors import ConfigurationError

__all__ = ["moment"]


def moment(text: str, option: str) -> int | datetime:
    """A position, or a time; a time without a zone is UTC. Raises ConfigurationError."""
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            option, f"{text!r} is neither a position nor a time such as 2026-05-01T12:00:00Z"
        ) from None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
