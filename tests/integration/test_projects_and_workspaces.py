"""The tables of projects and workspaces: filled from the log, equal to a replay, and guarded."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.errors import (
    CheckViolation,
    ForeignKeyViolation,
    NotNullViolation,
    RestrictViolation,
    UniqueViolation,
)

from eventstore import Event, EventStore
from projections.audit.verify import verify
from projections.builds.rebuild import rebuild
from projections.projection import Projection
from projections.projects import Projects
from projections.session import open_session
from projections.workspaces import Workspaces
from tests.integration.projections.running import catch_up, replayed, stored
from tests.stories import projects, workspaces

CONTEXTS: list[tuple[Projection, list[Event]]] = [
    (Projects(), projects.STORY),
    (Workspaces(), workspaces.STORY),
]

REFUSED: dict[str, list[tuple[str, type[psycopg.Error]]]] = {
    "projects": [
        ("UPDATE project_contexts SET status = 'gone'", CheckViolation),
        ("UPDATE project_contexts SET type = 'Web App'", CheckViolation),
        ("UPDATE project_contexts SET test_coverage = 100.01", CheckViolation),
        ("UPDATE project_contexts SET security_score = -1", CheckViolation),
        ("UPDATE project_contexts SET performance_score = 'NaN'", CheckViolation),
        ("UPDATE project_contexts SET codebase = '[]'", CheckViolation),
        ("UPDATE project_contexts SET dependencies = NULL", NotNullViolation),
        ("UPDATE modifications SET status = 'done'", CheckViolation),
        ("UPDATE modifications SET applied_at = NULL", CheckViolation),
        ("UPDATE modifications SET request = ''", CheckViolation),
        ("UPDATE modifications SET project_id = gen_random_uuid()", ForeignKeyViolation),
        ("UPDATE modifications SET tenant_id = 'acme'", ForeignKeyViolation),
        ("UPDATE templates SET category = 'desktop'", CheckViolation),
        ("UPDATE templates SET complexity = 'hard'", CheckViolation),
        ("UPDATE templates SET estimated_setup_time = -1", CheckViolation),
    ],
    "workspaces": [
        ("UPDATE users SET role = 'guest'", CheckViolation),
        ("UPDATE users SET email = 'nobody'", CheckViolation),
        ("UPDATE users SET email = 'ANN.MÜLLER@example.org' WHERE id = 'bob'", UniqueViolation),
        ("UPDATE users SET azure_id = 'azure-ann'", UniqueViolation),
        ("DELETE FROM users WHERE id = 'bob'", RestrictViolation),
        ("UPDATE user_profiles SET timezone = ''", CheckViolation),
        ("UPDATE auth_tokens SET token_hash = 'a token'", CheckViolation),
        ("UPDATE auth_tokens SET expires_at = issued_at", CheckViolation),
        ("UPDATE user_sessions SET end_reason = NULL", CheckViolation),
        ("UPDATE user_sessions SET expires_at = started_at", CheckViolation),
        ("UPDATE user_sessions SET user_id = 'eve'", ForeignKeyViolation),
        ("UPDATE workspaces SET owner_id = 'eve'", ForeignKeyViolation),
        ("UPDATE workspaces SET config_version = -1", CheckViolation),
        ("UPDATE workspace_members SET role = 'owner'", CheckViolation),
        ("UPDATE workspace_members SET user_id = 'eve'", ForeignKeyViolation),
        ("UPDATE workspace_configs SET config_version = 1", UniqueViolation),
        ("UPDATE workspace_settings SET chat_history_days = 0", CheckViolation),
        ("UPDATE workflows SET status = 'done'", CheckViolation),
        ("UPDATE phases SET ordinal = 0", CheckViolation),
        (
            "INSERT INTO phases SELECT tenant_id, gen_random_uuid(), workflow_id, ordinal, name, "
            "status, created_at, updated_at, position FROM phases",
            UniqueViolation,
        ),
        ("UPDATE artifacts SET status = 'new'", CheckViolation),
        ("UPDATE artifacts SET github_sync_status = 'maybe'", CheckViolation),
        ("UPDATE artifacts SET sharepoint_sync_status = NULL", NotNullViolation),
        ("UPDATE artifact_versions SET content_hash = 'x'", CheckViolation),
        ("UPDATE artifact_versions SET version_no = 3", UniqueViolation),
        ("UPDATE integration_configs SET credentials = '\"secret\"'", CheckViolation),
        ('UPDATE integration_configs SET credentials = \'{"token": "x"}\'', CheckViolation),
        (
            'UPDATE integration_configs SET credentials = credentials || \'{"token": "x"}\'',
            CheckViolation,
        ),
        ("DELETE FROM integration_configs", RestrictViolation),
        ("UPDATE external_connections SET status = 'active'", CheckViolation),
        ("UPDATE external_connections SET service_type = 'Git Hub'", CheckViolation),
        ("UPDATE workspace_integrations SET integration_status = 'on'", CheckViolation),
        ("UPDATE sync_status SET state = 'outdated'", CheckViolation),
        ("UPDATE sync_status SET error_message = NULL", CheckViolation),
        ("UPDATE sync_logs SET operation = 'load'", CheckViolation),
        ("UPDATE sync_logs SET status = 'success'", CheckViolation),
        ("UPDATE sync_logs SET ended_at = NULL", CheckViolation),
    ],
}

CASCADES = {
    "projects": [("DELETE FROM project_contexts", ["modifications"])],
    "workspaces": [
        ("DELETE FROM artifacts", ["artifact_versions", "sync_status"]),
        (
            "DELETE FROM workspaces",
            [
                "workspace_members",
                "workspace_configs",
                "workspace_settings",
                "workflows",
                "phases",
                "artifacts",
                "workspace_integrations",
                "sync_logs",
            ],
        ),
        ("DELETE FROM users", ["user_profiles", "auth_tokens", "user_sessions"]),
    ],
}


@pytest.fixture
def filled(database_url: str) -> str:
    """A database with both stories in the log and in the tables."""
    with EventStore.open(database_url) as store:
        for projection, story in CONTEXTS:
            store.append(f"{projection.name}-1", story, agent="teller")
    assert catch_up(database_url, *(projection for projection, _ in CONTEXTS)) == {}
    with open_session(database_url, part="test") as conn:
        assert conn.execute("SELECT error FROM projections.failures").fetchall() == []
    return database_url


def test_the_tables_are_what_every_event_makes_of_them(filled: str) -> None:
    for projection, story in CONTEXTS:
        assert {type(event) for event in story} == set(projection.handlers)
        with open_session(filled, part="test") as conn:
            live = stored(conn, projection)
            assert all(live.values()), {name for name, rows in live.items() if not rows}
            assert live == replayed(conn, projection)
        rebuild(filled, projection)
        with open_session(filled, part="test") as conn:
            assert stored(conn, projection) == live
        found = verify(filled, projection)
        assert (found.wrong, found.rows) == (0, sum(map(len, live.values())))


def test_what_must_never_be_is_refused_and_children_go_with_their_parents(
    filled: str, admin_url: str
) -> None:
    with psycopg.connect(admin_url) as admin:  # a superuser, whom only constraints stop
        admin.execute("SET search_path = projections")
        for statements in REFUSED.values():
            found = [(statement, _refusal(admin, statement)) for statement, _ in statements]
            assert found == statements
        for steps in CASCADES.values():
            for statement, children in steps:
                admin.execute(statement.encode())
                for child in children:
                    assert _count(admin, child) == 0, f"{child} after {statement}"
        admin.rollback()


def _refusal(admin: psycopg.Connection[Any], statement: str) -> type[Exception] | None:
    try:
        with admin.transaction(force_rollback=True):
            admin.execute(statement.encode())
    except psycopg.Error as refused:
        return type(refused)
    return None


def _count(admin: psycopg.Connection[Any], table: str) -> int:
    row = admin.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_people_are_found_by_their_address_in_any_case(filled: str) -> None:
    with open_session(filled, part="test") as conn:
        found = conn.execute(
            "SELECT id FROM projections.users WHERE lower(email) = lower(%s)",
            ["ANN.MÜLLER@EXAMPLE.ORG"],
        ).fetchall()
    assert found == [("ann",)]


def test_a_second_person_with_an_address_is_held_and_nothing_else(database_url: str) -> None:
    """What no rule can see, because it is about two rows, only the database refuses."""
    with EventStore.open(database_url) as store:
        for event in (
            workspaces.registered("ann"),
            workspaces.registered("eve", "ANN@example.org"),
            workspaces.registered("bob"),
        ):
            store.append("people-1", [event])
    catch_up(database_url, Workspaces())
    with open_session(database_url, part="test") as conn:
        assert {key[1] for key in stored(conn, Workspaces())["users"]} == {"ann", "bob"}
        (held,) = conn.execute("SELECT position, origin FROM projections.failures").fetchall()
    assert held[1] == "database"
