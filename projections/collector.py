"""The garbage collector in a process that does nothing but project."""

from __future__ import annotations

import gc
from typing import Final

__all__ = ["settle"]

_SELDOM: Final = (20_000, 20, 100)
"""Thresholds of the three generations; the first is as many objects as some pages of events."""


def settle() -> None:
    """Leaves alone what the process holds by now, and looks for cycles seldom from now on.

    Events and rows hold no cycles, and go when their batch does. To walk through them, and through
    all modules, whenever some pages of them have been made takes as long as applying them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SELDOM)
