"""A caller that appends under versions that it believes, and reads, and writes down each call.

Arguments: the database's URL, the file that the calls are written to, and a number. The file gets a
line when a call begins, and one when it is answered: a caller that is killed leaves what it asked.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, monotonic_ns
from typing import IO, Any

from eventstore import ANY, NO_STREAM, STREAM_EXISTS, EventStore
from eventstore.errors import ConcurrencyConflict, StoreUnavailable
from tests.integration.log.facts import Said, open_store
from tests.integration.log.processes import answer, commands

STREAMS_AT_ONCE = 3
SECONDS_A_STREAM = 1.0


class Caller:
    """One caller, whose calls come one after another."""

    def __init__(self, store: EventStore, log: IO[str], number: int) -> None:
        self.store, self._log = store, log
        self._choose = random.Random(number)
        self._number, self._calls = number, 0
        self._believed: dict[str, int] = {}
        self._said: list[tuple[str, Said]] = []

    def call(self) -> None:
        """One call at random, to one of the streams of this second; mostly appends."""
        period = int(monotonic() / SECONDS_A_STREAM)
        stream_id = f"history-{period}.{self._choose.randrange(STREAMS_AT_ONCE)}"
        chance = self._choose.random()
        if chance < 0.6:
            expected = self._choose.choice(
                [ANY, STREAM_EXISTS, NO_STREAM, *[self._believed.get(stream_id, 0)] * 5]
            )
            self._append(stream_id, Said(number=self._calls), expected)
        elif chance < 0.7 and self._said and self._said[-1][0] == stream_id:
            self._append(*self._said[-1], self._choose.choice([ANY, NO_STREAM, 7]))
        elif chance < 0.85:
            self._noted(stream_id, ["version"], lambda: self.store.stream_version(stream_id))
        else:
            self._noted(stream_id, ["read"], lambda: self._read(stream_id))

    def _append(self, stream_id: str, said: Said, expected: int) -> None:
        def append() -> list[Any]:
            try:
                receipt = self.store.append(stream_id, [said], expected_version=expected)
            except ConcurrencyConflict as conflict:
                self._believed[stream_id] = conflict.actual
                return ["conflict", conflict.actual]
            self._believed[stream_id] = receipt.stream_version
            self._said.append((stream_id, said))
            return ["ok", receipt.stream_version]

        self._noted(stream_id, ["append", str(said.event_id), int(expected)], append)

    def _read(self, stream_id: str) -> list[str]:
        return [str(recorded.event_id) for recorded in self.store.read_stream(stream_id)]

    def _noted(self, stream_id: str, asked: list[Any], work: Callable[[], Any]) -> None:
        self._calls += 1
        name = f"{self._number}.{self._calls}"
        self._note(name, stream=stream_id, asked=asked)
        try:
            answered = work()
        except StoreUnavailable:
            return  # nobody knows
        self._note(name, answered=answered)

    def _note(self, name: str, **what: Any) -> None:
        self._log.write(json.dumps({"name": name, "at": monotonic_ns(), **what}) + "\n")
        self._log.flush()


def main() -> None:
    url, path, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    with (
        open_store(url) as store,
        path.with_name(f"{path.name}.{number}").open("w", encoding="utf-8") as log,
    ):
        caller = Caller(store, log, number)
        for command in commands():
            until = monotonic() + command["seconds"]
            while monotonic() < until:
                caller.call()
            answer("done")


if __name__ == "__main__":
    main()
