"""kill -9 of PostgreSQL, again and again, under the load of several processes."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal
from time import sleep

import pytest

from eventstore.embedded import EmbeddedServer
from tests.integration.log.crash import Acknowledged, assert_survived, kill
from tests.integration.log.facts import open_store
from tests.integration.log.order import poll, subscription
from tests.integration.log.processes import Child, children
from tests.integration.log.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

WRITERS = 6
KILLS = 12


def test_what_was_acknowledged_survives_every_kill(durable_log: EmbeddedServer) -> None:
    url, over, choose = durable_log.url("store"), Signal(), random.Random(11)
    acknowledged: dict[str, list[Acknowledged]] = {f"load-{n}": [] for n in range(WRITERS)}

    def listen(number: int, writer: Child) -> None:
        """Notes each receipt as it comes; a process that gave up would end without `done`."""
        while (heard := writer.hear()) != "done":
            acknowledged[f"load-{number}"].append(tuple(heard))

    def count() -> int:
        return sum(map(len, acknowledged.values()))

    def grown() -> Callable[[], bool]:
        """Whether some more were acknowledged than are now."""
        enough = count() + 50
        return lambda: count() > enough

    with (
        children(WRITERS, "writer_process", url) as writers,
        open_store(url) as store,
        ThreadPoolExecutor(WRITERS + 1) as pool,
    ):
        start = store.watermark()
        following = pool.submit(poll, subscription(store, 100, start), over)
        try:
            for writer in writers:
                writer.tell(do="load", appends=KILLS * 100)
            listening = [pool.submit(listen, n, one) for n, one in enumerate(writers)]
            for _ in range(KILLS):
                until(grown(), seconds=60)
                sleep(choose.random() * 0.05)
                kill(durable_log)
                durable_log.ensure_running()
            for one in listening:
                one.result()
        finally:
            over.set()
        assert_survived(store, acknowledged, following.result(), start)
    assert count() == WRITERS * KILLS * 100
