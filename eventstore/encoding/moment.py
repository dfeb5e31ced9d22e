"""Moments that every reader can hold."""

from __future__ import annotations

from datetime import UTC, datetime

__all__ = ["is_in_calendar"]


def is_in_calendar(moment: datetime) -> bool:
    """Whether a moment with a time zone is of the years 1 to 9999 in UTC.

    PostgreSQL would store another one, and then no reader could make a datetime of it.
    """
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True
