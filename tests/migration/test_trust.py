"""The trust context from its first tables to those that are kept by month, and back."""

from __future__ import annotations

from datetime import UTC, datetime

from eventstore import EventStore, bootstrap, migrate
from eventstore.database import connect
from eventstore.embedded import EmbeddedServer
from eventstore.vocabulary.trust import AgentRegistered, MessageSent, SessionStarted
from projections.audit.drift import check
from projections.builds.rebuild import rebuild
from projections.session import open_session
from projections.trust import Trust, TrustV1
from tests.integration.projections.running import catch_up, number, replayed, stored

BEFORE = "0010_decisions"


def tell(url: str) -> None:
    with EventStore.open(url) as store:
        store.append(
            "agent-ann",
            [
                AgentRegistered(agent_id="ann", name="Ann", persona_type="qa"),
                SessionStarted(session_id=number(1), agent_id="ann"),
            ],
        )
        for n in range(3):
            said = MessageSent(
                message_id=number(10 + n), session_id=number(1), role="user", content="x"
            )
            store.append("session-1", [said], occurred_at=datetime(2020 + n, 1, 1, tzinfo=UTC))


def months(url: str) -> int:
    with connect(url, role="owner") as owner:
        found = owner.execute(
            "SELECT count(*) FROM pg_class WHERE relispartition AND relkind = 'r' "
            "AND relnamespace::regnamespace::text ~ '^projections'"
        ).fetchone()
    assert found is not None
    return int(found[0])


def test_tables_with_rows_are_replaced_by_a_rebuild(
    server: EmbeddedServer, empty_database: str
) -> None:
    bootstrap.bootstrap(server.admin_url(empty_database), "eventstore")
    url = server.url(empty_database)
    migrate.upgrade(url, BEFORE)
    with open_session(url, part="test") as conn:
        conn.execute(
            "INSERT INTO projections.agents (tenant_id, agent_id, name, persona_type, created_at, "
            "updated_at, position) VALUES ('default', 'old', 'Old', 'qa', now(), now(), 1)"
        )
    migrate.upgrade(url)
    assert months(url) == 0
    tell(url)
    assert catch_up(url, TrustV1()) == {}, "the former rules go on with the former tables"
    with open_session(url, part="test") as conn:
        assert len(stored(conn, TrustV1())["conversation_history"]) == 3
    assert rebuild(url, Trust()).rows == 1 + 1 + 1 + 3 + 3
    assert months(url) == 3
    with connect(url, role="owner") as owner:
        assert check(owner, [Trust()]).drifts == ()
    migrate.downgrade(url, BEFORE)
    assert months(url) == 0


def test_months_go_with_a_downgrade_and_come_again(database_url: str) -> None:
    tell(database_url)
    assert catch_up(database_url, Trust()) == {}
    rebuild(database_url, Trust())
    assert months(database_url) == 6
    migrate.downgrade(database_url, BEFORE)
    assert months(database_url) == 0
    migrate.upgrade(database_url)
    assert catch_up(database_url, Trust()) == {}
    with open_session(database_url, part="test") as conn:
        assert stored(conn, Trust()) == replayed(conn, Trust())
    assert months(database_url) == 3
