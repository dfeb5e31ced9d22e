"""Projectors through a pooler: everything once, whoever dies, and a rebuild meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import psycopg
import pytest

from eventstore import EventStore
from eventstore.connection.database import connect
from eventstore.connection.server import make_database
from eventstore.embedded import EmbeddedServer
from eventstore.reading import follow
from eventstore.reading.read import watermark
from projections.audit.verify import verify
from projections.builds.rebuild import rebuild
from projections.catalogue import PROJECTIONS
from projections.checkpoint import position_of
from projections.monitor.status import status
from projections.session import Connection, open_session
from tests.integration.log.crash import kill
from tests.integration.log.raw_append import append
from tests.integration.pooler.pgbouncer import PgBouncer, pgbouncer
from tests.integration.projections.killing import (
    assert_exactly_once,
    kill_at_random,
    projector,
    tell,
    telling,
)
from tests.integration.projections.running import checkpoint, running, stored, until
from tests.integration.projections.things import DDL, Things


@pytest.fixture
def conn(url: str) -> Iterator[Connection]:
    """A projector's connection through the pooler."""
    with open_session(url, part="test") as opened:
        yield opened


def caught_up(conn: Connection, end: int) -> bool:
    return position_of(conn, Things()) >= end


def test_everything_is_projected(url: str, conn: Connection, pooler: PgBouncer) -> None:
    """Four projections, tail, writers and readers, and three server sessions for all of them."""
    with (
        running(url, Things(), *PROJECTIONS) as daemon,
        ExitStack() as opened,
    ):
        stores = [opened.enter_context(EventStore.open(url)) for _ in range(3)]
        tellers = [
            threading.Thread(target=tell, args=(store, 1 + 20 * n, 20))
            for n, store in enumerate(stores)
        ]
        for teller in tellers:
            teller.start()
        for teller in tellers:
            teller.join()
        end = stores[0].watermark()
        until(partial(caught_up, conn, end), "it has caught up")
        assert len(pooler.console("SHOW CLIENTS")) > 6
        assert len(pooler.console("SHOW SERVERS")) <= 3
        shown = status(conn, [Things()]).projections[0]
        assert (shown.state, shown.lag_events) == ("running", 0)
    assert daemon.failures == {}
    assert len(stored(conn, Things())["things"]) == 60
    assert_exactly_once(url)
    found = verify(url, Things())
    assert found.wrong == 0
    assert found.rows > 100


@pytest.mark.faults
def test_a_projector_that_is_killed(url: str) -> None:
    kill_at_random(url, 3, seed=1)
    assert_exactly_once(url)


def test_of_two_daemons_one_is_killed(url: str, conn: Connection) -> None:
    """The other one stands by, takes over when the lease runs out, and misses nothing."""
    with telling(url), projector(url, batch=50) as first:

        def holder() -> str | None:
            return (checkpoint(conn, "things") or {}).get("holder")

        until(lambda: f"pid {first.pid}" in str(holder()), "the first one works")
        with running(url, Things(), lease_seconds=1.0) as second:
            until(partial(caught_up, conn, position_of(conn, Things()) + 20), "it goes on")
            assert f"pid {first.pid}" in str(holder())
            first.kill()
            until(lambda: f"pid {first.pid}" not in str(holder()), "the other took over")
            until(partial(caught_up, conn, position_of(conn, Things()) + 20), "it goes on")
        assert second.failures == {}
    assert_exactly_once(url)


def test_a_rebuild_while_all_goes_on(url: str, conn: Connection) -> None:
    """Readers find the whole table at every moment."""
    with EventStore.open(url) as store:
        tell(store, 1_000, 40)
    with running(url, Things()) as daemon:
        until(lambda: len(stored(conn, Things())["things"]) == 40, "it has caught up")
        stop, seen = threading.Event(), list[int]()

        def look() -> None:
            with open_session(url, part="reader", role="auditor") as reader:
                while not stop.is_set():
                    row = reader.execute("SELECT count(*) FROM things").fetchone()
                    assert row is not None
                    seen.append(row[0])

        looking = threading.Thread(target=look)
        looking.start()
        with telling(url):
            for _ in range(2):
                built = rebuild(url, Things())
                assert built.events > 0
        stop.set()
        looking.join()
        assert min(seen) >= 40
        assert seen == sorted(seen)
    assert daemon.failures == {}
    assert_exactly_once(url)
    assert verify(url, Things()).wrong == 0


def kill_pooler(pooler: PgBouncer, server: EmbeddedServer) -> None:
    pooler.kill()
    pooler.start()


def kill_server(pooler: PgBouncer, server: EmbeddedServer) -> None:
    kill(server)
    server.ensure_running()


@pytest.fixture
def durable_url(durable_server: EmbeddedServer) -> str:
    """A store with the tables of `things`, on a server that may be killed."""
    make_database(durable_server, "store")
    url = durable_server.url("store")
    with connect(url, role="owner") as owner, owner.transaction():
        owner.execute(DDL)
    return url


@pytest.mark.faults
@pytest.mark.parametrize("fault", [kill_pooler, kill_server])
def test_a_projector_whose_connections_break(
    durable_server: EmbeddedServer,
    durable_url: str,
    fault: Callable[[PgBouncer, EmbeddedServer], None],
) -> None:
    with pgbouncer(durable_server, default_pool_size=3) as pooler:
        url = pooler.url("store")
        with running(url, Things()) as daemon:
            with telling(url):
                for _ in range(3):
                    with open_session(durable_url, part="test") as conn:
                        goal = position_of(conn, Things()) + 30
                        until(partial(caught_up, conn, goal), "it works")
                    fault(pooler, durable_server)
            with open_session(durable_url, part="test") as conn:
                end = watermark(conn)
                until(partial(caught_up, conn, end), "it has caught up")
        assert daemon.failures == {}
        assert_exactly_once(url)


@pytest.mark.faults
def test_positions_that_a_crash_took_back_are_not_skipped(
    durable_server: EmbeddedServer, durable_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody committed them, so the server forgets them, and gives them to other events.

    A projector that had read that far would pass over these, had it not noticed the crash, which
    the pooler hides.
    """
    reached = 0

    def news(*arguments: Any, **more: Any) -> follow.News:
        nonlocal reached
        found = follow.news(*arguments, **more)
        reached = max(reached, found.until)
        return found

    monkeypatch.setattr("projections.live.tail.news", news)
    # Else it writes down at once how far it has read, and compares that later.
    monkeypatch.setattr("projections.live.tail._settle", lambda conn, feeds: None)
    with psycopg.connect(durable_server.admin_url("store"), autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        admin.execute("SELECT pg_reload_conf()")
    with pgbouncer(durable_server, default_pool_size=3) as pooler:
        url = pooler.url("store")
        with running(url, Things(), lease_seconds=100.0) as daemon:
            with EventStore.open(durable_url) as store:
                tell(store, 1, 1)
            taken = forget_appends(durable_url)
            until(lambda: reached >= taken, "it has read as far as that")
            kill_server(pooler, durable_server)
            with open_session(durable_url, part="test") as conn:
                assert watermark(conn) < taken, "nothing was taken back, so nothing was tried"
                with EventStore.open(durable_url) as store:
                    tell(store, 2, 12)
                    end = store.watermark()
                    assert end > taken
                until(partial(caught_up, conn, end), "it has caught up")
        assert daemon.failures == {}
        assert_exactly_once(url)


def forget_appends(url: str) -> int:
    """Takes some positions and rolls back; returns the last."""
    with connect(url, role="appender", tenant="default") as appender:
        for _ in range(80):
            with appender.transaction(force_rollback=True):
                append(appender, "forgotten-1")
    with open_session(url, part="test") as conn:
        return watermark(conn)
