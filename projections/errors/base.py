"""The root of what projections raise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eventstore.errors import EventStoreError

__all__ = ["ProjectionError", "key_words"]


class ProjectionError(EventStoreError):
    """The root of what projections raise."""


def key_words(key: Sequence[Any]) -> str:
    """A row's key, without its tenant, as messages show it."""
    return " ".join(map(str, key))
