"""Many tasks of one process that append through one group commit, whatever happens to the server.

Arguments: the database's URL, the file of what was acknowledged, and a number. What nobody answered
is said again, with the same events, until it is answered: then it counts once.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import TextIO

from eventstore import ANY, Append, AsyncEventStore, Receipt
from eventstore.errors import AppendRefused, EventStoreError, InvalidEvent
from tests.integration.log.facts import FACTS, OF_EVERY_CLASS, said
from tests.integration.log.processes import answer, commands

SHARED_STREAMS = 40
PAUSE = 0.05
"""Seconds before something is said again."""


class Task:
    """Appends one thing after another: to a stream of its own, or to several that all use."""

    def __init__(self, store: AsyncEventStore, log: TextIO, process: int, number: int) -> None:
        self._store, self._log = store, log
        self._name = f"{process}.{number}"
        self._choose = random.Random(f"{process} {number}")
        self._version, self._appends = 0, 0

    async def run(self, until: float) -> None:
        while monotonic() < until:
            appends = self._next()
            for receipt in await self._append(appends):
                self._acknowledge(receipt)
            if len(appends) == 1:
                self._version += len(appends[0].events)

    def _next(self) -> list[Append]:
        chance = self._choose.random()
        if chance < 0.85:
            # Under the version that it has: nobody else appends here.
            events = said(1 if chance < 0.7 else self._choose.randrange(2, 6))
            return [Append(f"own-{self._name}", events, self._version)]
        streams = self._choose.sample(range(SHARED_STREAMS), 3)
        return [
            Append(f"shared-{stream}", [self._choose.choice(OF_EVERY_CLASS)(text="all")], ANY)
            for stream in streams
        ]

    async def _append(self, appends: Sequence[Append]) -> list[Receipt]:
        while True:
            try:
                return await self._store.append_many(appends)
            except (AppendRefused, InvalidEvent):
                raise  # nothing that is appended here may be refused
            except EventStoreError:
                await asyncio.sleep(PAUSE)

    def _acknowledge(self, receipt: Receipt) -> None:
        """A line an event: who, its call, and what the receipt says. A kill leaves whole lines."""
        self._appends += 1
        first = receipt.stream_version - len(receipt.positions) + 1
        self._log.write(
            "".join(
                f"{self._name}\t{self._appends}\t{event_id}\t{receipt.stream_id}\t"
                f"{first + place}\t{position}\n"
                for place, (event_id, position) in enumerate(
                    zip(receipt.event_ids, receipt.positions, strict=True)
                )
            )
        )
        self._log.flush()


async def work(url: str, log: TextIO, process: int, tasks: int, seconds: float) -> None:
    store = await AsyncEventStore.open(url, registry=FACTS)
    async with store:
        until = monotonic() + seconds
        everyone = [Task(store, log, process, number) for number in range(tasks)]
        await asyncio.gather(*(task.run(until) for task in everyone))


def main() -> None:
    url, path, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    with path.with_name(f"{path.name}.{number}").open("w", encoding="utf-8") as log:
        for command in commands():
            asyncio.run(work(url, log, number, command["tasks"], command["seconds"]))
            answer("done")


if __name__ == "__main__":
    main()
