"""Signs of progress of the threads of a process, so that one which hangs is noticed."""

from __future__ import annotations

from threading import current_thread
from time import monotonic

__all__ = ["Pulse"]


class Pulse:
    """When each thread last went round its loop, by name."""

    def __init__(self) -> None:
        self._beats: dict[str, float] = {}

    def beat(self) -> None:
        """The calling thread goes round its loop."""
        self._beats[current_thread().name] = monotonic()

    def end(self) -> None:
        """The calling thread ends, as it should."""
        self._beats.pop(current_thread().name, None)

    def stuck(self, seconds: float) -> dict[str, float]:
        """The threads that gave no sign for longer than that, or ended without a word."""
        now = monotonic()
        silent = {name: now - at for name, at in list(self._beats.items())}
        return {name: silence for name, silence in silent.items() if silence > seconds}
