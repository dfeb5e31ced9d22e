"""Values that must be unique, spelled as claims."""

from __future__ import annotations

import hashlib
from typing import Final
from urllib.parse import quote
from uuid import UUID

from eventstore.guards import MAX_CLAIM, Claim

__all__ = ["unique"]

_SPECIAL: Final = "%/"


def unique(scope: str, *parts: str | int | UUID) -> Claim:
    """A claim to these parts together, letter by letter: `pypa/pip/26.0`.

    No two lists of parts are spelled alike: what separates them, and what can't be printed, is
    escaped in a part as in a URL. What is longer than a claim may be is claimed by its SHA-256.
    """
    value = "/".join(_spelled(str(part)) for part in parts)
    if len(value) > MAX_CLAIM:
        value = f"sha256/{hashlib.sha256(value.encode()).hexdigest()}"
    return Claim(scope, value)


def _spelled(part: str) -> str:
    return "".join(
        letter if letter.isprintable() and letter not in _SPECIAL else quote(letter, safe="")
        for letter in part
    )
