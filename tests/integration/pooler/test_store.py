"""The store through a pooler: refusals come through, and what breaks on the way is cured."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event as Signal

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from eventstore import NO_STREAM, Append, EventStore
from eventstore.config import load
from eventstore.connection.database import Database, Limits
from eventstore.connection.server import make_database
from eventstore.embedded import EmbeddedServer
from eventstore.errors import (
    ConcurrencyConflict,
    DuplicateEventId,
    PermissionDenied,
    StoreUnavailable,
)
from tests.integration.log.crash import Acknowledged, assert_survived, kill
from tests.integration.log.facts import FACTS, Said, open_store, said
from tests.integration.log.order import poll, subscription
from tests.integration.log.proxy import Proxy, proxied
from tests.integration.log.waiting import until
from tests.integration.pooler.pgbouncer import PgBouncer, pgbouncer

WRITERS = 4


def test_refusals_come_through(store: EventStore, url: str) -> None:
    """The lone event's short way, and the whole function."""
    known = Said()
    first = store.append("s-1", [known], expected_version=NO_STREAM)
    assert first.stream_version == 1
    for events in ([Said()], said(2)):
        with pytest.raises(ConcurrencyConflict) as conflict:
            store.append("s-1", events, expected_version=NO_STREAM)
        assert (conflict.value.expected, conflict.value.actual) == (NO_STREAM, 1)
        with pytest.raises(DuplicateEventId):
            store.append("s-2", [known, *events[1:]])
    assert store.append("s-1", [known], expected_version=7) == first
    assert [one.stream_version for one in store.read_stream("s-1")] == [1]
    with open_store(url, "another") as other:
        assert list(other.read_all()) == []
    assert store.append("s-1", said(3), expected_version=1).stream_version == 4


def test_an_import_comes_through(store: EventStore) -> None:
    known = said(2)
    store.append("s-1", known)
    done = store.import_events(
        [
            Append("s-1", known),
            Append("s-1", said(3), tags=["a:1"]),
            Append("s-1", said(1), NO_STREAM),
            Append("s-2", said(1), NO_STREAM),
        ]
    )
    assert (done.new, done.repeated, done.refused) == (4, 2, 1)
    assert isinstance(done.refusals[0].error, ConcurrencyConflict)
    assert [one.tags for one in store.read_stream("s-1")] == [(), (), *[("a:1",)] * 3]


def test_a_login_of_one_tenant(server: EmbeddedServer, database: str, admin_url: str) -> None:
    """It may not write for another, through a pooler neither."""
    login = f"{database}_bound"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {login} LOGIN")
        admin.execute(
            f"GRANT eventstore_appender, eventstore_auditor TO {login} WITH INHERIT FALSE, SET TRUE"
        )
        admin.execute(f"SELECT eventstore.bind_login('{login}', 'ours')")
        try:
            with pgbouncer(server) as pooler:
                pooler.kill()
                pooler.configure([login, "postgres"])
                pooler.start()
                with open_store(pooler.url(database, user=login), "ours") as store:
                    store.append("s-1", [Said()])
                    assert len(list(store.read_all())) == 1
                with open_store(pooler.url(database, user=login), "theirs") as store:
                    assert list(store.read_all()) == []
                    for events in ([Said()], said(2)):
                        with pytest.raises(PermissionDenied, match="may not append for tenant"):
                            store.append("s-1", events)
        finally:
            users = "SELECT FROM pg_stat_activity WHERE usename = %s"
            until(lambda: not admin.execute(users, [login]).fetchall())
            admin.execute(f"DROP ROLE {login}")


@pytest.mark.parametrize("place", ["before", "behind"])
@pytest.mark.parametrize("way", ["request", "answer"])
@pytest.mark.parametrize("count", [1, 3])
def test_an_append_that_is_cut(
    server: EmbeddedServer, database: str, place: str, way: str, count: int
) -> None:
    """Between the store and the pooler, and between the pooler and the server."""
    with cuttable(server, place) as (proxy, pooler):
        with open_store(pooler.url(database)) as near:
            near.append("s-0", [Said()])
        address = pooler.url(database)
        if place == "before":
            address = make_conninfo(address, host=str(proxy.directory))
        with open_store(address) as store:
            store.append("s-0", [Said()])
            for before in range(3):
                events = said(count)
                proxy.cut_at(way, appending if way == "request" else anything)
                receipt = store.append("s-1", events, expected_version=count * before)
                assert receipt.stream_version == count * (before + 1)
                assert store.append("s-1", events, expected_version=NO_STREAM) == receipt
            assert proxy.cuts == 3
            versions = [recorded.stream_version for recorded in store.read_stream("s-1")]
            assert versions == list(range(1, 3 * count + 1))


def appending(data: bytes) -> bool:
    return b"log.said" in data


def anything(data: bytes) -> bool:
    return True


@contextmanager
def cuttable(server: EmbeddedServer, place: str) -> Iterator[tuple[Proxy, PgBouncer]]:
    """A pooler with a proxy before or behind it."""
    sockets = Path(str(conninfo_to_dict(server.url())["host"]))
    with tempfile.TemporaryDirectory(prefix="es-", dir="/tmp") as made:
        directory = Path(made)
        directory.chmod(0o755)
        if place == "before":
            with pgbouncer(server) as pooler, proxied(directory, pooler.directory) as proxy:
                yield proxy, pooler
        else:
            with proxied(directory, sockets) as proxy:
                (directory / ".s.PGSQL.5432").chmod(0o777)
                with pgbouncer(server, behind=directory) as pooler:
                    yield proxy, pooler


def kill_pooler(pooler: PgBouncer, server: EmbeddedServer) -> None:
    pooler.kill()
    pooler.start()


def kill_server(pooler: PgBouncer, server: EmbeddedServer) -> None:
    kill(server)
    server.ensure_running()


def drop_everybody(pooler: PgBouncer, server: EmbeddedServer) -> None:
    """What an operator does to a database that nobody shall use now."""
    pooler.console("KILL store")
    pooler.console("RESUME store")


def renew_server_sessions(pooler: PgBouncer, server: EmbeddedServer) -> None:
    pooler.console("RECONNECT store")


@pytest.mark.faults
@pytest.mark.parametrize("fault", [kill_pooler, kill_server, drop_everybody, renew_server_sessions])
def test_faults_under_load(
    durable_server: EmbeddedServer, fault: Callable[[PgBouncer, EmbeddedServer], None]
) -> None:
    """What was acknowledged is there once, and who follows gets all of it once."""
    acknowledged: dict[str, list[Acknowledged]] = defaultdict(list)
    over, followed = Signal(), Signal()

    def work(store: EventStore, number: int) -> None:
        stream_id = f"load-{number}"
        while not over.is_set():
            one = Said(number=number)
            expected = len(acknowledged[stream_id])
            receipt = store.append(stream_id, [one], expected_version=expected)
            told = (str(one.event_id), receipt.stream_version, receipt.position)
            acknowledged[stream_id].append(told)

    def count() -> int:
        return sum(map(len, acknowledged.values()))

    make_database(durable_server, "store")
    with (
        pgbouncer(durable_server) as pooler,
        open_store(pooler.url("store")) as one,
        open_store(pooler.url("store")) as two,
        ThreadPoolExecutor(WRITERS + 1) as pool,
    ):
        following = pool.submit(poll, subscription(one, limit=50), followed)
        writers = [pool.submit(work, (one, two)[n % 2], n) for n in range(WRITERS)]
        try:
            for _ in range(2):
                before = count()
                until(lambda before=before: count() > before + 50)  # type: ignore[misc]
                fault(pooler, durable_server)
            before = count()
            until(lambda: count() > before + 50)
        finally:
            over.set()
            for writer in writers:
                writer.result()
            followed.set()
        assert_survived(one, acknowledged, following.result())


def test_a_wait_that_is_too_long(server: EmbeddedServer, database: str) -> None:
    """PgBouncer ends a client that waits for a server session for `query_wait_timeout`."""
    with pgbouncer(server, default_pool_size=1, query_wait_timeout=1) as pooler:
        url = pooler.url(database)
        impatient = Database(url, "default", Limits(connect=2, reconnect=0))
        with EventStore(impatient, FACTS, load()) as hasty, open_store(url) as patient:
            hasty.append("s-1", [Said()])
            patient.append("s-1", [Said()])
            one, other = Said(), Said()
            with ThreadPoolExecutor(1) as pool, psycopg.connect(url, autocommit=True) as selfish:
                with selfish.transaction():
                    selfish.execute("SELECT 1")
                    with pytest.raises(StoreUnavailable, match="outcome is unknown") as caught:
                        hasty.append("s-1", [one])
                    assert caught.value.event_ids == (one.event_id,)
                    with pytest.raises(StoreUnavailable):
                        hasty.watermark()
                    waiting = pool.submit(patient.append, "s-1", [other])
                    log = pooler.directory / "pgbouncer.log"
                    told = log.read_text().count("query_wait_timeout")
                    assert told >= 2
                    until(lambda: log.read_text().count("query_wait_timeout") > told)
                assert waiting.result().stream_version == 3
            assert hasty.append("s-1", [one]).stream_version == 4
            assert len(list(patient.read_stream("s-1"))) == 4


def test_a_pooler_without_transactions_is_no_way(server: EmbeddedServer, database: str) -> None:
    with (
        pgbouncer(server, pool_mode="statement") as pooler,
        pytest.raises(StoreUnavailable, match="not allowed in statement pooling mode"),
    ):
        open_store(pooler.url(database))


def test_a_subscription_recognises_its_log_behind_the_pooler(
    durable_server: EmbeddedServer,
) -> None:
    """After a crash the checkpoint is compared with the log, though the pooler hid the crash."""
    make_database(durable_server, "store")
    with pgbouncer(durable_server) as pooler, open_store(pooler.url("store")) as store:
        receipt = store.append("s-1", said(3))
        subscribed = store.subscribe()
        assert [next(subscribed).position for _ in range(3)] == list(receipt.positions)
        before = set(subscribed._recognised)
        kill_server(pooler, durable_server)
        assert subscribed.fetch() == []
        assert subscribed._recognised > before


@pytest.mark.faults
def test_a_pool_gives_no_session_of_another_life(durable_server: EmbeddedServer) -> None:
    make_database(durable_server, "store")
    with pgbouncer(durable_server) as pooler, open_store(pooler.url("store")) as store:
        store.append("s-1", said(3))
        store.watermark()
        with store.database.reading() as before:
            assert before.execute("SELECT 1").fetchall() == [(1,)]
        kill_server(pooler, durable_server)
        with store.database.reading() as after:
            assert after.execute("SELECT 1").fetchall() == [(1,)]
            assert after is not before
