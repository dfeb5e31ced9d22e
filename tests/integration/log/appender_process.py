"""An appender that does to a log what programs do.

Its transactions pause, roll back, use savepoints, fail, and commit long after they took their
positions.

Arguments: the database's URL, the appender's number.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import sleep

import psycopg

from eventstore.connection.database import Connection, connect
from tests.integration.log.processes import answer, commands
from tests.integration.log.raw_append import append, append_shortly

SHARED_STREAMS = 4


class Undo(Exception):
    """Rolls a transaction or a savepoint back."""


class Appender:
    """Appends at random and remembers the positions that it committed."""

    def __init__(self, connection: Connection, number: int, batch: int, pause: float) -> None:
        self.connection = connection
        self.random = random.Random(number)
        self.number, self.batch, self.pause = number, batch, pause
        self.committed: list[int] = []

    def step(self) -> None:
        """One transaction."""
        kept: list[int] = []
        self.stream_id = self.random.choice(
            [f"own-{self.number}", f"shared-{self.random.randrange(SHARED_STREAMS)}"]
        )
        try:
            if self.random.random() < 0.4:
                kept += self.append()
            else:
                with self.connection.transaction():
                    for _ in range(self.random.randrange(1, 4)):
                        kept += self.part()
                    self.wait()
                    if self.random.random() < 0.25:
                        raise Undo
        except (Undo, psycopg.errors.LockNotAvailable, psycopg.errors.SerializationFailure):
            return
        self.committed += kept

    def part(self) -> list[int]:
        """An append, in a savepoint or not, kept or not."""
        if self.random.random() < 0.5:
            return self.append()
        with ignoring_undo(), self.connection.transaction():
            positions = self.append()
            if self.random.random() < 0.5:
                raise Undo
            return positions
        return []

    def append(self) -> list[int]:
        way = self.random.choice([append, append_shortly])
        positions = way(self.connection, self.stream_id, self.random.randrange(1, self.batch))
        self.wait()
        return positions

    def wait(self) -> None:
        if self.random.random() < 0.5:
            sleep(self.random.random() * self.pause)


@contextmanager
def ignoring_undo() -> Iterator[None]:
    with suppress(Undo):
        yield


def main() -> None:
    url, number = sys.argv[1], int(sys.argv[2])
    with connect(url, role="appender", tenant="default") as connection:
        for command in commands():
            appender = Appender(connection, number, command["batch"], command["pause"])
            while len(appender.committed) < command["events"]:
                appender.step()
            answer(appender.committed)


if __name__ == "__main__":
    main()
