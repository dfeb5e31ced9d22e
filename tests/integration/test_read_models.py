"""The tables of the contexts: they hold what the folds make, and refuse what must never be."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address
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
from psycopg.sql import SQL, Identifier, Literal

from eventstore import Event
from eventstore.connection.database import Role, connect
from eventstore.embedded import EmbeddedServer
from eventstore.encoding.vector import Vector
from eventstore.registry import default_registry
from eventstore.vocabulary import packaging, trust, work
from eventstore.vocabulary.embedding import text_hash
from projections.builds.rebuild import rebuild
from projections.catalogue import PROJECTIONS
from projections.projection import Projection, State
from projections.row import Row, full_key
from projections.row_store import RowStore
from projections.session import Connection, open_session
from projections.testing import FIRST_MOMENT, recorded
from projections.trust import Trust
from tests.conftest import copy_database
from tests.stories import projects, workspaces

TABLES = [table for projection in PROJECTIONS for table in projection.tables]

PACKAGE, INSTALLER, ORDER, ITEM, TRY = (UUID(int=n) for n in range(1, 6))
SESSION, DECISION, QUESTION = (UUID(int=n) for n in range(6, 9))
SCRIPT, POLICY, MANUAL, KNOWN, TEMPLATE, RUN = (UUID(int=n) for n in range(21, 27))
LETTER, CONNECTOR, TOOL, SENDING, OLD_SCHEMA, NEW_SCHEMA = (UUID(int=n) for n in range(31, 37))


def embedding(text: str) -> dict[str, Any]:
    """What a model says of a text, in three dimensions."""
    return {
        "model": "m",
        "dimensions": 3,
        "vector": Vector([0.1, -1e-9, 3e38]),
        "text_hash": text_hash(text),
    }


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
    packaging.ScriptGenerated(
        script_id=SCRIPT, package_id=PACKAGE, script_content="x\n", parameters={"n": 1e17}
    ),
    packaging.ScriptRevised(script_id=SCRIPT, package_id=PACKAGE, script_content="y"),
    packaging.PolicyCreated(policy_id=POLICY, package_id=PACKAGE, policy_xml="<p/>"),
    packaging.PolicyTested(
        policy_id=POLICY, package_id=PACKAGE, passed=True, test_results={"blocked": 0}
    ),
    packaging.DocumentationWritten(
        documentation_id=MANUAL, package_id=PACKAGE, content="draft", sections={"a": "b"}
    ),
    packaging.DocumentationRevised(
        documentation_id=MANUAL, package_id=PACKAGE, content="Installing turbines quietly"
    ),
    packaging.DocumentationEmbedded(
        documentation_id=MANUAL, package_id=PACKAGE, **embedding("Installing turbines quietly")
    ),
    packaging.PackageDetailsChanged(
        package_id=PACKAGE, description=None, metadata={"huge": 1e300}, tags=["tool", ""]
    ),
    packaging.InstallerAnalyzed(
        installer_id=INSTALLER, package_id=PACKAGE, analysis_data={"silent": "/S"}
    ),
    packaging.KnowledgeItemAdded(
        knowledge_item_id=KNOWN, title="Turbines", content="x", source_package_id=PACKAGE
    ),
    packaging.KnowledgeItemChanged(
        knowledge_item_id=KNOWN, title="Turbines", content="They measure", source_package_id=PACKAGE
    ),
    packaging.KnowledgeItemEmbedded(
        knowledge_item_id=KNOWN, **embedding("Turbines\n\nThey measure")
    ),
    packaging.KnowledgeItemAdded(knowledge_item_id=UUID(int=12), title="Gone", content="soon"),
    packaging.KnowledgeItemRemoved(knowledge_item_id=UUID(int=12)),
    packaging.SystemConfigChanged(key="text", value='a "word"', updated_by="ann"),
    packaging.SystemConfigChanged(key="list", value=[1, None, {"x": 2**53}], updated_by="ann"),
    packaging.SystemConfigChanged(key="flag", value=False, updated_by="ann"),
    packaging.SystemConfigChanged(key="flag", value=1e16, updated_by="bob", reason="why not"),
    packaging.AgentStateChanged(agent_name="ann", state="working", current_package_id=PACKAGE),
    packaging.AgentStateChanged(agent_name="bob", state="idle"),
    packaging.PackageDeleted(package_id=PACKAGE),
    packaging.PackageRestored(package_id=PACKAGE),
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
    work.ErrorReported(work_item_id=ITEM, attempt_id=UUID(int=77), error="exit 1"),
    work.WorkItemAssigned(work_item_id=ITEM, agent_id="bob"),
    work.WorkOrderDetailsChanged(
        work_order_id=ORDER, title="Pack", priority="URGENT", metadata={"a": [1, 2]}
    ),
    work.WorkOrderStatusChanged(work_order_id=ORDER, from_status="PENDING", to_status="PROCESSING"),
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
    work.EvalRecorded(
        eval_id=UUID(int=13), work_item_id=ITEM, evaluator="judge", score=1 / 3, passed=False
    ),
    work.MemDocWritten(mem_doc_id=KNOWN, type="CONTEXT", content="x", work_item_id=ITEM),
    work.MemDocWritten(mem_doc_id=KNOWN, type="KNOWLEDGE", content="Wheels", metadata={"n": 1}),
    work.MemDocEmbedded(mem_doc_id=KNOWN, **embedding("Wheels")),
    work.MemDocWritten(mem_doc_id=UUID(int=14), type="TEMPLATE", content="gone"),
    work.MemDocRemoved(mem_doc_id=UUID(int=14)),
    work.WorkflowTemplatePublished(
        workflow_template_id=TEMPLATE, name="pack", template_version=1, definition={"steps": []}
    ),
    work.RunStarted(run_id=RUN, workflow_template_id=TEMPLATE, work_order_id=ORDER),
    work.RunStarted(run_id=UUID(int=15)),
    work.RunEnded(run_id=RUN, status="FAILED"),
    work.DeadLetterRecorded(
        dead_letter_id=LETTER, source="mail", about_event_id=TRY, payload={"to": []}, error="550"
    ),
    work.DeadLetterRetried(dead_letter_id=LETTER, error="551"),
    work.DeadLetterResolved(dead_letter_id=LETTER),
    work.ConnectorRegistered(connector_id=CONNECTOR, name="mail", type="EMAIL"),
    work.ConnectorConfigured(connector_id=CONNECTOR, config={"host": "h"}),
    work.ConnectorStatusChanged(connector_id=CONNECTOR, from_status="INACTIVE", to_status="ACTIVE"),
    work.ConnectorHealthChecked(connector_id=CONNECTOR, health={"ms": 0.1}),
    work.ToolRegistered(
        tool_id=TOOL,
        connector_id=CONNECTOR,
        name="send",
        version="1",
        input_schema={"type": "object"},
        output_schema={},
    ),
    work.CapabilityDefined(capability_id=SENDING, name="sending", scopes=["mail:send"]),
    work.CapabilityScopesChanged(capability_id=SENDING, scopes=["mail:send", "é"]),
    work.CapabilityGranted(tool_id=TOOL, capability_id=SENDING),
    work.CapabilityRevoked(tool_id=TOOL, capability_id=SENDING),
    work.CapabilityGranted(tool_id=TOOL, capability_id=SENDING),
    work.SchemaPublished(
        schema_id=OLD_SCHEMA, document_type="TICKET", document_version=1, json_schema={}
    ),
    work.SchemaPublished(
        schema_id=NEW_SCHEMA, document_type="TICKET", document_version=2, json_schema={"title": "t"}
    ),
    work.SchemaActivated(schema_id=OLD_SCHEMA, document_type="TICKET"),
    work.SchemaRetired(schema_id=OLD_SCHEMA, document_type="TICKET"),
    work.SchemaActivated(schema_id=NEW_SCHEMA, document_type="TICKET"),
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
        ip_address=IPv6Address("2001:db8::1"),
        user_agent="curl/8",
    ),
    trust.MessageSent(message_id=QUESTION, session_id=SESSION, role="user", content=""),
    trust.MessageSent(
        message_id=UUID(int=11),
        session_id=SESSION,
        role="agent",
        content="I measured the turbine",
        parent_message_id=QUESTION,
        tokens_used=2**40,
        model_used="m",
    ),
    trust.SessionCompleted(session_id=SESSION),
    *projects.STORY,
    *workspaces.STORY,
]


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with open_session(database_url, part="test") as opened:
        yield opened


@pytest.fixture(scope="module")
def story_database(server: EmbeddedServer, template_database: str) -> Iterator[str]:
    """The tables with the rows of the story, for tests that leave them as they are."""
    name = "story_of_the_tables"
    copy_database(server, template_database, name)
    with open_session(server.url(name), part="test") as opened:
        for projection in PROJECTIONS:
            save(opened, projection, fold(projection))
    yield name
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture
def filled(server: EmbeddedServer, story_database: str) -> Iterator[Connection]:
    """A projector's session at the tables with the rows of the story."""
    with open_session(server.url(story_database), part="test") as opened:
        yield opened


@pytest.fixture
def admin(server: EmbeddedServer, story_database: str) -> Iterator[psycopg.Connection[Any]]:
    """A superuser, whom only constraints stop; what it changes is rolled back."""
    with psycopg.connect(server.admin_url(story_database)) as connection:
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
def test_a_table_has_exactly_the_columns_of_its_rows(filled: Connection, table: type[Row]) -> None:
    found = filled.execute(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = 'projections' AND table_name = %s AND is_generated = 'NEVER' "
        "ORDER BY ordinal_position",
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
        ("DELETE FROM packages", RestrictViolation),
        ("UPDATE packages SET psadt_script_id = gen_random_uuid()", ForeignKeyViolation),
        ("UPDATE packages SET wdac_policy_id = gen_random_uuid()", ForeignKeyViolation),
        ("UPDATE packages SET documentation_id = gen_random_uuid()", ForeignKeyViolation),
        ("DELETE FROM installers", ForeignKeyViolation),
        ("UPDATE psadt_scripts SET script_version = 0", CheckViolation),
        ("UPDATE psadt_script_versions SET script_version = 1", UniqueViolation),
        ("DELETE FROM psadt_scripts", ForeignKeyViolation),
        ("UPDATE wdac_policies SET policy_rules = '[]'", CheckViolation),
        ("UPDATE wdac_policies SET package_id = gen_random_uuid()", ForeignKeyViolation),
        ("UPDATE documentation SET embedding = NULL", CheckViolation),
        ("UPDATE documentation SET embedding_model = NULL", CheckViolation),
        ("UPDATE knowledge_items SET title = ''", CheckViolation),
        ("UPDATE knowledge_items SET embedding_model = NULL", CheckViolation),
        ("UPDATE knowledge_items SET source_package_id = gen_random_uuid()", ForeignKeyViolation),
        ("UPDATE system_config SET value = NULL", NotNullViolation),
        ("UPDATE system_config SET revision = 0", CheckViolation),
        ("UPDATE system_config_history SET revision = 1", UniqueViolation),
        ("DELETE FROM system_config", RestrictViolation),
        ("UPDATE agent_states SET state = 'asleep'", CheckViolation),
        ("UPDATE agent_states SET current_package_id = gen_random_uuid()", ForeignKeyViolation),
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
        ("DELETE FROM work_orders", RestrictViolation),
        ("UPDATE eval_results SET score = 1.1", CheckViolation),
        ("UPDATE eval_results SET work_item_id = gen_random_uuid()", ForeignKeyViolation),
        ("UPDATE mem_docs SET type = 'NOTE'", CheckViolation),
        ("UPDATE mem_docs SET embedding = NULL", CheckViolation),
        ("UPDATE mem_docs SET work_item_id = gen_random_uuid()", ForeignKeyViolation),
        ("UPDATE workflow_templates SET template_version = 0", CheckViolation),
        ("DELETE FROM workflow_templates", RestrictViolation),
        ("UPDATE runs SET status = 'DONE'", CheckViolation),
        ("UPDATE runs SET status = 'STARTED'", CheckViolation),
        ("UPDATE runs SET ended_at = NULL", CheckViolation),
        ("UPDATE runs SET work_order_id = gen_random_uuid()", ForeignKeyViolation),
        ("UPDATE dead_letters SET retry_count = 0", CheckViolation),
        ("UPDATE dead_letters SET payload = '1'", CheckViolation),
        ("UPDATE connectors SET type = 'FAX'", CheckViolation),
        ("UPDATE connectors SET status = 'OFF'", CheckViolation),
        ("DELETE FROM connectors", RestrictViolation),
        ("UPDATE tools SET input_schema = 'true'", CheckViolation),
        ("UPDATE tools SET output_schema = NULL", NotNullViolation),
        ("UPDATE capabilities SET scopes = '{}'", CheckViolation),
        ("DELETE FROM capabilities", RestrictViolation),
        ("UPDATE tool_capabilities SET tool_id = gen_random_uuid()", ForeignKeyViolation),
        ("UPDATE schemas SET active = true", UniqueViolation),
        ("UPDATE schemas SET schema_version = 1", UniqueViolation),
        ("UPDATE schemas SET json_schema = '[]'", CheckViolation),
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
    admin.execute("DELETE FROM eval_results")
    admin.execute("UPDATE mem_docs SET work_item_id = (SELECT id FROM work_items)")
    admin.execute("DELETE FROM work_orders")
    left = admin.execute(
        "SELECT (SELECT count(*) FROM work_items), (SELECT count(*) FROM attempts), "
        "(SELECT count(*) FROM mem_docs WHERE work_item_id IS NULL), "
        "(SELECT count(*) FROM runs WHERE work_order_id IS NULL)"
    )
    assert left.fetchone() == (0, 0, 1, 2), "what was learned stays, and that agents were at it"


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
ROLES: tuple[Role, ...] = ("owner", "appender", "projector", "archiver", "auditor", "subscriber")


def test_nobody_but_the_projector_changes_the_audit_log(
    conn: Connection, database_url: str
) -> None:
    """Not the one that the migration made, nor the one that a rebuild made."""
    save(conn, Trust(), fold(Trust()))
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


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO connectors SELECT tenant_id, gen_random_uuid(), name, type, status, config, "
        "last_health_check_at, health, created_at, updated_at, position FROM connectors",
        "INSERT INTO capabilities SELECT tenant_id, gen_random_uuid(), name, scopes, created_at, "
        "updated_at, position FROM capabilities",
        "INSERT INTO tools SELECT tenant_id, gen_random_uuid(), connector_id, name, version, "
        "input_schema, output_schema, created_at, updated_at, position FROM tools",
        "INSERT INTO workflow_templates SELECT tenant_id, gen_random_uuid(), name, "
        "template_version, definition, created_at, updated_at, position FROM workflow_templates",
    ],
)
def test_a_name_means_one_thing(admin: psycopg.Connection[Any], statement: str) -> None:
    with pytest.raises(UniqueViolation):
        admin.execute(statement)


@pytest.mark.parametrize(
    ("table", "words", "text"),
    [
        ("work_items", "work_item_words(content)", "measuring turbine"),
        ("knowledge_items", "words", "turbine measurement"),
        ("documentation", "words", "install turbine"),
        ("mem_docs", "words", "wheel"),
        ("conversation_history", "words", "measured turbine"),
        ("agent_knowledge", "words", "installer measures"),
    ],
)
def test_texts_are_found_by_their_words(
    filled: Connection, table: str, words: str, text: str
) -> None:
    def found(searched: str) -> int:
        query = SQL("SELECT count(*) FROM {} WHERE {} @@ websearch_to_tsquery('english', %s)")
        row = filled.execute(
            query.format(Identifier(table), SQL(words)),
            [searched],
        ).fetchone()
        assert row is not None
        return int(row[0])

    assert found(text) == 1
    assert found("propeller") == 0


@pytest.mark.parametrize("table", ["documentation", "knowledge_items", "mem_docs"])
@pytest.mark.parametrize("dimensions", [384, 768, 1024, 1536])
def test_vectors_of_any_usual_dimension_have_an_index(
    admin: psycopg.Connection[Any], table: str, dimensions: int
) -> None:
    admin.execute("SET search_path = projections, public")
    admin.execute("SET LOCAL enable_seqscan = off")
    admin.execute("SET LOCAL enable_sort = off")
    names = {"table": Identifier(table), "size": Literal(dimensions)}
    plan = admin.execute(
        SQL(
            "EXPLAIN SELECT id FROM {table} WHERE vector_dims(embedding) = {size} "
            "ORDER BY embedding::vector({size}) <=> array_fill(1, ARRAY[{size}])::vector({size}) "
            "LIMIT 5"
        ).format(**names)
    ).fetchall()
    assert f"{table}_embedding_{dimensions}" in str(plan)


def test_any_content_that_an_event_may_have_can_be_indexed(conn: Connection) -> None:
    """A tsvector ends at 1 MB; a payload may be that large and be nothing but new words."""
    words = " ".join(f"{number:x}" for number in range(0x10000, 0x10000 + 140_000))
    stories: dict[str, list[Event]] = {
        "work": [
            work.WorkOrderOpened(work_order_id=ORDER, title="Pack"),
            work.WorkItemQueued(
                work_item_id=ITEM, work_order_id=ORDER, type="TICKET", content={"text": words}
            ),
            work.MemDocWritten(mem_doc_id=KNOWN, type="CONTEXT", content=words),
        ],
        "packaging": [
            packaging.KnowledgeItemAdded(knowledge_item_id=KNOWN, title="t", content=words)
        ],
    }
    for context, large in stories.items():
        projection = next(known for known in PROJECTIONS if known.name == context)
        state = projection.empty()
        for position, event in enumerate(large, 1):
            projection.apply(state, recorded(event, position))
        save(conn, projection, state)
    for table in ("work_items", "mem_docs", "knowledge_items"):
        with pytest.raises(psycopg.errors.ProgramLimitExceeded), conn.transaction():
            conn.execute(
                SQL("SELECT to_tsvector('english', content::text) FROM {}").format(
                    Identifier(table)
                )
            )


def test_the_story_tells_everything_that_can_be_said() -> None:
    said = {type(event).event_type for event in STORY}
    unsaid = {
        event_type
        for projection in PROJECTIONS
        if projection.name != "trust"
        for event_type in projection.event_types
    } - said
    assert unsaid == set()


def test_the_story_is_of_the_vocabulary() -> None:
    assert all(default_registry.knows(type(event)) for event in STORY)
