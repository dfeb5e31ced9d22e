"""Many parts and tenants over three server sessions: nobody acts as another, or sees another's."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from threading import Event as Signal
from typing import get_args

import psycopg
import pytest

from eventstore import EventStore
from eventstore.connection.database import Role, connect
from eventstore.connection.session import Session
from eventstore.embedded import EmbeddedServer
from tests.integration.log.facts import Said, open_store
from tests.integration.pooler.pgbouncer import PgBouncer, pgbouncer

TENANTS = [f"tenant-{n}" for n in range(6)]
APPENDS = 25
VISIBLE = "SELECT DISTINCT tenant_id FROM eventstore.events"
WHO = "SELECT current_user, current_setting('eventstore.tenant')"


def test_nobody_acts_as_another(url: str, pooler: PgBouncer) -> None:
    hammer(url)
    assert 1 <= len(pooler.console("SHOW SERVERS")) <= 3


def test_nor_where_the_pooler_tidies_up(server: EmbeddedServer, database: str) -> None:
    """DISCARD ALL after every transaction takes nothing that is needed."""
    with pgbouncer(server, server_reset_query_always=1, default_pool_size=3) as tidy:
        hammer(tidy.url(database))


def hammer(url: str) -> None:
    """Stores that append and read, sessions of every part and strangers, all at once."""
    over = Signal()
    roles = get_args(Role)
    with ExitStack() as opened, ThreadPoolExecutor(len(TENANTS) + len(roles) + 2) as pool:
        stores = {tenant: opened.enter_context(open_store(url, tenant)) for tenant in TENANTS}
        working = [pool.submit(work, tenant, store) for tenant, store in stores.items()]
        others = [pool.submit(play, url, role, TENANTS[n], over) for n, role in enumerate(roles)]
        others += [pool.submit(pass_by, url, over) for _ in range(2)]
        try:
            for one in as_completed(working):
                one.result()
        finally:
            over.set()
        for one in others:
            one.result()


def work(tenant: str, store: EventStore) -> None:
    """A store appends in its tenant's name and reads back exactly that."""
    for n in range(1, APPENDS + 1):
        one, many = Said(text=tenant), [Said(text=tenant) for _ in range(3)]
        assert store.append("s-1", [one], expected_version=4 * n - 4).stream_version == 4 * n - 3
        assert store.append("s-1", many, expected_version=4 * n - 3).stream_version == 4 * n
        assert {event.payload["text"] for event in store.read_stream("s-1")} == {tenant}
        assert {event.tenant_id for event in store.read_all()} == {tenant}
        assert len(list(store.read_stream("s-1"))) == 4 * n


def play(url: str, role: Role, tenant: str, over: Signal) -> None:
    """A session of one part sees what this part may see, and is never in another."""
    with connect(url, role=role, tenant=tenant) as session:
        ways: list[Callable[[], None]] = [
            lambda: check(session, role, tenant),
            lambda: in_a_transaction(session, role, tenant),
            lambda: in_a_pipeline(session, role, tenant),
        ]
        while not over.is_set():
            for way in ways:
                way()


def check(session: Session, role: Role, tenant: str) -> None:
    assert session.execute(WHO).fetchall() == [(f"eventstore_{role}", tenant)]
    if role in ("appender", "subscriber"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(VISIBLE)
    else:
        assert {row[0] for row in session.execute(VISIBLE)} <= may_see(role, tenant)
    with pytest.raises(psycopg.Error) as caught:
        session.execute("DELETE FROM eventstore.events")
    assert caught.value.sqlstate == ("ES005" if role == "owner" else "42501")


def may_see(role: Role, tenant: str) -> set[str]:
    """The owner acts for nobody outside append; projector and archiver work for all."""
    return {"auditor": {tenant}, "owner": set[str]()}.get(role, set(TENANTS))


def in_a_transaction(session: Session, role: Role, tenant: str) -> None:
    with session.transaction():
        assert session.execute(WHO).fetchall() == [(f"eventstore_{role}", tenant)]
        if role not in ("appender", "subscriber"):
            assert {row[0] for row in session.execute(VISIBLE)} <= may_see(role, tenant)


def in_a_pipeline(session: Session, role: Role, tenant: str) -> None:
    with session.pipeline():
        both = [session.execute(WHO) for _ in range(2)]
        for one in both:
            assert one.fetchall() == [(f"eventstore_{role}", tenant)]


def pass_by(url: str, over: Signal) -> None:
    """Another program's client of the same pooler is nobody, and may see nothing."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as stranger:
        while not over.is_set():
            assert stranger.execute("SELECT current_user").fetchall() == [("eventstore",)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                stranger.execute(VISIBLE)
