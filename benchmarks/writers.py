"""Writer processes that write one event a call, all from the same moment on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier, Event
from time import perf_counter
from types import TracebackType
from typing import Final, Self

import psycopg

from benchmarks.events import PAYLOAD, step, stream_ids
from benchmarks.sandbox import SQL
from eventstore import EventStore

__all__ = ["Writers", "appending", "inserting"]

_WARM_UP: Final = 200
"""Calls of each writer that don't count."""
_Way = Callable[[str, str], AbstractContextManager[Callable[[], object]]]
"""Of an address and a name, what writes one event."""
_PATIENCE: Final = 60.0
"""Seconds that writers may take to get ready, or be late."""


@contextmanager
def appending(url: str, name: str) -> Iterator[Callable[[], object]]:
    """What appends an event by a store of its own."""
    streams = stream_ids(name)
    with EventStore.open(url) as store:
        yield lambda: store.append(next(streams), [step()], agent="writer")


@contextmanager
def inserting(admin_url: str, name: str) -> Iterator[Callable[[], object]]:
    """What inserts a payload into the bare table, by the driver alone."""
    with closing(psycopg.connect(admin_url, autocommit=True, application_name=name)) as bare:
        bare.prepare_threshold = 1
        yield lambda: bare.execute(SQL["insert_one"], {"payload": PAYLOAD})


class Writers:
    """So many processes, each with a connection of its own; they wait between rounds.

    `way` is `appending` or `inserting`.
    """

    def __init__(self, url: str, number: int, seconds: float, way: _Way = appending) -> None:
        context = get_context("spawn")
        self._seconds = seconds
        self._start = context.Barrier(number + 1)
        self._stop = context.Event()
        self._told: Queue[tuple[int, float]] = context.Queue()
        self._processes = [
            context.Process(
                target=_write,
                args=(way, url, f"{number}w{which}", seconds, self._start, self._stop, self._told),
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
        return sum(written for written, _ in told) / max(seconds for _, seconds in told)


def _write(
    way: _Way,
    url: str,
    name: str,
    seconds: float,
    start: Barrier,
    stop: Event,
    told: Queue[tuple[int, float]],
) -> None:
    try:
        with way(url, name) as write:
            for _ in range(_WARM_UP):
                write()
            while True:
                start.wait()
                if stop.is_set():
                    return
                written, began = 0, perf_counter()
                until = began + seconds
                while perf_counter() < until:
                    write()
                    written += 1
                told.put((written, perf_counter() - began))
    except BaseException:
        start.abort()  # else the others would wait for this one
        raise
