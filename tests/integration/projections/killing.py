"""A projector that is killed, again and again, while events arrive."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eventstore import EventStore
from eventstore.append import Append
from projections.session import open_session
from tests.integration.projections.running import catch_up, checkpoint, number, replayed, stored
from tests.integration.projections.things import (
    AmountAdded,
    PartAdded,
    PartRemoved,
    ThingMade,
    ThingRetired,
    Things,
)

ROOT = Path(__file__).parents[3]


@contextmanager
def projector(
    url: str,
    *,
    batch: int = 2_000,
    die_before: int = 0,
    rules: str = "Things",
    once: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """The process, killed at the end of the block if it still lives."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.integration.projections.projector_process",
            url,
            str(batch),
            str(die_before),
            rules,
            "once" if once else "on and on",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def tell(store: EventStore, first: int, things: int) -> None:
    """Appends the life of some things; adding amounts shows an event that is applied twice."""
    for n in range(first, first + things):
        thing = number(n)
        store.append_many(
            [
                Append(
                    f"thing-{n}",
                    [
                        ThingMade(thing_id=thing, name=f"{n}", info={"x": n}),
                        *(PartAdded(thing_id=thing, part_no=p, label="p") for p in range(3)),
                        *(AmountAdded(thing_id=thing, amount=0.5) for _ in range(4)),
                        PartRemoved(thing_id=thing, part_no=1),
                    ],
                ),
                Append(
                    f"thing-{n}",
                    [ThingRetired(thing_id=thing)]
                    if n % 3 == 0
                    else [AmountAdded(thing_id=thing, amount=1)],
                ),
            ]
        )


@contextmanager
def telling(url: str) -> Iterator[None]:
    """Appends in the background until the block ends."""
    stop = threading.Event()

    def run() -> None:
        n = 1
        with EventStore.open(url) as store:
            while not stop.is_set():
                tell(store, n, 1)
                n += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def kill_at_random(url: str, times: int, seed: int) -> None:
    """Kills projectors at random moments of their work."""
    chance = random.Random(seed)
    wait = threading.Event()
    with open_session(url, part="test") as conn, telling(url):
        for _ in range(times):
            before = (checkpoint(conn, "things") or {}).get("position", 0)
            with projector(url, batch=chance.choice((1, 7, 500))) as process:
                while (checkpoint(conn, "things") or {}).get("position", 0) == before:
                    assert process.poll() is None, "the projector ended by itself"
                    wait.wait(0.002)
                wait.wait(chance.random() * 0.05)


def assert_exactly_once(url: str) -> None:
    """After the last projector has caught up, the tables are what a replay gives."""
    assert catch_up(url, Things()) == {}
    with open_session(url, part="test") as conn:
        rows = stored(conn, Things())
        assert rows["things"], "nothing was applied"
        assert rows == replayed(conn, Things())
        there = checkpoint(conn, "things")
        applied = conn.execute(
            "SELECT count(*) FROM eventstore.events WHERE event_type LIKE 'things.%%'"
        ).fetchone()
    assert there is not None
    assert applied is not None
    assert there["applied"] == applied[0]
