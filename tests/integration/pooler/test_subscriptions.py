"""Subscriptions through a pooler: several consumers share its few sessions, and one is cut off."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg

from eventstore import Append, EventStore
from eventstore.subscriptions import Delivery
from tests.integration.log.facts import said
from tests.integration.subscriptions.consuming import drained


def test_consumers_share_the_sessions(store: EventStore) -> None:
    store.subscriptions.create("s", retry_seconds=0, max_attempts=3)
    for _ in range(3):
        store.append_many([Append(f"a-{n}", said(5)) for n in range(40)])
    handled: dict[str, list[int]] = {}

    def handle(delivery: Delivery) -> None:
        at = delivery.recorded
        if at.stream_version == 7 and delivery.attempt == 1:
            raise ValueError("not this time")
        handled.setdefault(at.stream_id, []).append(at.stream_version)

    def consume() -> int:
        return store.subscriptions.consume("s", handle, batch=50, until_idle=True)

    with ThreadPoolExecutor(3) as pool:
        sum(pool.map(lambda _: consume(), range(3)))
    consume()
    assert handled == {f"a-{n}": list(range(1, 16)) for n in range(40)}
    status = store.subscriptions.show("s")
    assert (status.held, status.waiting, status.parked, status.consumers) == (0, 0, 0, 0)


def test_a_session_that_is_ended_costs_nothing(store: EventStore, admin_url: str) -> None:
    store.subscriptions.create("s")
    store.append("a-1", said(3))
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with store.subscriptions.consumer("s", until_idle=True) as consumer:
        delivery = next(consumer)
        delivery.ack()
        with psycopg.connect(admin_url, autocommit=True) as admin:
            admin.execute(end)
        consumer.flush()
        versions = []
        for delivery in consumer:
            versions.append(delivery.recorded.stream_version)
            delivery.ack()
    assert versions == [2, 3]
    assert drained(store, "s") == []
