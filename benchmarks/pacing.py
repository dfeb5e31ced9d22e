"""An appender in a process of its own that keeps a pace, whatever comes of its appends.

Which event is due when follows from the start alone, so that who watches needs no word from it.
"""

from __future__ import annotations

from multiprocessing import get_context
from time import perf_counter, sleep
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

from eventstore import NO_STREAM, EventStore
from eventstore.vocabulary.packaging import PackageRegistered

__all__ = ["Paced"]

_PATIENCE: Final = 60.0
"""Seconds that the process may take to begin, or be late."""
_WARM_UP: Final = 50
"""Events whose rows are not watched."""


class Paced:
    """Registers `events` packages, `pace` a second, one append each, while the block lasts.

    The clock is perf_counter, which is the same in all processes of a machine.
    """

    def __init__(self, url: str, number: int, pace: int, events: int) -> None:
        context = get_context("spawn")
        self._number, self._pace, self._events = number, pace, events
        self._began = context.Value("d", 0.0)
        self._ready = context.Event()
        self._process = context.Process(
            target=_append, args=(url, number, pace, events, self._began, self._ready)
        )
        self._told = _WARM_UP

    def __enter__(self) -> Self:
        self._process.start()
        if not self._ready.wait(_PATIENCE):
            raise RuntimeError("the appender did not begin")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.join(_PATIENCE if error is None else 0)
        self._process.kill()

    def newly_due(self) -> dict[UUID, float]:
        """The packages that have become due since the last call, and when."""
        if self._process.exitcode:
            raise RuntimeError("the appender ended with an error")
        passed = perf_counter() - self._began.value
        until = min(int(passed * self._pace) + 1, self._events)
        due = {
            _package(self._number, each): self._began.value + each / self._pace
            for each in range(self._told, until)
        }
        self._told = max(self._told, until)
        return due

    def all_due(self) -> bool:
        """Whether `newly_due` has told of every event."""
        return self._told >= self._events


def _package(number: int, each: int) -> UUID:
    return UUID(int=(number << 32 | each) << 32 | 0xBE4C)


def _append(url: str, number: int, pace: int, events: int, began: Any, ready: Any) -> None:
    with EventStore.open(url) as store:
        store.watermark()  # connected, before the clock runs
        began.value = start = perf_counter()
        ready.set()
        for each in range(events):
            wait = start + each / pace - perf_counter()
            if wait > 0:
                sleep(wait)
            package_id = _package(number, each)
            event = PackageRegistered(
                package_id=package_id, name=str(package_id), version="1.0", publisher="bench"
            )
            store.append(
                f"package-{package_id}", [event], expected_version=NO_STREAM, agent="writer"
            )
