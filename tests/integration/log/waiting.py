"""Waiting for a condition, with a deadline."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T], seconds: float = 20.0) -> T:
    """Returns the first truthy answer of `condition`; fails when none comes in time."""
    deadline = monotonic() + seconds
    while not (answer := condition()):
        assert monotonic() < deadline, f"{condition} did not come true in {seconds} s"
        sleep(0.002)
    return answer
