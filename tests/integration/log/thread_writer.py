"""Many threads of one process that append through one store, and one that imports meanwhile.

Arguments: the database's URL, the file of what was acknowledged, and a number. The file is that of
the soak's writers, and so is the rule: what nobody answered is said again, with the same events.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep
from typing import TextIO, TypeVar

from eventstore import Append, EventStore, Query, Receipt
from eventstore.errors import AppendRefused, EventStoreError, InvalidEvent
from tests.integration.log.facts import OF_EVERY_CLASS, Said, open_store, said
from tests.integration.log.processes import answer, commands
from tests.integration.log.soak_writer import PAUSE, SHARED_STREAMS, write_down
from tests.integration.log.waiting import until

T = TypeVar("T")

IMPORT = 10_000
"""Events of one call of an import, at most: two or three transactions."""
LENGTH = 50
"""Events of an imported stream."""


class Talker:
    """One thread: appends to its own stream, to several at once, and on condition."""

    def __init__(self, store: EventStore, log: TextIO, process: int, number: int) -> None:
        self._store, self._log = store, log
        self._name = f"{process}.{number}"
        self._choose = random.Random(self._name)
        self._version, self._last, self._appends = 0, 0, 0
        self.acknowledged = 0

    def run(self, events: int) -> None:
        """Until so many of its events were acknowledged."""
        while self.acknowledged < events:
            appends = self._several() if self._choose.random() < 0.2 else [self._own()]
            for receipt in persistently(lambda: self._store.append_many(appends)):  # noqa: B023
                self._acknowledge(receipt)

    def _own(self) -> Append:
        """Nobody else appends here, nor with this tag: versions and conditions hold."""
        events = said(self._choose.choice([1, 2, 10]))
        stream_id, tag = f"own-{self._name}", f"task:{self._name}"
        if self._choose.random() < 0.7:
            return Append(stream_id, events, self._version)
        unless = Query(tags=[tag])
        return Append(
            stream_id, events, self._version, tags=[tag], fail_if_any=unless, after=self._last
        )

    def _several(self) -> list[Append]:
        streams = self._choose.sample(range(SHARED_STREAMS), 5)
        return [
            Append(f"shared-{stream}", [kind(text="several") for kind in OF_EVERY_CLASS[:2]])
            for stream in streams
        ]

    def _acknowledge(self, receipt: Receipt) -> None:
        if receipt.stream_id.startswith("own-"):
            self._version, self._last = receipt.stream_version, receipt.position
        self._appends += 1
        self.acknowledged += len(receipt.positions)
        write_down(self._log, self._name, self._appends, receipt)


def imported(
    store: EventStore, log: TextIO, number: int, events: int, done: Callable[[], float]
) -> None:
    """Imports streams of its own, so many events in all, no faster than the others get done."""
    for begin in range(0, events, IMPORT):
        until(lambda: done() >= begin / events, 900)  # noqa: B023
        call = [
            (f"import-{number}.{at // LENGTH}", at % LENGTH + 1, Said(number=at))
            for at in range(begin, min(begin + IMPORT, events))
        ]
        appends = [Append(stream_id, [event], at - 1) for stream_id, at, event in call]
        answered = persistently(lambda: store.import_events(appends))  # noqa: B023
        assert (answered.events, answered.refused) == (len(call), 0), answered
        log.write(
            "".join(
                f"import\t{begin}\t{event.event_id}\t{stream_id}\t{at}\t\\N\n"
                for stream_id, at, event in call
            )
        )
        log.flush()


def persistently(work: Callable[[], T]) -> T:
    """What it gives when it is answered."""
    while True:
        try:
            return work()
        except (AppendRefused, InvalidEvent):
            raise
        except EventStoreError:
            sleep(PAUSE)


def work(
    store: EventStore, log: TextIO, process: int, *, threads: int, events: int, imports: int
) -> None:
    """Lets each thread say so many events, and imports so many meanwhile."""
    talkers = [Talker(store, log, process, number) for number in range(threads)]

    def done() -> float:
        return sum(talker.acknowledged for talker in talkers) / (threads * events)

    with ThreadPoolExecutor(threads + 1) as pool:
        running = [pool.submit(imported, store, log, process, imports, done)]
        running += [pool.submit(talker.run, events) for talker in talkers]
        for one in running:
            one.result()


def main() -> None:
    url, path, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    with (
        open_store(url) as store,
        path.with_name(f"{path.name}.{number}").open("w", encoding="utf-8") as log,
    ):
        for command in commands():
            work(store, log, number, **command)
            answer("done")


if __name__ == "__main__":
    main()
