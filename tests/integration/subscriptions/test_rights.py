"""Who may consume: the subscriber, for the tenant of its login, and by the functions alone."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from eventstore import EventStore
from eventstore.connection.database import Connection, Role, connect
from eventstore.embedded import EmbeddedServer
from eventstore.errors import NotFound, PermissionDenied
from tests.integration.log.facts import open_store, said
from tests.integration.log.waiting import until
from tests.integration.subscriptions.consuming import drained

TABLES = ("subscriptions", "subscription_consumers", "deliveries", "parked", "events")


@pytest.fixture
def theirs(
    server: EmbeddedServer, shared_database: str, shared_url: str, admin: Connection
) -> Iterator[EventStore]:
    """A store over a login that is bound to a tenant."""
    login = f"login_{uuid4().hex}"
    parts = "eventstore_appender, eventstore_auditor, eventstore_subscriber"
    admin.execute(f"CREATE ROLE {login} LOGIN")
    admin.execute(f"GRANT {parts} TO {login} WITH INHERIT FALSE, SET TRUE")
    with connect(shared_url, role="owner") as owner:
        owner.execute("SELECT eventstore.bind_login(%s, %s)", [login, login])
    with open_store(server.url(shared_database, user=login), login) as opened:
        yield opened
    users = "SELECT FROM pg_stat_activity WHERE usename = %s"
    until(lambda: not admin.execute(users, [login]).fetchall())
    admin.execute(f"DROP ROLE {login}")


def test_a_tenant_sees_and_consumes_its_own(store: EventStore, theirs: EventStore) -> None:
    """Of two subscriptions of one name, each delivers the events of its tenant."""
    for one in (store, theirs):
        one.subscriptions.create("s")
    [mine] = store.append("a-1", said(1)).positions
    [its_own] = theirs.append("a-1", said(1)).positions
    assert drained(theirs, "s") == [its_own]
    assert drained(store, "s") == [mine]
    store.subscriptions.create("other")
    assert [status.name for status in theirs.subscriptions.list()] == ["s"]
    with pytest.raises(NotFound):
        drained(theirs, "other")


def test_a_bound_login_consumes_for_nobody_else(store: EventStore, theirs: EventStore) -> None:
    store.subscriptions.create("s")
    calls = (
        "create_subscription(%s, 's', NULL, NULL, NULL, NULL, 'wait', 1, 1, 1, 1, 0)",
        "drop_subscription(%s, 's', true)",
        "join_subscription(%s, 's', 'me')",
        "leave_subscription(%s, 's', 1)",
        "settle_deliveries(%s, 's', 1, '{1}', NULL)",
        "claim_deliveries(%s, 's', 1, 1, 1)",
        "resolve_parked(%s, 's', NULL, 'discarded', 'me', 'why')",
    )
    with theirs.database.subscriber() as connection:
        for call in calls:
            for tenant in (store.tenant, "*", "", None):
                with pytest.raises(psycopg.Error) as refused:
                    connection.execute(f"SELECT eventstore.{call}", [tenant])
                assert refused.value.sqlstate == "ES003", call
    assert store.subscriptions.show("s").consumers == 0


def test_the_subscriber_has_no_table(store: EventStore) -> None:
    with store.database.subscriber() as connection:
        for table in TABLES:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"SELECT FROM eventstore.{table}")


@pytest.mark.parametrize("role", ["appender", "auditor", "projector", "archiver"])
def test_nobody_else_consumes(store: EventStore, shared_url: str, role: Role) -> None:
    store.subscriptions.create("s")
    with (
        connect(shared_url, role=role, tenant=store.tenant) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT eventstore.join_subscription(%s, 's', 'me')", [store.tenant])


def test_a_login_without_the_part_is_told(
    server: EmbeddedServer, shared_database: str, admin: Connection
) -> None:
    login = f"login_{uuid4().hex}"
    admin.execute(f"CREATE ROLE {login} LOGIN")
    admin.execute(f"GRANT eventstore_auditor TO {login} WITH INHERIT FALSE, SET TRUE")
    try:
        with (
            open_store(server.url(shared_database, user=login)) as store,
            pytest.raises(PermissionDenied, match="eventstore_subscriber"),
        ):
            store.subscriptions.create("s")
        users = "SELECT FROM pg_stat_activity WHERE usename = %s"
        until(lambda: not admin.execute(users, [login]).fetchall())
    finally:
        admin.execute(f"DROP ROLE {login}")
