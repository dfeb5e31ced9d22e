"""`wait_for`: to read in a read model what one has just appended, or to hear why not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psycopg
import pytest

from eventstore import AsyncEventStore, EventStore, Receipt
from eventstore.errors import DeadlineExceeded, EventHeld, NotFound, StoreUnavailable
from projections.session import Connection
from tests.integration.projections.running import catch_up, checkpoint, number, running, until
from tests.integration.projections.sharded import Sharded, divide
from tests.integration.projections.things import Noise, ThingMade, Things


def made(n: int) -> ThingMade:
    return ThingMade(thing_id=number(n), name=str(n))


def tell(store: EventStore, n: int) -> Receipt:
    return store.append(f"thing-{n}", [made(n)])


def there(conn: Connection) -> set[UUID]:
    return {row[0] for row in conn.execute("SELECT id FROM things").fetchall()}


def hold(conn: Connection, position: int, behind: int | None, tenant: str = "default") -> None:
    """Writes that an event is held, as a projector does."""
    failed = behind is None
    conn.execute(
        "INSERT INTO failures (projection, build, position, tenant_id, event_id, event_type, "
        "stream_id, keys, behind, origin, error) VALUES ('things', 'live', %s, %s, "
        "gen_random_uuid(), 'things.made', 'thing-1', '{}', %s, %s, %s)",
        [position, tenant, behind, "rules" if failed else None, "it is odd" if failed else None],
    )


def test_what_was_appended_can_be_read(store: EventStore, url: str, conn: Connection) -> None:
    with running(url, Things()):
        until(lambda: checkpoint(conn, "things"), "it runs")
        for n in range(1, 20):
            receipt = tell(store, n)
            assert store.wait_for(receipt, "things") >= receipt.position
            assert number(n) in there(conn)


def test_several_receipts_and_positions(store: EventStore, url: str, conn: Connection) -> None:
    with running(url, Things()):
        until(lambda: checkpoint(conn, "things"), "it runs")
        receipts = [tell(store, n) for n in range(1, 6)]
        appended: Sequence[Receipt | int] = [*receipts[:3], receipts[3].position, receipts[4]]
        store.wait_for(appended, "things")
        assert len(there(conn)) == 5
        store.wait_for(receipts[4].position, "things")
        store.wait_for([], "things")


def test_every_shard_is_waited_for(store: EventStore, url: str, conn: Connection) -> None:
    """Also those that have nothing to do: their checkpoints follow at once."""
    divide(url, 5)
    with running(url, Sharded()):
        for n in range(1, 30):
            store.wait_for(tell(store, n), "things")
            assert number(n) in there(conn)
        receipt = store.append("noise-1", [Noise()])
        assert store.wait_for(receipt, "things") >= receipt.position


def test_many_threads_wait_at_once(store: EventStore, url: str, conn: Connection) -> None:
    """More of them than the store has connections."""

    def one(n: int) -> None:
        store.wait_for(tell(store, n), "things")
        with psycopg.connect(url) as reader:
            reader.execute("SET role eventstore_projector")
            row = reader.execute("SELECT FROM projections.things WHERE id = %s", [number(n)])
            assert row.fetchone() is not None

    with running(url, Things()), ThreadPoolExecutor(24) as pool:
        until(lambda: checkpoint(conn, "things"), "it runs")
        list(pool.map(one, range(1, 49)))


def test_many_tasks_wait_at_once(url: str, conn: Connection) -> None:
    async def main() -> None:
        async with await AsyncEventStore.open(url) as store:

            async def one(n: int) -> None:
                receipt = await store.append(f"thing-{n}", [made(n)])
                await store.wait_for(receipt, "things", timeout=20)

            await asyncio.gather(*(one(n) for n in range(1, 200)))
            with pytest.raises(DeadlineExceeded):
                await store.wait_for(10**6, "things", timeout=0.05)
            cancelled = asyncio.create_task(store.wait_for(10**6, "things", timeout=60))
            await asyncio.sleep(0)
            cancelled.cancel()
            with pytest.raises(asyncio.CancelledError):
                await cancelled

    with running(url, Things()):
        until(lambda: checkpoint(conn, "things"), "it runs")
        asyncio.run(main())
    assert len(there(conn)) == 199


def test_an_unknown_projection(store: EventStore, url: str) -> None:
    receipt = tell(store, 1)
    with pytest.raises(NotFound, match="there is no projection nothing"):
        store.wait_for(receipt, "nothing")


def test_nobody_runs_it(store: EventStore, url: str, conn: Connection) -> None:
    assert catch_up(url, Things()) == {}
    receipt = tell(store, 1)
    with pytest.raises(DeadlineExceeded) as caught:
        store.wait_for(receipt, "things", timeout=0.1)
    error = caught.value
    assert (error.projection, error.position, error.reached) == ("things", receipt.position, 0)
    assert (error.state, error.holder, error.timeout) == ("stopped", None, 0.1)
    assert "run by nobody" in str(error)
    assert isinstance(error, TimeoutError)
    assert catch_up(url, Things()) == {}
    store.wait_for(receipt, "things", timeout=0.1)


def test_one_shard_is_behind(store: EventStore, url: str, conn: Connection) -> None:
    divide(url, 2)
    receipt = tell(store, 1)
    conn.execute("UPDATE checkpoints SET position = 1 WHERE shard = 0")
    conn.execute(
        "UPDATE checkpoints SET holder = 'somebody', state = 'running', heartbeat_at = now(), "
        "lease_seconds = 60 WHERE shard = 1"
    )
    with pytest.raises(DeadlineExceeded) as caught:
        store.wait_for(receipt, "things", timeout=0.05)
    assert (caught.value.reached, caught.value.holder) == (0, "somebody")


def test_it_failed_or_waits(store: EventStore, url: str, conn: Connection) -> None:
    first, second, third = (tell(store, n) for n in (1, 2, 3))
    assert catch_up(url, Things()) == {}
    hold(conn, first.position, None)
    hold(conn, second.position, first.position)
    with pytest.raises(EventHeld) as caught:
        store.wait_for(first, "things")
    error = caught.value
    assert (error.position, error.behind, error.reason) == (first.position, None, "it is odd")
    assert f"failures show things {first.position}" in str(error)
    with pytest.raises(EventHeld, match=f"waits for the event at position {first.position}"):
        store.wait_for([third, second], "things")
    store.wait_for(third, "things")
    # Held, and a shard is behind: it says so rather than that time was up.
    with pytest.raises(EventHeld):
        store.wait_for([second.position, 10**6], "things", timeout=0.05)


def test_another_tenants_failure_is_none_of_ours(
    store: EventStore, url: str, conn: Connection
) -> None:
    receipt = tell(store, 1)
    assert catch_up(url, Things()) == {}
    hold(conn, receipt.position, None, tenant="other")
    store.wait_for(receipt, "things")


def test_closing_the_store_ends_the_wait(store: EventStore, url: str) -> None:
    assert catch_up(url, Things()) == {}
    with EventStore.open(url) as other:
        waiting = other.arrivals.submit(10**6, "things", 60)
    with pytest.raises(StoreUnavailable):
        waiting.result(10)
    with pytest.raises(StoreUnavailable):
        other.wait_for(1, "things")


def test_lost_connections_do_not_end_it(
    store: EventStore, url: str, conn: Connection, admin_url: str
) -> None:
    assert catch_up(url, Things()) == {}
    receipt = tell(store, 1)
    waiting: Any = store.arrivals.submit(receipt, "things", 30)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        until(
            lambda: admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE 'eventstore auditor%' AND query LIKE '%arrived%'"
            ).fetchall(),
            "a wait to cut",
        )
    assert not waiting.done()
    assert catch_up(url, Things()) == {}
    assert waiting.result(20) >= receipt.position
