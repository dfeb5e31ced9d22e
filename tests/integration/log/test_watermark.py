"""How far a reader may read: what holds the watermark back, for how long, and who shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from eventstore import EventStore
from eventstore.connection.database import Connection, Limits, connect
from eventstore.connection.server import make_database
from eventstore.embedded import EmbeddedServer
from eventstore.errors import PositionNotReady
from eventstore.reading.read import watermark
from tests.conftest import running_server
from tests.integration.log.facts import open_store
from tests.integration.log.raw_append import append
from tests.integration.log.waiting import until


def positions(store: EventStore) -> list[int]:
    return [recorded.position for recorded in store.read_all()]


def in_flight(admin: Connection) -> list[tuple[Any, ...]]:
    return admin.execute("SELECT * FROM eventstore.appends_in_flight()").fetchall()


def test_an_open_append_holds_the_watermark_until_it_ends(
    store: EventStore, appender: Connection, admin: Connection
) -> None:
    assert store.watermark() == 0
    append(appender, "s-1", 3)
    assert store.watermark() == 3
    with appender.transaction():
        append(appender, "s-1", 2)
        with connect(store.database.url, role="appender", tenant="default") as other:
            append(other, "s-2")
        assert store.watermark() == 3
        assert positions(store) == [1, 2, 3]
        [(bound, pid, login, application, began_at, state, prepared)] = in_flight(admin)
        assert (bound, pid, login) == (3, appender.info.backend_pid, "eventstore")
        assert application == "eventstore appender"
        assert began_at is not None
        assert (state, prepared) == ("idle in transaction", None)
    assert store.watermark() == 6
    assert positions(store) == [1, 2, 3, 4, 5, 6]
    assert in_flight(admin) == []


def test_a_rolled_back_append_leaves_a_gap_and_nothing_else(
    store: EventStore, appender: Connection
) -> None:
    with appender.transaction(force_rollback=True):
        append(appender, "s-1", 3)
        assert store.watermark() == 0
    assert store.watermark() == 3
    assert positions(store) == []
    assert append(appender, "s-1") == [4]
    [recorded] = store.read_all()
    assert (recorded.position, recorded.stream_version) == (4, 1)


def test_rolling_back_a_savepoint_drops_its_registration(
    store: EventStore, appender: Connection
) -> None:
    with appender.transaction():
        with appender.transaction(force_rollback=True):
            append(appender, "s-1")
            assert store.watermark() == 0
        assert store.watermark() == 1
        with appender.transaction():
            append(appender, "s-1")
        assert store.watermark() == 1, "a released savepoint keeps its registration"
    assert store.watermark() == 2
    assert positions(store) == [2]


def test_the_oldest_append_in_flight_decides(store: EventStore, database_url: str) -> None:
    with (
        connect(database_url, role="appender", tenant="default") as a,
        connect(database_url, role="appender", tenant="default") as b,
    ):
        a.autocommit = b.autocommit = False
        append(a, "a-1")
        append(b, "b-1")
        assert store.watermark() == 0
        b.commit()
        assert store.watermark() == 0
        append(b, "b-1")
        a.commit()
        assert store.watermark() == 2
        assert positions(store) == [1, 2]
        b.commit()
        assert store.watermark() == 3


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_transaction_with_one_snapshot_gets_no_watermark(database_url: str, level: str) -> None:
    with connect(database_url, role="auditor", tenant="default") as connection:
        connection.execute(f"BEGIN ISOLATION LEVEL {level}")
        with pytest.raises(PositionNotReady, match=level):
            watermark(connection)
        connection.rollback()
        assert watermark(connection) == 0


def test_a_stalled_append_is_ended(store: EventStore, admin: Connection) -> None:
    limits = Limits(transaction=0.5)
    with connect(store.database.url, role="appender", limits=limits) as stalled:
        stalled.autocommit = False
        append(stalled, "s-1")
        assert [row[1] for row in in_flight(admin)] == [stalled.info.backend_pid]
        with connect(store.database.url, role="appender", tenant="default") as other:
            assert append(other, "s-2") == [2]
        assert positions(store) == []
        until(lambda: positions(store) == [2])
        assert in_flight(admin) == []
        with pytest.raises(psycopg.errors.TransactionTimeout):
            stalled.commit()


def test_append_bounds_a_transaction_that_nobody_bounded(appender: Connection) -> None:
    appender.execute("SET transaction_timeout = 0")
    with appender.transaction():
        append(appender, "s-1")
        assert appender.execute("SHOW transaction_timeout").fetchone() == ("1min",)
    assert appender.execute("SHOW transaction_timeout").fetchone() == ("0",)


@pytest.mark.parametrize(
    ("wanted", "used"), [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")]
)
def test_an_append_is_flushed_whatever_the_session_prefers(
    appender: Connection, wanted: str, used: str
) -> None:
    appender.execute(f"SET synchronous_commit = {wanted}")
    with appender.transaction():
        append(appender, "s-1")
        assert appender.execute("SHOW synchronous_commit").fetchone() == (used,)


@pytest.fixture(scope="module")
def preparing_server() -> Iterator[EmbeddedServer]:
    """A server that takes prepared transactions."""
    with running_server() as server:
        make_database(server, "store")
        with psycopg.connect(server.admin_url(), autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET max_prepared_transactions = 5")
        server.stop()
        server.ensure_running()
        yield server


def test_a_prepared_append_holds_the_watermark_until_it_is_resolved(
    preparing_server: EmbeddedServer,
) -> None:
    url = preparing_server.url("store")
    with (
        open_store(url) as store,
        psycopg.connect(preparing_server.admin_url("store"), autocommit=True) as admin,
    ):
        prepare(url, "kept")
        prepare(url, "dropped")
        with connect(url, role="appender", tenant="default") as connection:
            append(connection, "s-2")
        assert store.watermark() == 0
        assert positions(store) == []
        found = [(bound, pid, prepared) for bound, pid, *_, prepared in in_flight(admin)]
        assert found == [(0, None, "kept"), (1, None, "dropped")]
        preparing_server.stop()
        preparing_server.ensure_running()  # and the registrations are still there
    with (
        open_store(url) as store,
        psycopg.connect(preparing_server.admin_url("store"), autocommit=True) as admin,
    ):
        assert store.watermark() == 0
        assert [row[-1] for row in in_flight(admin)] == ["kept", "dropped"]
        admin.execute("COMMIT PREPARED 'kept'")
        assert store.watermark() == 1
        assert positions(store) == [1]
        admin.execute("ROLLBACK PREPARED 'dropped'")
        assert store.watermark() >= 3
        assert positions(store)[0] == 1
        assert len(positions(store)) == 2


def prepare(url: str, name: str) -> None:
    """Appends one event to a stream of that name, up to the last step."""
    with connect(url, role="appender", tenant="default") as connection:
        connection.execute("BEGIN")
        append(connection, f"s-{name}")
        connection.execute(f"PREPARE TRANSACTION '{name}'")
