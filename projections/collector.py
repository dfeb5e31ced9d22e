"""The garbage collector, kept from walking through events and rows again and again.

They hold no cycles, and go when their page or state does. To look through them, and through all
modules, whenever some thousand objects have been made takes as long as applying the events.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

__all__ = ["settled", "spared"]

_SELDOM: Final = (20_000, 20, 100)
"""Thresholds of the three generations; the first is as many objects as some pages of events."""


class _Sparing:
    """How many blocks spare the collector now, and how the first of them found it."""

    lock = Lock()
    blocks = 0
    enabled = True
    frozen = 0


@contextmanager
def settled() -> Iterator[None]:
    """Leaves alone what the process holds by now, and looks for cycles seldom in the block.

    For a process that does nothing but project: its other threads are served alike.
    """
    usual, frozen = gc.get_threshold(), gc.get_freeze_count()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        if not frozen:
            gc.unfreeze()


@contextmanager
def spared() -> Iterator[None]:
    """Leaves the collector to the block, which calls `gc.collect(0)` and `gc.freeze()` by itself.

    Blocks in several threads share it: the last one to end puts it back as the first found it.
    """
    with _Sparing.lock:
        if _Sparing.blocks == 0:
            _Sparing.enabled, _Sparing.frozen = gc.isenabled(), gc.get_freeze_count()
            gc.disable()
        _Sparing.blocks += 1
    try:
        yield
    finally:
        with _Sparing.lock:
            _Sparing.blocks -= 1
            if _Sparing.blocks == 0:
                if not _Sparing.frozen:  # else somebody else's frozen objects would thaw too
                    gc.unfreeze()
                if _Sparing.enabled:
                    gc.enable()
