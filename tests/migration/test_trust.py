"""The trust context from its first tables to those that are kept by month, and back."""

from __future__ import annotations

from datetime import UTC, datetime

from eventstore import EventStore
from eventstore.connection.database import connect
from eventstore.schema import migrate
from eventstore.vocabulary.trust import AgentRegistered, MessageSent, SessionStarted
from projections.audit.drift import check
from projections.builds.rebuild import rebuild
from projections.catalogue import versions
from projections.session import open_session
from projections.tables import live_rules
from projections.trust import Trust, TrustV1
from tests.integration.projections.running import catch_up, number, replayed, stored

BEFORE = "0010_decisions"
# The engine of today reads a column, and by a function, that the log of those days did not have.
LEND = """
    ALTER TABLE eventstore.events ADD COLUMN tags text[];
    CREATE FUNCTION eventstore.log_page(
        tenant text, after bigint, until bigint, most integer, event_types text[],
        field text DEFAULT NULL, shards integer DEFAULT 1, shard integer DEFAULT 0)
    RETURNS SETOF eventstore.events LANGUAGE sql AS $$
        SELECT * FROM eventstore.events AS e
         WHERE e.position > after AND e.position <= until AND e.event_type = ANY (event_types)
         ORDER BY e.position LIMIT most
    $$
"""
TAKE_BACK = """
    DROP FUNCTION eventstore.log_page;
    ALTER TABLE eventstore.events DROP COLUMN tags
"""


def tell(url: str, first: int = 10) -> None:
    """An agent, its session, and a message in each of three months."""
    with EventStore.open(url) as store:
        beginning = [
            AgentRegistered(agent_id="ann", name="Ann", persona_type="qa").with_id(number(1)),
            SessionStarted(session_id=number(1), agent_id="ann").with_id(number(2)),
        ]
        store.append("agent-ann", beginning)
        for n in range(3):
            said = MessageSent(
                message_id=number(first + n), session_id=number(1), role="user", content="x"
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


def test_tables_with_rows_are_replaced_by_a_rebuild(database_url: str) -> None:
    """The former rules go on with the former tables until then."""
    url = database_url
    tell(url)
    migrate.downgrade(url, BEFORE)
    with connect(url, role="owner") as owner:
        owner.execute(LEND)
    assert catch_up(url, TrustV1()) == {}
    with connect(url, role="owner") as owner:
        owner.execute(TAKE_BACK)
    migrate.upgrade(url)
    with open_session(url, part="test") as conn:
        assert live_rules(conn, versions("trust")).version == 1
        assert len(stored(conn, TrustV1())["conversation_history"]) == 3
    tell(url, 20)
    assert catch_up(url, TrustV1()) == {}
    with open_session(url, part="test") as conn:
        assert stored(conn, TrustV1()) == replayed(conn, TrustV1())
    assert months(url) == 0
    assert rebuild(url, Trust()).rows == 1 + 1 + 1 + 6 + 6
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
