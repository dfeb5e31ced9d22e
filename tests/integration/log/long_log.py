"""A log of any length, appended to in every way at once while connections and the server fail.

Tasks and threads meet in group commits: in streams of their own, several streams at once, races for
one, tags and conditions; an import goes on beside them; a reader follows, and consumers of a named
subscription. Whoever is cut off says the same again, so in the end all of it was acknowledged.

PROOF_EVENTS is how many events the log has that every test with a server begins with. Without it
tests begin with an empty one, and the long log is a short one, for the test of itself.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import psycopg

from eventstore.connection.database import Connection
from eventstore.embedded import EmbeddedServer
from tests.integration.log.crash import cut_one, kill
from tests.integration.log.facts import open_store, said
from tests.integration.log.processes import Child
from tests.integration.log.soak_consumer import NAME
from tests.integration.log.soak_writer import write_down
from tests.integration.log.waiting import until

__all__ = ["CATEGORIES", "DATABASE", "EVENTS", "LongLog", "appended"]

EVENTS: Final = int(os.environ.get("PROOF_EVENTS", "0"))
DATABASE: Final = "store"
CATEGORIES: Final = ["own", "shared", "rival", "seats"]
"""Of the subscription; everything but the import, which is none of its streams."""
_SHORT: Final = 20_000
_FIRST: Final = 1_001
"""Numbers of writers begin here: a soak of this log has streams of its own."""
_TASKS, _THREADS, _CONSUMERS = 128, 64, 2
_KILLS: Final = 3
_PEACE: Final = 4.0
"""Seconds between two cuts, at most."""
_PATIENCE: Final = 900.0
"""Seconds for anything that is waited for."""


@dataclass(frozen=True, slots=True)
class LongLog:
    """The home of a server that was stopped, and what everybody wrote down."""

    home: Path
    events: int
    """At least so many."""
    acknowledged: list[Path]
    delivered: Path
    handled: list[Path]
    cuts: int
    kills: int
    seconds: float
    """It took so long until all was appended, and then until all was delivered and handled."""
    seconds_behind: float


def appended(server: EmbeddedServer, notes: Path, events: int = EVENTS or _SHORT) -> LongLog:
    """Appends so many events to the empty store of a server, or a few more; stops the server."""
    began, url = monotonic(), server.url(DATABASE)
    written, delivered, handled = notes / "acknowledged", notes / "delivered", notes / "handled"
    with ExitStack() as stack:
        store = stack.enter_context(open_store(url))
        store.subscriptions.create(NAME, categories=CATEGORIES)

        def child(module: str, *arguments: object) -> Child:
            started = Child(module, url, *map(str, arguments))
            stack.callback(started.close)
            assert started.hear() == "ready"
            return started

        readers = [child("soak_reader", delivered)]
        readers += [child("soak_consumer", handled, number) for number in range(_CONSUMERS)]
        writers = [child("soak_writer", written, _FIRST + number) for number in range(2)]
        for writer in writers:
            writer.tell(tasks=_TASKS, events=ceil(events * 0.2 / _TASKS))
        writers.append(child("thread_writer", written, _FIRST + len(writers)))
        writers[-1].tell(
            threads=_THREADS, events=ceil(events * 0.3 / _THREADS), imports=ceil(events * 0.3)
        )
        cuts = trouble(server, writers, events)
        assert [writer.hear() for writer in writers] == ["done"] * len(writers)
        # Appended alone, so that nobody misses the last one: what was missed, the check will say.
        receipt = store.append("end", said(1))
        with (notes / "acknowledged.end").open("w", encoding="utf-8") as log:
            write_down(log, "end", 1, receipt)
        seconds, last = monotonic() - began, receipt.position
        until(lambda: f"\n{last}:".encode() in delivered.read_bytes()[-500:], _PATIENCE)
        until(lambda: store.subscriptions.show(NAME).checkpoint >= last, _PATIENCE)
        behind = monotonic() - began - seconds
        for reader in readers:
            reader.process.kill()
        store.subscriptions.drop(NAME, force=True)
    server.stop()
    return LongLog(
        server.home, events, list(notes.glob("acknowledged.*")), delivered,
        list(notes.glob("handled.*")), cuts, _KILLS, seconds, behind,
    )  # fmt: skip


def trouble(server: EmbeddedServer, writers: Sequence[Child], events: int) -> int:
    """Cuts connections, and kills the server, until there are so many events; counts cuts."""
    choose, cuts = random.Random(6), 0
    for stage in range(_KILLS + 1):
        if stage:
            kill(server)
            server.ensure_running()
        with psycopg.connect(server.admin_url(DATABASE), autocommit=True) as admin:
            while recorded(admin) < events * (stage + 1) / (_KILLS + 1):
                assert all(writer.process.poll() is None for writer in writers)
                sleep(choose.random() * _PEACE)
                cuts += cut_one(admin)
    return cuts


def recorded(admin: Connection) -> int:
    """How many events there are."""
    row = admin.execute("SELECT count(*) FROM eventstore.event_ids").fetchone()
    assert row is not None
    return int(row[0])
