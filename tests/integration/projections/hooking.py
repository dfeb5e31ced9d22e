"""Hooks of the tests' own, which remember what they were told."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from projections.hooks import Changes, Hook


class Remembering(Hook):
    """Keeps every call; what it is told can be made to fail, or to wait, by `when_told`."""

    projection = "things"

    def __init__(
        self,
        name: str = "remembering",
        *,
        from_start: bool = False,
        when_told: Callable[[Changes], None] = lambda changes: None,
    ) -> None:
        self.name, self.from_start, self._when_told = name, from_start, when_told
        self.calls: list[Changes] = []

    def after_commit(self, changes: Changes) -> None:
        self._when_told(changes)
        self.calls.append(changes)

    def told(self) -> list[int]:
        """The positions of the events, as they came."""
        return [recorded.position for changes in list(self.calls) for recorded in changes.events]

    def times(self) -> Counter[int]:
        """How often it was told of each position."""
        return Counter(self.told())


class Gate:
    """Lets a hook wait in its call until the test opens the gate."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self, changes: Changes) -> None:
        self.reached.set()
        assert self.opened.wait(60), "nobody opened the gate"
