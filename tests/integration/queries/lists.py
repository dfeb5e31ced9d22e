"""The questions that are answered with a list, and of which rows in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from hashlib import md5
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier

from eventstore import EventStore
from projections.packaging.queries import PackagingQueries
from projections.projects.queries import ProjectQueries
from projections.trust.queries import TrustQueries
from projections.work.queries import WorkQueries
from projections.workspaces.queries import WorkspaceQueries
from tests.integration.queries.asked import at, ident
from tests.integration.queries.conftest import FEW

__all__ = ["LISTS", "SPACE", "Ask", "List"]

Stored = Mapping[str, Any]
ALL: dict[str, Any] = {"limit": 1_000}
PACKAGE, ITEM, ORDER = str(ident("package", 5)), str(ident("item", 5)), str(ident("order", 5))
PROJECT, SPACE = str(ident("project", 5)), str(ident("workspace", 5))
SESSION, LONG = str(ident("session", 5)), str(ident("session", FEW // 15))


class Ask:
    """The questions of all contexts to one store, and the rows of its tables as they are."""

    def __init__(self, store: EventStore, admin: psycopg.Connection[Any]) -> None:
        self.store, self.admin = store, admin
        self._tables: dict[str, list[Stored]] = {}

    @cached_property
    def packaging(self) -> PackagingQueries:
        return PackagingQueries(self.store)

    @cached_property
    def work(self) -> WorkQueries:
        return WorkQueries(self.store)

    @cached_property
    def projects(self) -> ProjectQueries:
        return ProjectQueries(self.store)

    @cached_property
    def trust(self) -> TrustQueries:
        return TrustQueries(self.store)

    @cached_property
    def spaces(self) -> WorkspaceQueries:
        return WorkspaceQueries(self.store)

    def rows(self, table: str) -> list[Stored]:
        """All rows of the tenant that asks."""
        if table not in self._tables:
            statement = SQL(
                "SELECT to_jsonb(t) FROM projections.{} AS t WHERE tenant_id = 'default'"
            )
            found = self.admin.execute(statement.format(Identifier(table)))
            self._tables[table] = [row for (row,) in found]
        return self._tables[table]


List = tuple[
    str,
    Callable[[Ask], list[Any]],
    str,
    str,
    Callable[[Stored], bool],
    tuple[str, ...],
]
"""A name, the question, the table, the column that names a row, which rows, and in which order:
columns, the first with a minus when the order is descending."""


def escalated(row: Stored) -> bool:
    """Of the two decisions about an item, the one with the odd number is the later one."""
    return bool(row["decision"] == "ESCALATED" and row["position"] % 2 == 1)


LISTS: list[List] = [
    ("of_status", lambda a: a.packaging.of_status("draft", **ALL), "packages", "id",
     lambda r: r["status"] == "draft" and not r["deleted_at"], ("created_at", "id")),
    ("of_publisher", lambda a: a.packaging.of_publisher("publisher-7", **ALL), "packages", "id",
     lambda r: r["publisher"] == "publisher-7" and not r["deleted_at"], ("name", "version")),
    ("tagged", lambda a: a.packaging.tagged("tag-7", **ALL), "packages", "id",
     lambda r: "tag-7" in r["tags"] and not r["deleted_at"], ("id",)),
    ("tagged all", lambda a: a.packaging.tagged("all", **ALL), "packages", "id",
     lambda r: not r["deleted_at"], ("id",)),
    # The same file is in package 9, which is deleted.
    ("with_file", lambda a: a.packaging.with_file(md5(b"file 4").hexdigest() * 2, **ALL),
     "installers", "id:installer_id", lambda r: r["position"] == 8, ("id",)),
    ("waiting_approval", lambda a: a.packaging.waiting_approval(**ALL), "packages", "id",
     lambda r: r["status"] == "waiting_approval" and not r["deleted_at"], ("created_at", "id")),
    ("moves", lambda a: a.packaging.moves(ident("package", 5), **ALL), "process_history",
     "event_id", lambda r: r["package_id"] == PACKAGE, ("-position",)),
    ("moves_in_run", lambda a: a.packaging.moves_in_run(ident("run", 5), **ALL),
     "process_history", "event_id",
     lambda r: r["correlation_id"] == str(ident("run", 5)), ("position",)),
    ("settings", lambda a: a.packaging.settings(**ALL), "system_config", "key",
     lambda r: True, ("key",)),
    ("agents", lambda a: a.packaging.agents(**ALL), "agent_states", "agent_name",
     lambda r: True, ("agent_name",)),
    ("learned_from", lambda a: a.packaging.learned_from(ident("package", 5), **ALL),
     "knowledge_items", "id", lambda r: r["source_package_id"] == PACKAGE, ("id",)),
    ("orders", lambda a: a.work.orders("PENDING", "LOW", **ALL), "work_orders", "id",
     lambda r: (r["status"], r["priority"]) == ("PENDING", "LOW"), ("created_at", "id")),
    ("items_of_order", lambda a: a.work.items_of_order(ident("order", 5), **ALL), "work_items",
     "id", lambda r: r["work_order_id"] == ORDER, ("created_at", "id")),
    ("items", lambda a: a.work.items(**ALL), "work_items", "id",
     lambda r: r["status"] == "QUEUED", ("created_at", "id")),
    ("items_of_type", lambda a: a.work.items(item_type="TICKET", **ALL), "work_items", "id",
     lambda r: r["status"] == "QUEUED" and r["type"] == "TICKET", ("created_at", "id")),
    ("items_of_agent", lambda a: a.work.items_of_agent("agent-1", **ALL), "work_items", "id",
     lambda r: r["status"] == "QUEUED" and r["assigned_agent"] == "agent-1", ("created_at", "id")),
    ("items_of_package", lambda a: a.work.items_of_package(ident("package", 5), **ALL),
     "work_items", "id", lambda r: r["package_id"] == PACKAGE, ("id",)),
    ("attempts", lambda a: a.work.attempts(ident("item", 5), **ALL), "attempts", "id",
     lambda r: r["work_item_id"] == ITEM, ("-attempt_no",)),
    ("attempts_of_agent", lambda a: a.work.attempts_of_agent("agent-1", "COMPLETED", **ALL),
     "attempts", "id", lambda r: r["agent_id"] == "agent-1", ("-started_at", "id")),
    ("pending_approvals", lambda a: a.work.pending_approvals(**ALL), "approval_events",
     "id:approval_id", escalated, ("-decided_at", "id")),
    ("approvals_by", lambda a: a.work.approvals_by("agent-1", **ALL), "approval_events", "id",
     lambda r: r["approver"] == "agent-1", ("-decided_at", "id")),
    ("evaluations", lambda a: a.work.evaluations(ident("item", 5), **ALL), "eval_results", "id",
     lambda r: r["work_item_id"] == ITEM, ("-position",)),
    ("evaluations_by", lambda a: a.work.evaluations_by("judge-1", **ALL), "eval_results", "id",
     lambda r: r["evaluator"] == "judge-1", ("-created_at", "id")),
    ("remembered_of", lambda a: a.work.remembered_of(ident("item", 5), **ALL), "mem_docs", "id",
     lambda r: r["work_item_id"] == ITEM, ("id",)),
    ("remembered", lambda a: a.work.remembered("CONTEXT", **ALL), "mem_docs", "id",
     lambda r: r["type"] == "CONTEXT", ("-created_at", "id")),
    ("dead_letters", lambda a: a.work.dead_letters(**ALL), "dead_letters", "id",
     lambda r: not r["resolved_at"], ("source", "created_at", "id")),
    ("dead_letters of a source", lambda a: a.work.dead_letters(source="source-0", **ALL),
     "dead_letters", "id",
     lambda r: not r["resolved_at"] and r["source"] == "source-0", ("created_at", "id")),
    ("dead_letters_of", lambda a: a.work.dead_letters_of(ident("event", 5), **ALL),
     "dead_letters", "id", lambda r: r["event_id"] == str(ident("event", 5)), ("id",)),
    ("schemas", lambda a: a.work.schemas("TYPE-5", **ALL), "schemas", "id",
     lambda r: r["document_type"] == "TYPE-5", ("-schema_version",)),
    ("connectors", lambda a: a.work.connectors(**ALL), "connectors", "id",
     lambda r: True, ("name",)),
    ("tools", lambda a: a.work.tools("tool-5", **ALL), "tools", "id",
     lambda r: r["name"] == "tool-5", ("id",)),
    ("tools_that_may", lambda a: a.work.tools_that_may("capability-6", **ALL), "tools", "id",
     lambda r: r["position"] % 50 == 5, ("id",)),
    ("runs", lambda a: a.work.runs(**ALL), "runs", "id",
     lambda r: r["status"] == "STARTED", ("-started_at", "id")),
    ("runs_of_template", lambda a: a.work.runs_of_template(ident("flow", 5), **ALL), "runs", "id",
     lambda r: r["workflow_template_id"] == str(ident("flow", 5)), ("-started_at", "id")),
    ("of_owner", lambda a: a.projects.of_owner("user-1", **ALL), "project_contexts", "id",
     lambda r: r["owner_id"] == "user-1" and r["status"] == "active", ("id",)),
    ("low_scores", lambda a: a.projects.low_scores(25, **ALL), "project_contexts", "id",
     lambda r: r["status"] == "active" and r["performance_score"] <= 25,
     ("performance_score", "id")),
    ("depending_on", lambda a: a.projects.depending_on("lib-7", **ALL), "project_contexts", "id",
     lambda r: r["status"] == "active" and "lib-7" in r["dependencies"], ("id",)),
    ("having_file", lambda a: a.projects.having_file("src/main-7.py", **ALL), "project_contexts",
     "id", lambda r: r["status"] == "active" and "src/main-7.py" in r["codebase"], ("id",)),
    ("having_variable", lambda a: a.projects.having_variable("VAR_7", **ALL), "project_contexts",
     "id", lambda r: r["status"] == "active" and "VAR_7" in r["environment_vars"], ("id",)),
    ("modifications_of", lambda a: a.projects.modifications_of(ident("project", 5), **ALL),
     "modifications", "id", lambda r: r["project_id"] == PROJECT, ("-requested_at", "id")),
    ("modifications", lambda a: a.projects.modifications(**ALL), "modifications", "id",
     lambda r: r["status"] == "pending", ("requested_at", "id")),
    ("modifying", lambda a: a.projects.modifying("src/main-7.py", **ALL), "modifications", "id",
     lambda r: "src/main-7.py" in r["modified_files"], ("id",)),
    ("templates_of_category", lambda a: a.projects.templates_of_category("web", "medium", **ALL),
     "templates", "id",
     lambda r: (r["category"], r["complexity"]) == ("web", "medium"), ("id",)),
    ("templates_with_tech", lambda a: a.projects.templates_with_tech("tech-1", **ALL),
     "templates", "id", lambda r: "tech-1" in r["tech_stack"], ("id",)),
    ("templates_tagged", lambda a: a.projects.templates_tagged("rest", **ALL), "templates", "id",
     lambda r: True, ("id",)),
    ("level_changes", lambda a: a.trust.level_changes("agent-5", **ALL), "trust_level_changes",
     "event_id", lambda r: r["agent_id"] == "agent-5", ("-position",)),
    ("agents_at", lambda a: a.trust.agents_at(1, **ALL), "trust_levels", "agent_id",
     lambda r: r["level"] == 1, ("-score", "agent_id")),
    ("agents_of", lambda a: a.trust.agents_of("persona-1", **ALL), "agents", "agent_id",
     lambda r: r["persona_type"] == "persona-1", ("agent_id",)),
    ("messages", lambda a: a.trust.messages(ident("session", FEW // 15), **ALL),
     "conversation_history", "message_id", lambda r: r["session_id"] == LONG, ("-position",)),
    ("replies", lambda a: a.trust.replies(ident("message", 5), **ALL), "conversation_history",
     "message_id", lambda r: r["parent_message_id"] == str(ident("message", 5)), ("position",)),
    ("open_sessions", lambda a: a.trust.open_sessions("agent-10", at=at(0), **ALL),
     "agent_sessions", "session_id",
     lambda r: r["agent_id"] == "agent-10" and r["session_state"] == "active", ("expires_at",)),
    ("sessions_of", lambda a: a.trust.sessions_of("agent-5", **ALL), "agent_sessions",
     "session_id", lambda r: r["agent_id"] == "agent-5", ("-started_at",)),
    ("waiting_for_feedback", lambda a: a.trust.waiting_for_feedback(**ALL), "agent_decisions",
     "decision_id", lambda r: not r["user_feedback"], ("-created_at",)),
    ("decisions_of_type", lambda a: a.trust.decisions_of_type("type-5", **ALL), "agent_decisions",
     "decision_id", lambda r: r["decision_type"] == "type-5", ("-created_at",)),
    ("metrics_of_session", lambda a: a.trust.metrics_of_session(ident("session", 5), **ALL),
     "trust_metrics", "metric_id", lambda r: r["session_id"] == SESSION, ("metric_id",)),
    ("knowledge", lambda a: a.trust.knowledge("agent-5", "pattern", **ALL), "agent_knowledge",
     "knowledge_id", lambda r: r["agent_id"] == "agent-5", ("-success_rate", "knowledge_id")),
    ("knowledge_about", lambda a: a.trust.knowledge_about("domain-5", **ALL), "agent_knowledge",
     "knowledge_id", lambda r: r["domain"] == "domain-5", ("knowledge_id",)),
    ("actions_of", lambda a: a.trust.actions_of("agent-5", **ALL), "agent_audit_log", "audit_id",
     lambda r: r["agent_id"] == "agent-5", ("-created_at",)),
    ("actions_in", lambda a: a.trust.actions_in(ident("session", 5), **ALL), "agent_audit_log",
     "audit_id", lambda r: r["session_id"] == SESSION, ("audit_id",)),
    ("risky_actions", lambda a: a.trust.risky_actions(since=at(101), **ALL), "agent_audit_log",
     "audit_id", lambda r: r["risk_level"] == "critical" and r["position"] > 100,
     ("-created_at",)),
    ("workspaces_of", lambda a: a.spaces.workspaces_of("user-25", **ALL), "workspace_members",
     "workspace_id:id", lambda r: r["user_id"] == "user-25", ("workspace_id",)),
    ("services", lambda a: a.spaces.services("github", **ALL), "integration_configs", "id",
     lambda r: r["service_type"] == "github", ("id",)),
    ("members", lambda a: a.spaces.members(ident("workspace", 5), **ALL), "workspace_members",
     "user_id", lambda r: r["workspace_id"] == SPACE, ("user_id",)),
    ("configurations", lambda a: a.spaces.configurations(ident("workspace", 5), **ALL),
     "workspace_configs", "config_version", lambda r: r["workspace_id"] == SPACE,
     ("-config_version",)),
    ("artifacts", lambda a: a.spaces.artifacts(ident("workspace", 5), **ALL), "artifacts", "id",
     lambda r: r["workspace_id"] == SPACE and not r["deleted_at"],
     ("artifact_type", "status", "id")),
    ("sync_log", lambda a: a.spaces.sync_log(ident("workspace", 5), **ALL), "sync_logs", "id",
     lambda r: r["workspace_id"] == SPACE, ("-started_at", "id")),
    ("not_synced", lambda a: a.spaces.not_synced("failed", **ALL), "sync_status", "artifact_id",
     lambda r: r["state"] == "failed", ("updated_at", "artifact_id")),
]  # fmt: skip
