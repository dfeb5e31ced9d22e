"""A short crash: what was acknowledged survives, what was in doubt is resolved by asking again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event as Signal
from typing import Any

import psycopg
import pytest

from eventstore import Append, EventStore
from eventstore.connection.database import Limits
from eventstore.connection.server import make_database
from eventstore.embedded import EmbeddedServer
from eventstore.errors import StoreUnavailable
from tests.integration.log.crash import Acknowledged, assert_survived, kill
from tests.integration.log.facts import Said, open_store, said
from tests.integration.log.order import poll, subscription
from tests.integration.log.waiting import until

WRITERS = 4


@pytest.fixture
def durable(durable_server: EmbeddedServer) -> Iterator[EventStore]:
    make_database(durable_server, "store")
    with open_store(durable_server.url("store")) as store:
        yield store


@pytest.mark.faults
def test_kill_under_load(durable: EventStore, durable_server: EmbeddedServer) -> None:
    """Two crashes: the writers wait for the server, then they have to ask again themselves."""
    acknowledged: dict[str, list[Acknowledged]] = defaultdict(list)
    over, followed = Signal(), Signal()
    in_doubt = 0

    def work(number: int) -> None:
        nonlocal in_doubt
        stream_id = f"load-{number}"
        while not over.is_set():
            said, receipt = Said(number=number), None
            while receipt is None:
                try:
                    expected = len(acknowledged[stream_id])
                    receipt = durable.append(stream_id, [said], expected_version=expected)
                except StoreUnavailable as error:
                    in_doubt += error.event_ids == (said.event_id,)
            told = (str(said.event_id), receipt.stream_version, receipt.position)
            acknowledged[stream_id].append(told)

    def count() -> int:
        return sum(map(len, acknowledged.values()))

    with (
        open_store(durable_server.url("store")) as patient,  # the limits below are not for it
        ThreadPoolExecutor(WRITERS + 1) as pool,
    ):
        # However long the server takes to come back, the follower is not what is tried here.
        patient.database.limits = Limits(reconnect=120)
        following = pool.submit(poll, subscription(patient, limit=50), followed)
        writers = [pool.submit(work, number) for number in range(WRITERS)]
        try:
            until(lambda: count() > 50)
            kill(durable_server)
            durable_server.ensure_running()
            before = count()
            until(lambda: count() > before + 50)
            assert in_doubt == 0
            durable.database.limits = Limits(connect=1, reconnect=0)
            kill(durable_server)
            until(lambda: in_doubt >= WRITERS)
            durable.database.limits = Limits()
            durable_server.ensure_running()
            before = count()
            until(lambda: count() > before + 50)
        finally:
            over.set()
            for writer in writers:
                writer.result()
            followed.set()
    assert_survived(durable, acknowledged, following.result())


def test_positions_that_a_crash_takes_back_are_not_given_again(
    durable: EventStore, durable_server: EmbeddedServer
) -> None:
    """They were taken, given up, and passed by a reader."""
    before = durable.append("s-1", said(1))
    with psycopg.connect(durable_server.admin_url("store"), autocommit=True) as admin:
        # Else the server would write them to disk by itself, a fifth of a second later.
        admin.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        admin.execute("SELECT pg_reload_conf()")
    with durable.subscribe() as subscribed:
        assert next(subscribed).position == before.position
        with psycopg.connect(durable_server.admin_url("store")) as admin:
            # As many as are surely more than the server has written ahead.
            admin.execute(
                "SELECT nextval('eventstore.events_position_seq') FROM generate_series(1, 200)"
            )
            admin.rollback()
            passed = durable.watermark()
            assert passed >= before.position + 200
            assert subscribed.fetch() == []
            kill(durable_server)
        durable_server.ensure_running()
        assert durable.watermark() < passed, "the crash took nothing back"
        with ThreadPoolExecutor(WRITERS) as pool:
            # Each by a way of its own, and all at once: whichever comes first makes ready.
            again: list[Future[Any]] = [
                pool.submit(durable.append, "s-2", said(1)),
                pool.submit(durable.append, "s-3", said(3)),
                pool.submit(durable.append, "s-4", said(1), tags=["t:1"]),
                pool.submit(durable.append_many, [Append("s-5", said(1)), Append("s-6", said(1))]),
            ]
            with open_store(durable_server.url("store")) as other:
                other.append("s-7", said(1))
            for one in again:
                one.result()
        positions = [recorded.position for recorded in durable.read_all(before.position)]
        assert len(positions) == 8
        assert min(positions) > passed
        assert max(positions) < passed + 70_000, "it was made ready more than once"
        assert [next(subscribed).position for _ in positions] == positions
        assert [recorded.position for recorded in durable.read_all(passed)] == positions


def test_a_restart_leaves_no_gap(durable: EventStore, durable_server: EmbeddedServer) -> None:
    before = durable.append("s-1", said(1))
    durable_server.stop()
    durable_server.ensure_running()
    assert durable.append("s-1", said(1)).position == before.position + 1
