"""The tables of the contexts: they hold what the folds make, and refuse what must never be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_type_hints
from uuid import UUID

import psycopg
import pytest
from psycopg.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InsufficientPrivilege,
    NotNullViolation,
    RestrictViolation,
    UniqueViolation,
)

from eventstore import Event
from eventstore.database import Role, connect
from eventstore.registry import default_registry
from eventstore.vocabulary import packaging, trust, work
from projections.builds.rebuild import rebuild
from projections.catalogue import PROJECTIONS
from projections.projection import Projection, State
from projections.row import Row, full_key
from projections.row_store import RowStore
from projections.session import Connection, open_session
from projections.testing import FIRST_MOMENT, recorded
from projections.trust import Trust

TABLES = [table for projection in PROJECTIONS for table in projection.tables]

PACKAGE, INSTALLER, ORDER, ITEM, TRY = (UUID(int=n) for n in range(1, 6))
SESSION, DECISION, QUESTION = (UUID(int=n) for n in range(6, 9))

STORY: list[Event] = [
    packaging.PackageRegistered(
        package_id=PACKAGE,
        name="Café 咖啡 \U0001f40d",
        version="26.0",
        publisher="pypa",
        description="line\nline",
        metadata={"deep": [{"x": 1.5, "y": None}], "n": 2**53, "tiny": 5e-324, "huge": 1e300},
        tags=["tool", ""],
    ),
    packaging.InstallerAdded(
        installer_id=INSTALLER,
        package_id=PACKAGE,
        filename="pip.whl",
        file_path="/wheels/pip.whl",
        file_type="whl",
        size_bytes=2**63 - 1,
        sha256="0" * 64,
    ),
    packaging.PackageStatusChanged(
        package_id=PACKAGE, from_status="draft", to_status="failed", reason="no"
    ),
    packaging.ScriptGenerated(script_id=TRY, package_id=PACKAGE, script_content="x"),
    packaging.PackageDeleted(package_id=PACKAGE),
    work.WorkOrderOpened(work_order_id=ORDER, title="Pack", metadata={"a": [1, 2]}),
    work.WorkItemQueued(
        work_item_id=ITEM,
        work_order_id=ORDER,
        type="TICKET",
        content={"text": "measure the turbines"},
        assigned_agent="ann",
        package_id=PACKAGE,
    ),
    work.AttemptStarted(attempt_id=TRY, work_item_id=ITEM, agent_id="ann"),
    work.AttemptEnded(attempt_id=TRY, status="COMPLETED", output={"ok": True}, duration_ms=2**40),
    work.AttemptStarted(attempt_id=UUID(int=77), work_item_id=ITEM, agent_id="ann"),
    work.WorkItemStatusChanged(
        work_item_id=ITEM, work_order_id=ORDER, from_status="QUEUED", to_status="FAILED"
    ),
    work.ApprovalDecided(
        approval_id=UUID(int=9),
        work_item_id=ITEM,
        approver="eve",
        decision="APPROVED",
        policy_version="1",
    ),
    trust.AgentRegistered(agent_id="ann", name="Ann", persona_type="qa"),
    trust.SessionStarted(session_id=SESSION, agent_id="ann", user_id="u"),
    trust.DecisionMade(
        decision_id=DECISION,
        session_id=SESSION,
        agent_id="ann",
        decision_type="risk",
        rationale="because",
        confidence=0.1 + 0.2,
    ),
    trust.DecisionFeedbackGiven(
        decision_id=DECISION, session_id=SESSION, agent_id="ann", feedback="rejected"
    ),
    trust.TrustMetricRecorded(
        metric_id=UUID(int=10),
        session_id=SESSION,
        agent_id="ann",
        metric_type="accuracy",
        metric_value=100 / 3,
    ),
    trust.TrustMetricRecorded(
        metric_id=UUID(int=12),
        session_id=SESSION,
        agent_id="ann",
        metric_type="accuracy",
        metric_value=50,
    ),
    trust.TrustMetricsRolledUp(
        agent_id="ann",
        metric_type="accuracy",
        day=FIRST_MOMENT.date(),
        metric_ids=[UUID(int=12)],
        total=50,
        minimum=50,
        maximum=50,
    ),
    trust.KnowledgeLearned(
        knowledge_id=UUID(int=13),
        agent_id="ann",
        knowledge_type="pattern",
        domain="installers",
        content={"says": "measure the turbines"},
    ),
    trust.KnowledgeApplied(knowledge_id=UUID(int=13), agent_id="ann", succeeded=True),
    trust.ActionAudited(
        audit_id=UUID(int=14),
        agent_id="ann",
        session_id=SESSION,
        action_type="delete",
        action_details={"path": "/"},
        risk_level="critical",
        user_id="u",
        ip_address="2001:db8::1",
        user_agent="curl/8",
    ),
    trust.MessageSent(message_id=QUESTION, session_id=SESSION, role="user", content=""),
    trust.MessageSent(
        message_id=UUID(int=11),
        session_id=SESSION,
        role="agent",
        content="yes",
        parent_message_id=QUESTION,
        tokens_used=2**40,
        model_used="m",
    ),
    trust.SessionCompleted(session_id=SESSION),
]


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with open_session(database_url, part="test") as opened:
        yield opened


@pytest.fixture
def filled(conn: Connection) -> Connection:
    """The tables with the rows of the story."""
    for projection in PROJECTIONS:
        save(conn, projection, fold(projection))
    return conn


@pytest.fixture
def admin(filled: Connection, admin_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A superuser, whom only constraints stop; what it changes is rolled back."""
    with psycopg.connect(admin_url) as connection:
        connection.execute("SET search_path = projections")
        yield connection
        connection.rollback()


def fold(projection: Projection) -> State:
    state = projection.empty()
    for position, event in enumerate(STORY, 1):
        projection.apply(state, recorded(event, position))
    return state


def save(conn: Connection, projection: Projection, state: State) -> None:
    touched = {(table, key) for table, rows in state.items() for key in rows}
    store = RowStore(projection)
    store.months.make(conn, (row for rows in state.values() for row in rows.values()))
    with conn.transaction():
        store.save(conn, state, touched)


def whole(state: State) -> dict[Any, Any]:
    return {
        table.TABLE: {key: dict(vars(row)) for key, row in rows.items() if row is not None}
        for table, rows in state.items()
    }


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda p: p.name)
def test_rows_come_back_as_they_were_written(filled: Connection, projection: Projection) -> None:
    state = fold(projection)
    keys = [(table, key) for table, rows in state.items() for key in rows]
    assert all(state[table] for table in projection.tables), "the story fills every table"
    assert whole(RowStore(projection).load(filled, keys)) == whole(state)


def test_writing_again_changes_nothing(filled: Connection) -> None:
    for projection in PROJECTIONS:
        state = fold(projection)
        save(filled, projection, state)
        with filled.transaction():
            for table in projection.tables:
                rows = RowStore(projection).read(filled, table)
                stored = {full_key(row): dict(vars(row)) for row in rows}
                assert stored == whole(state)[table.TABLE]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.TABLE)
def test_a_table_has_exactly_the_columns_of_its_rows(conn: Connection, table: type[Row]) -> None:
    found = conn.execute(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = 'projections' AND table_name = %s ORDER BY ordinal_position",
        [table.TABLE],
    ).fetchall()
    assert tuple(name for (name,) in found) == table.COLUMNS
    assert get_type_hints(table)


def test_everything_has_a_comment(admin: psycopg.Connection[Any]) -> None:
    names = [table.TABLE for table in TABLES]
    missing = admin.execute(
        """
        WITH ours AS (SELECT oid, relname FROM pg_class
                       WHERE relnamespace = 'projections'::regnamespace AND relname = ANY (%s))
        SELECT relname FROM ours WHERE obj_description(oid, 'pg_class') IS NULL
        UNION ALL
        SELECT relname || '.' || attname FROM ours JOIN pg_attribute ON attrelid = oid
         WHERE attnum > 0 AND col_description(oid, attnum) IS NULL
        UNION ALL
        SELECT indexrelid::regclass::text FROM ours JOIN pg_index ON indrelid = ours.oid
         WHERE obj_description(indexrelid, 'pg_class') IS NULL
           AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
        """,
        [names],
    ).fetchall()
    assert missing == []


def test_every_table_is_protected(admin: psycopg.Connection[Any]) -> None:
    found = admin.execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'projections'::regnamespace "
        "AND relname = ANY (%s) AND relrowsecurity AND relforcerowsecurity",
        [[table.TABLE for table in TABLES]],
    ).fetchone()
    assert found == (len(TABLES),)


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE packages SET status = 'done'", CheckViolation),
        ("UPDATE packages SET name = repeat('x', 256)", CheckViolation),
        ("UPDATE packages SET version = ''", CheckViolation),
        ("UPDATE packages SET tags = '{}'", CheckViolation),
        ("UPDATE packages SET installer_id = gen_random_uuid()", ForeignKeyViolation),
        ("UPDATE packages SET status = NULL", NotNullViolation),
        ("UPDATE packages SET tenant_id = 'acme'", ForeignKeyViolation),
        ("DELETE FROM packages", ForeignKeyViolation),
        ("UPDATE installers SET sha256 = 'abc'", CheckViolation),
        ("UPDATE installers SET size_bytes = -1", CheckViolation),
        ("UPDATE process_history SET to_status = 'gone'", CheckViolation),
        ("UPDATE work_orders SET priority = 'NOW'", CheckViolation),
        ("UPDATE work_orders SET finished_count = item_count + 1", CheckViolation),
        ("UPDATE work_items SET type = 'ticket'", CheckViolation),
        ("UPDATE work_items SET status = 'DONE'", CheckViolation),
        ("UPDATE attempts SET attempt_no = 1", UniqueViolation),
        ("UPDATE attempts SET ended_at = NULL", CheckViolation),
        ("UPDATE attempts SET status = 'STARTED'", CheckViolation),
        ("UPDATE approval_events SET decision = 'MAYBE'", CheckViolation),
        ("DELETE FROM work_orders", ForeignKeyViolation),
        ("DELETE FROM agents", RestrictViolation),
        ("UPDATE agent_sessions SET trust_level = 5", CheckViolation),
        ("UPDATE agent_sessions SET session_state = 'active'", CheckViolation),
        ("UPDATE agent_decisions SET confidence_score = 1.1", CheckViolation),
        ("UPDATE agent_decisions SET user_feedback = 'fine'", CheckViolation),
        ("UPDATE agent_decisions SET outcome = 'good'", CheckViolation),
        ("UPDATE trust_metrics SET metric_value = 100.1", CheckViolation),
        ("UPDATE trust_metrics SET metric_type = 'complexity'", CheckViolation),
        ("UPDATE trust_metrics SET metric_value = 'NaN'", CheckViolation),
        ("UPDATE trust_levels SET level = 5", CheckViolation),
        ("UPDATE trust_levels SET score = 1.5", CheckViolation),
        ("UPDATE trust_levels SET approved = decisions + 1", CheckViolation),
        ("UPDATE trust_levels SET streak = streak + 1", CheckViolation),
        ("UPDATE trust_level_changes SET fact = 'success'", CheckViolation),
        ("UPDATE trust_level_changes SET to_score = from_score", CheckViolation),
        ("UPDATE trust_level_changes SET decision_id = gen_random_uuid()", ForeignKeyViolation),
        ("UPDATE trust_metrics_daily SET maximum = 101", CheckViolation),
        ("UPDATE trust_metrics_daily SET minimum = maximum + 1", CheckViolation),
        ("UPDATE trust_metrics_daily SET metric_count = 0", CheckViolation),
        ("UPDATE agent_knowledge SET knowledge_type = 'hunch'", CheckViolation),
        ("UPDATE agent_knowledge SET success_count = usage_count + 1", CheckViolation),
        ("UPDATE agent_knowledge SET last_used_at = NULL", CheckViolation),
        ("UPDATE agent_knowledge SET embedding = '[1,2]'", CheckViolation),
        ("DELETE FROM conversation_messages WHERE parent_message_id IS NULL", ForeignKeyViolation),
        ("UPDATE conversation_messages SET session_id = gen_random_uuid()", ForeignKeyViolation),
        ("UPDATE conversation_history SET created_at = '1990-01-01'", CheckViolation),
        ("UPDATE conversation_history SET message_id = gen_random_uuid()", ForeignKeyViolation),
        ("INSERT INTO agent_audit_log SELECT * FROM agent_audit_log", UniqueViolation),
        ("UPDATE agent_audit_log SET risk_level = 'low'", InsufficientPrivilege),
        ("DELETE FROM agent_audit_log", InsufficientPrivilege),
        ("TRUNCATE agent_audit_log", InsufficientPrivilege),
        ("UPDATE conversation_history SET role = 'robot'", CheckViolation),
        (
            "UPDATE conversation_history SET parent_message_id = gen_random_uuid()",
            ForeignKeyViolation,
        ),
    ],
)
def test_what_must_never_be_is_refused(
    admin: psycopg.Connection[Any], statement: str, refusal: type[psycopg.Error]
) -> None:
    admin.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(refusal):
        admin.execute(statement)


def test_a_name_belongs_to_one_package_in_use(admin: psycopg.Connection[Any]) -> None:
    copy = (
        "INSERT INTO packages (tenant_id, id, name, version, publisher, status, created_at, "
        "updated_at, position) SELECT {tenant}, gen_random_uuid(), name, version, publisher, "
        "status, created_at, updated_at, position FROM packages LIMIT 1"
    )
    admin.execute(copy.format(tenant="tenant_id"))  # the one of the story is deleted
    admin.execute(copy.format(tenant="'acme'"))
    with pytest.raises(UniqueViolation):
        admin.execute(copy.format(tenant="tenant_id"))


def test_an_order_takes_its_items_and_attempts_with_it(admin: psycopg.Connection[Any]) -> None:
    admin.execute("DELETE FROM approval_events")
    admin.execute("DELETE FROM work_orders")
    left = admin.execute(
        "SELECT (SELECT count(*) FROM work_items), (SELECT count(*) FROM attempts)"
    )
    assert left.fetchone() == (0, 0)


def test_a_session_takes_its_decisions_with_it(admin: psycopg.Connection[Any]) -> None:
    admin.execute("ALTER TABLE agent_audit_log DISABLE TRIGGER agent_audit_log_kept")
    admin.execute("DELETE FROM agent_audit_log")
    admin.execute("DELETE FROM conversation_history")
    admin.execute("DELETE FROM conversation_messages")
    admin.execute("DELETE FROM trust_metrics")
    admin.execute("DELETE FROM agent_sessions")
    assert admin.execute("SELECT count(*) FROM trust_level_changes").fetchone() == (0,)
    assert admin.execute("SELECT count(*) FROM agent_decisions").fetchone() == (0,)


CHANGES_OF_THE_AUDIT_LOG = (
    "UPDATE projections.agent_audit_log SET risk_level = 'low'",
    "UPDATE projections.agent_audit_log SET risk_level = 'low' WHERE false",
    "DELETE FROM projections.agent_audit_log",
    "TRUNCATE projections.agent_audit_log",
    "MERGE INTO projections.agent_audit_log AS t USING (SELECT) AS s ON true "
    "WHEN MATCHED THEN DELETE",
)
ROLES: tuple[Role, ...] = ("owner", "appender", "projector", "archiver", "auditor")


def test_nobody_but_the_projector_changes_the_audit_log(
    filled: Connection, database_url: str
) -> None:
    """Not the one that the migration made, nor the one that a rebuild made."""
    for _ in range(2):
        for role in ROLES:
            with connect(database_url, role=role) as conn:
                for change in CHANGES_OF_THE_AUDIT_LOG:
                    if role == "projector" and "TRUNCATE" not in change:
                        with conn.transaction(force_rollback=True):
                            conn.execute(change)
                    else:
                        with pytest.raises(InsufficientPrivilege):
                            conn.execute(change)
        rebuild(database_url, Trust())


def test_messages_and_knowledge_are_found_by_their_words(filled: Connection) -> None:
    asked = "websearch_to_tsquery('english', %s)"
    for query, words, wanted in (
        (f"SELECT role FROM conversation_history WHERE message_words(content) @@ {asked}",
         "yes", [("agent",)]),
        (f"SELECT domain FROM agent_knowledge "
         f"WHERE agent_knowledge_words(domain, content) @@ {asked}",
         "measuring turbine installer", [("installers",)]),
    ):  # fmt: skip
        assert filled.execute(query, [words]).fetchall() == wanted
        assert filled.execute(query, ["nowhere"]).fetchall() == []


def test_work_is_found_by_its_words(filled: Connection) -> None:
    def found(words: str) -> int:
        row = filled.execute(
            "SELECT count(*) FROM work_items "
            "WHERE work_item_words(content) @@ websearch_to_tsquery('english', %s)",
            [words],
        ).fetchone()
        assert row is not None
        return int(row[0])

    assert found("measuring turbine") == 1
    assert found("wheels") == 0


def test_any_content_that_an_event_may_have_can_be_indexed(conn: Connection) -> None:
    """A tsvector ends at 1 MB; a payload may be that large and be nothing but new words."""
    words = " ".join(f"{number:x}" for number in range(0x10000, 0x10000 + 140_000))
    large = work.WorkItemQueued(
        work_item_id=ITEM, work_order_id=ORDER, type="TICKET", content={"text": words}
    )
    projection = next(known for known in PROJECTIONS if known.name == "work")
    state = projection.empty()
    for position, event in enumerate([STORY[5], large], 1):
        projection.apply(state, recorded(event, position))
    save(conn, projection, state)
    with pytest.raises(psycopg.errors.ProgramLimitExceeded):
        conn.execute("SELECT to_tsvector('english', content) FROM work_items")


def test_the_story_is_of_the_vocabulary() -> None:
    assert all(default_registry.knows(type(event)) for event in STORY)
