"""A session through a pooler: it plays its part in every statement, and leaves nothing behind."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, get_args

import psutil
import psycopg
import pytest
from psycopg.rows import dict_row

from eventstore import EventStore
from eventstore.connection.database import (
    ALL_TENANTS,
    Limits,
    Role,
    begin_session,
    connect,
    lost,
    translated,
)
from eventstore.connection.server import make_database
from eventstore.connection.session import ServerChanged, Session
from eventstore.embedded import EmbeddedServer
from eventstore.errors import PositionNotReady, SchemaMismatch, StoreUnavailable
from eventstore.reading import read
from projections.session import open_session, plan_for_keys
from tests.integration.log.facts import said
from tests.integration.log.waiting import until
from tests.integration.pooler.pgbouncer import PgBouncer, pgbouncer

PART = """
    SELECT current_user, current_setting('eventstore.tenant') AS tenant,
           current_setting('lock_timeout') AS lock_timeout
"""
OURS = ("eventstore_auditor", "ours", "10s")


@pytest.fixture
def session(url: str) -> Iterator[Session]:
    with connect(url, role="auditor", tenant="ours") as opened:
        assert opened.pooled
        yield opened


def test_nothing_stays_behind(url: str, store: EventStore) -> None:
    """A stranger finds every server session as the server made it."""
    # A client's own name is the one thing that PgBouncer leaves as it is.
    settings = (
        "SELECT name, setting FROM pg_settings "
        "WHERE name <> 'application_name' AND name NOT LIKE '%.%' ORDER BY name"
    )
    with psycopg.connect(url, autocommit=True) as stranger:
        before = stranger.execute(settings).fetchall()
    store.append("s-1", said(3))
    assert len(list(store.read_all())) == 3
    with ExitStack() as opened:
        for role in get_args(Role):
            one = opened.enter_context(connect(url, role=role, tenant="ours"))
            plan_for_keys(one)
            for _ in range(5):
                one.execute(PART)
            with one.transaction():
                one.execute(PART)
    with (
        psycopg.connect(url, autocommit=True) as first,
        psycopg.connect(url, autocommit=True) as second,
        first.transaction(),
        second.transaction(),
    ):
        for free in (first, second):
            assert free.execute("SELECT current_user").fetchall() == [("eventstore",)]
            changed = set(free.execute(settings)) - set(before)
            assert changed == set()
            tenant = free.execute("SELECT current_setting('eventstore.tenant', true)").fetchone()
            assert tenant in [("",), (None,)]
            assert free.execute("SELECT FROM pg_prepared_statements").fetchall() == []


def test_it_plays_its_part_in_every_statement(session: Session) -> None:
    assert session.execute(PART).fetchall() == [OURS]
    with session.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(PART).fetchone()
        assert row is not None
        assert tuple(row.values()) == OURS
    with session.pipeline() as pipeline:
        one = session.execute(PART)
        two = session.execute(PART)
        assert one.fetchall() == two.fetchall() == [OURS]
        pipeline.sync()
        assert session.execute(PART).fetchall() == [OURS]
        with session.transaction():
            assert session.execute(PART).fetchall() == [OURS]
        assert session.execute(PART).fetchall() == [OURS]
    with session.transaction():
        assert session.execute(PART).fetchall() == [OURS]
        with pytest.raises(psycopg.errors.DivisionByZero), session.transaction():
            session.execute("SELECT 1/0")
        assert session.execute(PART).fetchall() == [OURS]
        with session.pipeline():
            assert session.execute(PART).fetchall() == [OURS]
        with session.cursor(name="some") as some:
            some.execute(PART)
            assert some.fetchall() == [OURS]
    with session.transaction() as transaction:
        raise psycopg.Rollback(transaction)
    for _ in range(3):
        with pytest.raises(psycopg.errors.DivisionByZero):
            session.execute("SELECT 1/0")
        assert session.execute(PART).fetchall() == [OURS]
    assert session.execute("").rowcount == -1  # how a pool checks its connections


def test_what_could_forget_its_part_is_refused(session: Session) -> None:
    attempts: list[Callable[[psycopg.Cursor[Any]], object]] = [
        lambda cursor: cursor.executemany("SELECT %s", [[1], [2]]),
        lambda cursor: cursor.stream("SELECT 1"),
        lambda cursor: cursor.copy("COPY (SELECT 1) TO STDOUT"),
    ]
    for attempt in attempts:
        with session.cursor() as cursor, pytest.raises(psycopg.NotSupportedError):
            attempt(cursor)
    with session.transaction(), session.cursor() as cursor:
        assert list(cursor.stream(PART)) == [OURS]


def test_threads_take_turns(session: Session) -> None:
    def ask(number: int) -> None:
        for n in range(100):
            answer = session.execute("SELECT %s::int, current_user", [100 * number + n])
            assert answer.fetchall() == [(100 * number + n, "eventstore_auditor")]

    with ThreadPoolExecutor(4) as pool:
        for _ in pool.map(ask, range(4)):
            pass


def test_a_role_that_is_missing(url: str) -> None:
    with (
        Session.connect(url, autocommit=True) as opened,
        pytest.raises(SchemaMismatch, match="bootstrap"),
    ):
        begin_session(opened, "nobody", ALL_TENANTS, Limits())  # type: ignore[arg-type]


def test_the_settings_cost_no_round_trip(url: str, database_url: str) -> None:
    def begin(session: Session) -> None:
        begin_session(session, "projector", ALL_TENANTS, Limits())

    def once(session: Session) -> None:
        session.execute(PART)

    def twice(session: Session) -> None:
        with session.pipeline():
            one, two = session.execute(PART), session.execute(PART)
            assert one.fetchall() == two.fetchall()

    def in_a_transaction(session: Session) -> None:
        with session.pipeline() as pipeline, session.transaction():
            session.execute(PART)
            pipeline.sync()

    with (
        Session.connect(database_url, autocommit=True) as direct,
        Session.connect(url, autocommit=True) as pooled,
    ):
        for work in (begin, once, twice, in_a_transaction):
            direct.prepare_threshold = None  # else some statement is just being prepared
            assert trips(pooled, work) == trips(direct, work)
        assert (direct.pooled, pooled.pooled) == (False, True)
        assert trips(pooled, once) == 1


def trips(session: Session, work: Callable[[Session], None]) -> int:
    """Round trips: the server says ReadyForQuery once in each."""
    return traced(session, work).count("ReadyForQuery")


def traced(session: Session, work: Callable[[Session], None]) -> list[str]:
    """The messages that went back and forth, by name."""
    with tempfile.TemporaryFile() as file:
        session.pgconn.trace(file.fileno())
        work(session)
        session.pgconn.untrace()
        file.seek(0)
        return re.findall(r"\t[BF]\t\d+\t(\w+)", file.read().decode())


@pytest.mark.parametrize("way", ["url", "database_url"])
def test_nothing_follows_the_sync(request: pytest.FixtureRequest, way: str) -> None:
    """What does, after the answer to it, keeps the server session from everybody else."""

    def say(session: Session) -> None:
        with session.unit():
            psycopg.Cursor(session).execute(PART)

    def fail(session: Session) -> None:
        with pytest.raises(psycopg.errors.DivisionByZero), session.unit():
            psycopg.Cursor(session).execute("SELECT 1/0")

    with connect(request.getfixturevalue(way), role="auditor", tenant="ours") as session:
        session.pooled = True  # so the same is said where there is no pooler to try it
        for work in (say, fail, say):
            said = traced(session, work)
            assert "Sync" in said
            assert "Flush" not in said


def test_times_are_in_utc(pooler: PgBouncer, url: str, database: str, admin_url: str) -> None:
    """The zone of the server's session is a stranger's, and that of the pooler is the first's."""
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {database} SET timezone = 'Asia/Tokyo'")
    with connect(url, role="auditor") as session:
        assert session.info.parameter_status("TimeZone") == "Asia/Tokyo"
        for binary in (False, True):
            row = session.execute("SELECT now()", binary=binary).fetchone()
            assert row is not None
            assert row[0].isoformat().endswith("+00:00")


def test_a_page_in_order_within_one_transaction(session: Session, store: EventStore) -> None:
    """The watermark, then a newer snapshot: READ COMMITTED has one for each statement."""
    with session.transaction():
        before = read.watermark(session)
        store.append("s-1", said(3))
        after = read.watermark(session)
        assert after == before + 3
        assert read.event_at(session, "default", after) is None  # the session is another tenant's
    with connect(store.database.url, role="auditor", tenant="default") as ours, ours.transaction():
        assert len(read.page_after(ours, before, read.watermark(ours))) == 3
    session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with pytest.raises(PositionNotReady), session.transaction():
        read.watermark(session)


def test_another_life_of_the_server_is_noticed(durable_server: EmbeddedServer) -> None:
    """A pooler hides that the server crashed; who remembers what it read has to know."""

    def plain(session: Session) -> None:
        session.execute("SELECT 1")

    def in_a_transaction(session: Session) -> None:
        with session.transaction():
            session.execute("SELECT 1")

    def in_a_pipeline(session: Session) -> None:
        with session.pipeline():
            session.execute("SELECT 1")

    make_database(durable_server, "store")
    with pgbouncer(durable_server) as pooler:
        url = pooler.url("store")
        for end in (crash, restart):
            for work in (plain, in_a_transaction, in_a_pipeline):
                with open_session(url, part="test") as session:
                    work(session)
                    end(durable_server)
                    until(lambda: not pooler.console("SHOW SERVERS"))
                    with pytest.raises(StoreUnavailable) as caught, translated():
                        work(session)
                    assert isinstance(caught.value.__cause__, ServerChanged)
                    assert lost(caught.value)
                    assert session.closed


def crash(server: EmbeddedServer) -> None:
    """Kills one server process with -9: the postmaster ends all others, and starts all over again.

    It has begun when another process has ended, and is through when it takes connections.
    """
    url = server.admin_url("store")
    with psycopg.connect(url) as victim, psycopg.connect(url) as other:
        psutil.Process(victim.info.backend_pid).kill()
        for each in (victim, other):
            with pytest.raises(psycopg.OperationalError):
                each.execute("SELECT pg_sleep(20)")
    until(lambda: answers(url))


def answers(url: str) -> bool:
    """Whether the server takes connections."""
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def restart(server: EmbeddedServer) -> None:
    server.stop()
    server.ensure_running()
