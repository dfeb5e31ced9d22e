"""An error as text: what is kept of it in checkpoints and failures."""

from __future__ import annotations

import traceback
from typing import Any, Final

from projections.errors import EventNotApplied

__all__ = ["facts_of", "reason_of", "traceback_of"]

_LONGEST_REASON: Final = 2_000
"""Characters of an error's own words that are kept; a payload may be in them."""
_LONGEST_TRACEBACK: Final = 20_000
"""Characters of a traceback that are kept; the end says most."""


def facts_of(error: Exception) -> dict[str, Any]:
    """`last_error` for an error: its text and traceback, and the event if one is to blame."""
    facts: dict[str, Any] = {"error": _storable(str(error)), "traceback": traceback_of(error)}
    if isinstance(error, EventNotApplied):
        facts |= {
            "position": error.position,
            "event_type": error.event_type,
            "event_id": str(error.event_id),
        }
    return facts


def reason_of(error: EventNotApplied) -> str:
    """Why an event was not applied, without the words that say which."""
    return _storable(error.reason)[:_LONGEST_REASON]


def traceback_of(error: Exception) -> str:
    """The end of an error's traceback, with those of its causes."""
    return _storable("".join(traceback.format_exception(error)))[-_LONGEST_TRACEBACK:]


def _storable(text: str) -> str:
    """A text that the database takes: events may hold anything, and errors quote them."""
    return text.replace("\x00", "\N{SYMBOL FOR NULL}").encode(errors="replace").decode()
