"""A reader of things and parts in a process of its own, until its stdin is closed.

Arguments: the database's URL, and the kind of its transactions: short (one statement), or long ones
that are read committed or repeatable read. A long one first looks at another table, so that it has
a snapshot, or none of its locks, before it comes to the tables.
"""

from __future__ import annotations

import json
import sys
import threading

import psycopg

from eventstore.connection.database import Connection, connect

READ = "SELECT count(*), (SELECT count(*) FROM parts), coalesce(max(position), 0)::int FROM things"


class Reader:
    def __init__(self, conn: Connection, stop: threading.Event) -> None:
        self.conn, self.stop = conn, stop
        self.reads, self.high = 0, 0
        self.broken: list[str] = []

    def run(self, kind: str) -> None:
        while not self.stop.is_set():
            try:
                if kind == "short":
                    self.read()
                else:
                    self.long(kind)
            except psycopg.Error as error:
                self.broken.append(repr(error))
                return

    def long(self, kind: str) -> None:
        self.conn.execute(f"BEGIN ISOLATION LEVEL {kind}")
        self.conn.execute("SELECT count(*) FROM packages")
        self.stop.wait(0.01)
        first = self.read()
        self.stop.wait(0.01)
        again = self.read()
        if kind == "repeatable read" and again != first:
            self.broken.append(f"{first} became {again}")
        self.conn.execute("COMMIT")
        self.stop.wait(0.3)  # else there is never a moment without a long reader

    def read(self) -> tuple[int, ...]:
        """What there can be at the position of the last event, and that never goes back.

        A thing is made, gets two parts, loses one, and gets an amount: five events, of which a
        batch may have applied any number.
        """
        row = self.conn.execute(READ).fetchone()
        assert row is not None
        things, parts, position = row
        whole = 5 * (things - 1) < position <= 5 * things and abs(parts - things) <= 1
        if position < max(self.high, 150) or not whole:
            self.broken.append(f"{row} after {self.high}")
        self.high = position
        self.reads += 1
        return row


if __name__ == "__main__":
    stop = threading.Event()
    with connect(sys.argv[1], role="auditor") as conn:
        reader = Reader(conn, stop)
        reader.read()
        print("reading", flush=True)  # noqa: T201
        thread = threading.Thread(target=reader.run, args=(sys.argv[2],))
        thread.start()
        sys.stdin.read()
        stop.set()
        thread.join()
    print(json.dumps({"reads": reader.reads, "broken": reader.broken}))  # noqa: T201
