"""What a checkpoint keeps of the error at which a projection stopped."""

from __future__ import annotations

import traceback
from typing import Any, Final

from projections.errors import EventNotApplied

__all__ = ["facts_of"]

_LONGEST_TRACEBACK: Final = 20_000
"""Characters of a traceback that are kept; the end says most."""


def facts_of(error: Exception) -> dict[str, Any]:
    """`last_error` for an error: its text and traceback, and the event if one is to blame."""
    facts: dict[str, Any] = {
        "error": str(error),
        "traceback": "".join(traceback.format_exception(error))[-_LONGEST_TRACEBACK:],
    }
    if isinstance(error, EventNotApplied):
        facts |= {
            "position": error.position,
            "event_type": error.event_type,
            "event_id": str(error.event_id),
        }
    return facts
