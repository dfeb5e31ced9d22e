"""Whether a history can have come from one copy of the thing, changed by one call after another.

The search of Wing and Gong with the memory of Lowe: every order of the calls that agrees with
their times is tried, until one explains all answers; what was tried once, from the same state, is
not tried again. A call without an answer may have had its effect at any time since, or never.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Final, TypeVar

__all__ = ["UNKNOWN", "Operation", "is_linearizable"]

S = TypeVar("S", bound=Hashable)

UNKNOWN: Final = inf
"""When a call that nobody answered came back."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: when it began and came back, by one clock, what it asked and what it answered."""

    call: float
    back: float
    asked: Any
    answered: Any = None
    """None if nobody answered."""


def is_linearizable(
    history: Iterable[Operation], step: Callable[[S, Operation], S | None], state: S
) -> bool:
    """Whether some order of the operations explains the history.

    `step` gives the state after an operation, or None where it could not have answered so.
    """
    operations = sorted(history, key=lambda each: each.call)
    answered = sum(1 << at for at, each in enumerate(operations) if each.back != UNKNOWN)
    begin = (0, state)
    tried = {begin}
    waiting = [begin]
    while waiting:
        done, state = waiting.pop()
        if done & answered == answered:
            return True
        for at in _next(operations, done):
            after = step(state, operations[at])
            if after is not None and (then := (done | 1 << at, after)) not in tried:
                tried.add(then)
                waiting.append(then)
    return False


def _next(operations: Sequence[Operation], done: int) -> list[int]:
    """What may come next: all that began before the first of the rest came back, soonest last."""
    first_not_done = (~done & (done + 1)).bit_length() - 1
    soonest, found = UNKNOWN, []
    for at in range(first_not_done, len(operations)):
        if not done >> at & 1:
            if operations[at].call > soonest:
                break
            soonest = min(soonest, operations[at].back)
            found.append(at)
    return sorted(found, key=lambda at: operations[at].back, reverse=True)
