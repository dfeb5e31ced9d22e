"""Which status may follow which, and the refusal of every other move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import ValidationInfo

from eventstore.event import READ_BACK

__all__ = ["check_move"]

S = TypeVar("S", bound=str)


def check_move(moves: Mapping[S, frozenset[S]], before: S, after: S, info: ValidationInfo) -> None:
    """Refuses a move that is not in `moves`; for the validator of an event that states one.

    Only what is said now is judged: an event of the log was legal when it was recorded.
    """
    if info.context is not READ_BACK and after not in moves[before]:
        legal = ", ".join(sorted(moves[before])) or "nothing"
        raise ValueError(f"{before} can't become {after}; what may follow {before}: {legal}")
