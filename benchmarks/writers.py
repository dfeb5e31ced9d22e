"""Writer processes that append one event a call, all from the same moment on."""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier, Event
from time import perf_counter
from types import TracebackType
from typing import Final, Self

from benchmarks.events import step, stream_ids
from eventstore import EventStore

__all__ = ["Writers"]

_WARM_UP: Final = 200
"""Appends of each writer that don't count."""
_PATIENCE: Final = 60.0
"""Seconds that writers may take to get ready, or be late."""


class Writers:
    """So many processes, each with a store of its own; they wait between rounds."""

    def __init__(self, url: str, number: int, seconds: float) -> None:
        context = get_context("spawn")
        self._seconds = seconds
        self._start = context.Barrier(number + 1)
        self._stop = context.Event()
        self._told: Queue[tuple[int, float]] = context.Queue()
        self._processes = [
            context.Process(
                target=_write,
                args=(url, f"{number}w{which}", seconds, self._start, self._stop, self._told),
                daemon=True,
            )
            for which in range(1, number + 1)
        ]

    def __enter__(self) -> Self:
        for process in self._processes:
            process.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        if error is None:
            self._start.wait(_PATIENCE)
        else:
            self._start.abort()
        for process in self._processes:
            process.join(_PATIENCE)

    def rate(self) -> float:
        """Events a second of all writers in one round."""
        self._start.wait(_PATIENCE)
        told = [self._told.get(timeout=self._seconds + _PATIENCE) for _ in self._processes]
        return sum(appended for appended, _ in told) / max(seconds for _, seconds in told)


def _write(
    url: str,
    name: str,
    seconds: float,
    start: Barrier,
    stop: Event,
    told: Queue[tuple[int, float]],
) -> None:
    streams = stream_ids(name)
    try:
        with EventStore.open(url) as store:
            for _ in range(_WARM_UP):
                store.append(next(streams), [step()], agent="writer")
            while True:
                start.wait()
                if stop.is_set():
                    return
                appended, began = 0, perf_counter()
                until = began + seconds
                while perf_counter() < until:
                    store.append(next(streams), [step()], agent="writer")
                    appended += 1
                told.put((appended, perf_counter() - began))
    except BaseException:
        start.abort()  # else the others would wait for this one
        raise
