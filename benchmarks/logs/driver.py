"""Runs one store: a line of JSON in is a command, a line out is its answer.

    python -m benchmarks.logs.driver with_message_db URL

Needs nothing but Python and the store's own package.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from importlib import import_module
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any, Final
from uuid import UUID, uuid4

from benchmarks.callers import Called, as_tasks, as_threads

__all__ = ["Driver"]

_EVENTS_A_STREAM: Final = 20


class Driver:
    """The commands: each method is one, and returns its answer."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._filled: list[UUID] = []

    def begin(self) -> dict[str, Any]:
        """Makes the tables."""
        self._store.begin()
        return {}

    def append(self, category: str, callers: int, size: int, seconds: float) -> dict[str, Any]:
        """Callers that append `size` events a call for so long; events a second of them all."""
        streams = [_streams(size) for _ in range(callers)]
        if hasattr(self._store, "append_async") and not (
            callers == 1 and hasattr(self._store, "append")
        ):
            called: Called = self._store.run(
                as_tasks(
                    lambda number: self._store.append_async(category, *next(streams[number]), size),
                    callers,
                    seconds,
                )
            )
        else:
            called = as_threads(
                lambda number: self._store.append(category, *next(streams[number]), size),
                callers,
                seconds,
            )
        return {"rate": called.rate * size, "p99": called.p99}

    def tell(self, category: str, events: int) -> dict[str, Any]:
        """Appends exactly so many events, one a call."""
        streams = _streams(1)
        for _ in range(events):
            self._append(category, *next(streams), 1)
        return {}

    def fill(self, category: str, streams: int, length: int) -> dict[str, Any]:
        """Appends streams of so many events each, to be read."""
        for _ in range(streams):
            self._filled.append(uuid4())
            self._append(category, self._filled[-1], 0, length)
        return {}

    def read_streams(self, category: str, seconds: float) -> dict[str, Any]:
        """Reads the streams that were filled, one after the other, for so long."""
        events, passed, began = 0, 0.0, perf_counter()
        for at in count():
            if passed > seconds:
                break
            events += self._store.read_stream(category, self._filled[at % len(self._filled)])
            passed = perf_counter() - began
        return {"rate": events / passed}

    def read_all(self, category: str) -> dict[str, Any]:
        """Reads everything in order, once."""
        events, after, began = 0, None, perf_counter()
        while True:
            after, page = self._store.page(category, after)
            if not page:
                return {"rate": events / (perf_counter() - began), "events": events}
            events += len(page)

    def follow(self, until: str) -> dict[str, Any]:
        """Reads what comes, without pause, until that file is there and nothing more comes."""
        after: Any = None
        seen: set[Any] = set()
        while True:
            last_look = Path(until).exists()
            after, page = self._store.page("", after)
            seen.update(map(self._store.identity, page))
            if last_look and not page:
                return {"events": len(seen)}

    def _append(self, *what: Any) -> None:
        if hasattr(self._store, "append"):
            self._store.append(*what)
        else:
            self._store.run(self._store.append_async(*what))


def _streams(size: int) -> Iterator[tuple[UUID, int]]:
    """The stream of each call and how many events it has: a new one for each batch."""
    calls = max(1, _EVENTS_A_STREAM // size) if size == 1 else 1
    while True:
        key = uuid4()
        yield from ((key, version * size) for version in range(calls))


def main() -> None:
    """Serves commands until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the package prints is no answer
    adapter, url = sys.argv[1:]
    first = json.loads(sys.stdin.readline())
    module = import_module(f"benchmarks.logs.{adapter}")
    driver = Driver(module.Store(url, first["payload"], first["sql"]))
    answers.write("{}\n")
    for line in sys.stdin:
        command = json.loads(line)
        answer = getattr(driver, command.pop("do"))(**command)
        answers.write(json.dumps(answer) + "\n")
    os._exit(0)  # pools have threads that would be waited for


if __name__ == "__main__":
    main()
