"""Many tasks of one process that append through one group commit, whatever happens to the server.

Arguments: the database's URL, the file of what was acknowledged, and a number. What nobody answered
is said again, with the same events, until it is answered: then it counts once.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence
from math import inf
from pathlib import Path
from time import monotonic
from typing import TextIO

from eventstore import ANY, Append, AsyncEventStore, Query, Receipt
from eventstore.errors import (
    AppendRefused,
    ConcurrencyConflict,
    ConditionFailed,
    EventStoreError,
    InvalidEvent,
)
from tests.integration.log.facts import FACTS, OF_EVERY_CLASS, said
from tests.integration.log.processes import answer, commands

SHARED_STREAMS = 40
RIVAL_STREAMS = 8
SEATS = 100_000
"""Of which each is taken once, by whoever comes first, in a stream of its own."""
PAUSE = 0.05
"""Seconds before something is said again."""


class Task:
    """Appends one thing after another, to its own stream, to several, or in a race for one."""

    def __init__(self, store: AsyncEventStore, log: TextIO, process: int, number: int) -> None:
        self._store, self._log = store, log
        self._name = f"{process}.{number}"
        self._choose = random.Random(f"{process} {number}")
        self._version, self._appends, self._acknowledged = 0, 0, 0
        self._believed: dict[str, int] = {}
        """Of the streams that others append to under an expected version too."""

    async def run(self, until: float, events: float) -> None:
        """Until that moment, or until so many of its events were acknowledged."""
        while monotonic() < until and self._acknowledged < events:
            chance = self._choose.random()
            if chance < 0.1:
                await self._compete()
            elif chance < 0.2:
                await self._take_a_seat()
            else:
                await self._say(self._next())

    async def _compete(self) -> None:
        stream_id = f"rival-{self._choose.randrange(RIVAL_STREAMS)}"
        believed = self._believed.get(stream_id, 0)
        try:
            await self._say([Append(stream_id, said(1), believed)])
            self._believed[stream_id] = believed + 1
        except ConcurrencyConflict as conflict:
            if conflict.actual <= believed:
                raise  # a stream can only have moved on
            self._believed[stream_id] = conflict.actual

    async def _take_a_seat(self) -> None:
        """Some seats are wanted by many."""
        seat = f"seat:{min(self._choose.randrange(SEATS), self._choose.randrange(SEATS) // 100)}"
        events = [self._choose.choice(OF_EVERY_CLASS)(text=seat)]
        taken = Append(
            f"seats-{self._name}", events, tags=[seat, "seat"], fail_if_any=Query(tags=[seat])
        )
        try:
            await self._say([taken])
        except ConditionFailed:
            return

    async def _say(self, appends: Sequence[Append]) -> None:
        for receipt in await self._append(appends):
            self._acknowledge(receipt)

    def _next(self) -> list[Append]:
        chance = self._choose.random()
        if chance < 0.85:
            # Under the version that it has: nobody else appends here.
            events = said(1 if chance < 0.7 else self._choose.randrange(2, 6))
            before, self._version = self._version, self._version + len(events)
            tags = [f"task:{self._name}"] if chance < 0.2 else []
            return [Append(f"own-{self._name}", events, before, tags=tags)]
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
                raise
            except EventStoreError:
                await asyncio.sleep(PAUSE)

    def _acknowledge(self, receipt: Receipt) -> None:
        self._appends += 1
        self._acknowledged += len(receipt.positions)
        write_down(self._log, self._name, self._appends, receipt)


def write_down(log: TextIO, task: str, call: int, receipt: Receipt) -> None:
    """A line an event: who, its call, and what the receipt says. A kill leaves whole lines."""
    first = receipt.stream_version - len(receipt.positions) + 1
    log.write(
        "".join(
            f"{task}\t{call}\t{event_id}\t{receipt.stream_id}\t{first + place}\t{position}\n"
            for place, (event_id, position) in enumerate(
                zip(receipt.event_ids, receipt.positions, strict=True)
            )
        )
    )
    log.flush()


async def work(
    url: str, log: TextIO, process: int, *, tasks: int, seconds: float = inf, events: float = inf
) -> None:
    """Lets the tasks work for so long, or until each has said so many events."""
    store = await AsyncEventStore.open(url, registry=FACTS)
    async with store:
        until = monotonic() + seconds
        everyone = [Task(store, log, process, number) for number in range(tasks)]
        await asyncio.gather(*(task.run(until, events) for task in everyone))


def main() -> None:
    url, path, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    with path.with_name(f"{path.name}.{number}").open("w", encoding="utf-8") as log:
        for command in commands():
            asyncio.run(work(url, log, number, **command))
            answer("done")


if __name__ == "__main__":
    main()
