"""How fast something goes just now."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import Final

__all__ = ["Rate"]


class Rate:
    """Counts over the last seconds; an idle worker's rate sinks to zero."""

    WINDOW: Final = 10.0
    """Seconds that the rate looks back on."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._counts: deque[tuple[float, int]] = deque()
        self._sum = 0

    def add(self, count: int) -> None:
        """So many were done just now."""
        now = monotonic()
        self._counts.append((now, count))
        self._sum += count
        self._forget(now)

    def per_second(self) -> float:
        """Things a second, over the window or over the life of this object if that is shorter."""
        now = monotonic()
        self._forget(now)
        return self._sum / max(min(now - self._began, self.WINDOW), 0.001)

    def _forget(self, now: float) -> None:
        while self._counts and self._counts[0][0] < now - self.WINDOW:
            self._sum -= self._counts.popleft()[1]
