"""Consumers that are killed and paused, again and again, while events arrive; nothing is lost."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from eventstore import Append, EventStore
from eventstore.embedded import EmbeddedServer
from tests.integration.log.crash import kill
from tests.integration.log.facts import open_store, said
from tests.integration.log.waiting import until
from tests.integration.subscriptions.consuming import mutated

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
EVENTS = 10_000
STREAMS = 200
CONSUMERS = 4
LEASE = 2.0
NAME = "race"


@contextmanager
def consumer(url: str, effects: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A consumer's process, killed at the end of the block."""
    words = [sys.executable, "-m", "tests.integration.subscriptions.consumer_process"]
    with subprocess.Popen([*words, url, NAME, str(effects), "50"], cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def append_all(url: str, events: int) -> None:
    """In four threads, so that positions appear out of order."""

    def run(writer: int) -> None:
        chance = random.Random(writer)
        with open_store(url) as store:
            for _ in range(events // 40):
                store.append_many(
                    [Append(f"a-{chance.randrange(STREAMS)}", said(1)) for _ in range(10)]
                )

    threads = [threading.Thread(target=run, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def race(url: str, effects: Path, events: int, rounds: int) -> None:
    """Kills and pauses consumers while events arrive; then waits until all is settled."""
    chance = random.Random(0)
    pause = threading.Event()
    with open_store(url) as store, ExitStack() as stack:
        store.subscriptions.create(
            NAME, start="now", lease_seconds=LEASE, retry_seconds=0.01, max_attempts=1000
        )
        appending = threading.Thread(target=append_all, args=(url, events))
        appending.start()
        running = [stack.enter_context(consumer(url, effects)) for _ in range(CONSUMERS)]
        until(effects.exists)
        for _ in range(rounds):
            pause.wait(chance.random() * 0.5)
            victim = running.pop(chance.randrange(len(running)))
            if chance.random() < 0.5:
                victim.kill()
            else:  # for longer than the lease; then it wakes up and settles what it had
                victim.send_signal(signal.SIGSTOP)
                threading.Timer(LEASE * 1.5, victim.send_signal, [signal.SIGCONT]).start()
            running.append(stack.enter_context(consumer(url, effects)))
        appending.join()
        until(lambda: is_settled(store), seconds=120)


def is_settled(store: EventStore) -> bool:
    status = store.subscriptions.show(NAME)
    return (status.unread, status.held, status.waiting) == (0, 0, 0)


def verdict(store: EventStore, effects: Path) -> list[str]:
    """What is wrong: events without an effect, or first handled before an earlier one."""
    handled: dict[str, list[int]] = {}
    times = 0
    for line in effects.read_text().splitlines():
        _, stream_id, stream_version, outcome = line.split()
        if outcome == "ok":
            times += 1
            versions = handled.setdefault(stream_id, [])
            if int(stream_version) not in versions:
                versions.append(int(stream_version))
    wrong = [f"{s}: out of order" for s, found in handled.items() if found != sorted(found)]
    wrong += [
        f"{recorded.stream_id} {recorded.stream_version}: never handled"
        for recorded in store.read_all(categories=["a"])
        if recorded.stream_version not in handled.get(recorded.stream_id, ())
    ]
    print(f"{times} times handled")  # noqa: T201 - how many more than there are events
    return wrong


def test_every_event_is_handled_in_order_whoever_dies(database_url: str, tmp_path: Path) -> None:
    effects = tmp_path / "effects"
    race(database_url, effects, EVENTS, rounds=16)
    with open_store(database_url) as store:
        assert sum(1 for _ in store.read_all(categories=["a"])) == EVENTS
        assert verdict(store, effects) == []
        status = store.subscriptions.show(NAME)
        assert (status.parked, status.checkpoint) == (0, status.read_position)


def test_a_claim_that_ignores_the_order_is_found_out(
    database_url: str, admin_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(admin_url, autocommit=True) as admin:
        whoever = "CASE WHEN t.waits OR t.behind IS NOT NULL THEN NULL ELSE mine END"
        mutated(admin, "claim_deliveries", (whoever, "mine"))
    race(database_url, tmp_path / "effects", EVENTS, rounds=4)
    with open_store(database_url) as store:
        assert verdict(store, tmp_path / "effects") != []


def test_a_crash_of_the_server_loses_nothing(durable_log: EmbeddedServer, tmp_path: Path) -> None:
    """It may take back the last acknowledgements; then the events are delivered again."""
    url, effects = durable_log.url("store"), tmp_path / "effects"
    with open_store(url) as store, ExitStack() as stack:
        store.subscriptions.create(NAME, start="now", lease_seconds=LEASE, retry_seconds=0.01)
        for _ in range(2):
            stack.enter_context(consumer(url, effects))
        until(lambda: store.subscriptions.show(NAME).consumers == 2)
        for n in range(6):
            for _ in range(10):
                store.append_many([Append(f"a-{s}", said(1)) for s in range(50)])
            if n % 2:
                kill(durable_log)
                durable_log.ensure_running()
        until(lambda: is_settled(store), seconds=60)
        assert verdict(store, effects) == []
