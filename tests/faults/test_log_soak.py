"""A soak: hundreds of tasks append while writers, readers, connections and the server fail.

Twenty seconds by default; `make test-soak` takes twenty minutes (SOAK_SECONDS).
"""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from time import monotonic, sleep

import psutil
import psycopg
import pytest

from eventstore.embedded import EmbeddedServer
from tests.integration.log.crash import cut_one, kill
from tests.integration.log.facts import open_store
from tests.integration.log.processes import Child
from tests.integration.log.soak_check import assert_nothing_is_wrong
from tests.integration.log.soak_consumer import NAME
from tests.integration.log.waiting import until

SECONDS = float(os.environ.get("SOAK_SECONDS", "20"))
WRITERS, TASKS = 4, 128
CONSUMERS, CATEGORIES = 2, ["shared", "rival", "seats"]
LONGEST_PEACE = 3.0
"""Seconds between two faults, at most."""

pytestmark = [pytest.mark.faults, pytest.mark.timeout(SECONDS * 2 + 300)]


class Soak:
    """The processes, and what can happen to them."""

    def __init__(self, server: EmbeddedServer, directory: Path, stack: ExitStack) -> None:
        self.server, self._stack = server, stack
        self._acknowledged, self.delivered = directory / "acknowledged", directory / "delivered"
        self._handled = directory / "handled"
        self._url = server.url("store")
        self._end = monotonic() + SECONDS
        self._started = 0
        self.choose = random.Random(20)
        self.writers = [self._writer() for _ in range(WRITERS)]
        self.reader = self._reader()
        self.consumers = [self._consumer() for _ in range(CONSUMERS)]
        self.happened: dict[str, int] = {}

    def faults(self) -> None:
        """One after the other, at random, until the time is over."""
        faults: list[tuple[Callable[[], None], int]] = [
            (self.kill_a_writer, 3), (self.stop_a_writer, 3), (self.cut_connections, 6),
            (self.kill_the_reader, 2), (self.kill_a_consumer, 3), (self.kill_the_server, 1),
            (self.stop_the_server_short, 1),
        ]  # fmt: skip
        for fault, _ in faults:  # each of them, should the time be short
            self._happens(fault)
        while monotonic() < self._end:
            (fault,) = self.choose.choices(*zip(*faults, strict=True))
            self._happens(fault)

    def _happens(self, fault: Callable[[], None]) -> None:
        sleep(self.choose.random() * LONGEST_PEACE)
        fault()
        self.happened[fault.__name__] = self.happened.get(fault.__name__, 0) + 1

    def kill_a_writer(self) -> None:
        number = self.choose.randrange(WRITERS)
        self.writers[number].process.kill()
        self.writers[number] = self._writer()

    def stop_a_writer(self) -> None:
        process = self.choose.choice(self.writers).process
        process.send_signal(signal.SIGSTOP)
        sleep(self.choose.random() * LONGEST_PEACE)
        process.send_signal(signal.SIGCONT)

    def cut_connections(self) -> None:
        with (
            suppress(psycopg.OperationalError),
            psycopg.connect(self.server.admin_url("store"), autocommit=True) as admin,
        ):
            for _ in range(self.choose.randrange(1, 6)):
                cut_one(admin)

    def kill_the_reader(self) -> None:
        self.reader.process.kill()
        self.reader.process.wait()
        self.reader = self._reader()

    def kill_a_consumer(self) -> None:
        number = self.choose.randrange(CONSUMERS)
        self.consumers[number].process.kill()
        self.consumers[number] = self._consumer()

    def kill_the_server(self) -> None:
        kill(self.server)
        self.server.ensure_running()

    def stop_the_server_short(self) -> None:
        """As `pg_ctl stop -m immediate`: no checkpoint, nobody is waited for."""
        pid = self.server.status().pid
        assert pid is not None
        psutil.Process(pid).send_signal(signal.SIGQUIT)
        until(lambda: self.server.status().state != "running", seconds=60)
        self.server.ensure_running()

    def handled(self) -> list[Path]:
        """Ends the consumers; returns the files of what they handled."""
        for consumer in self.consumers:
            consumer.process.kill()
        return list(self._handled.parent.glob("handled.*"))

    def finish(self) -> list[Path]:
        """Lets all writers end; returns the files of what was acknowledged."""
        for writer in self.writers:
            assert writer.hear() == "done"
        return list(self._acknowledged.parent.glob("acknowledged.*"))

    def _writer(self) -> Child:
        self._started += 1
        writer = self._child("soak_writer", str(self._acknowledged), str(self._started))
        writer.tell(tasks=TASKS, seconds=max(1.0, self._end - monotonic()))
        return writer

    def _reader(self) -> Child:
        return self._child("soak_reader", str(self.delivered))

    def _consumer(self) -> Child:
        self._started += 1
        return self._child("soak_consumer", str(self._handled), str(self._started))

    def _child(self, module: str, *arguments: str) -> Child:
        child = Child(module, self._url, *arguments)
        self._stack.callback(child.close)
        assert child.hear() == "ready"
        return child


def test_what_was_acknowledged_is_there_once_in_order_and_delivered(
    durable_log: EmbeddedServer, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        store = stack.enter_context(open_store(durable_log.url("store")))
        start = store.watermark()
        store.subscriptions.create(NAME, categories=CATEGORIES, start=start, lease_seconds=3.0)
        soak = Soak(durable_log, tmp_path, stack)
        soak.faults()
        acknowledged = soak.finish()
        with psycopg.connect(durable_log.admin_url("store"), autocommit=True) as admin:
            last = admin.execute("SELECT max(position) FROM eventstore.events").fetchone()
            assert last is not None
            until(lambda: f"\n{last[0]}:".encode() in soak.delivered.read_bytes()[-500:], 120)
            soak.reader.process.kill()
            until(lambda: store.subscriptions.show(NAME).checkpoint >= last[0], SECONDS + 60)
            counts = assert_nothing_is_wrong(
                admin, acknowledged, soak.delivered, soak.handled(), CATEGORIES, start
            )
    said, stored = counts
    print(f"{said:,} acknowledged, {stored:,} stored, {soak.happened}")  # noqa: T201
    assert said > 1_000
