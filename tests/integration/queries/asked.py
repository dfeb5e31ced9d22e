"""Every question, asked once at least, and what it sent to the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from typing import Any
from uuid import UUID

from eventstore import EventStore
from projections.packaging.queries import PackagingQueries
from projections.projects.queries import ProjectQueries
from projections.questions import Questions
from projections.trust.queries import TrustQueries
from projections.work.queries import WorkQueries
from projections.workspaces.queries import WorkspaceQueries

__all__ = ["CONTEXTS", "Asked", "Page", "asked", "pages"]

CONTEXTS: dict[str, type[Questions]] = {
    "packaging": PackagingQueries,
    "work": WorkQueries,
    "projects": ProjectQueries,
    "trust": TrustQueries,
    "workspaces": WorkspaceQueries,
}
MANY = {"limit": 7}

Page = Callable[..., Sequence[Any]]


def ident(kind: str, number: int) -> UUID:
    """The id of a row that filling.sql makes."""
    return UUID(md5(f"{kind} {number}".encode()).hexdigest())


def at(minute: int) -> datetime:
    """The time of a row that filling.sql makes."""
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)


@dataclass(frozen=True)
class Asked:
    """A named query with the values that a method gave it."""

    context: str
    query: str
    values: Mapping[str, Any]


def asked(store: EventStore, rows: int) -> tuple[list[Asked], list[str]]:
    """What all questions send, second pages included; and which of them were not answered."""
    heard: list[Asked] = []
    silent: list[str] = []
    for context, kind in CONTEXTS.items():

        def ask(
            self: Questions, query: str, values: Mapping[str, Any], context: str = context
        ) -> list[bytes]:
            heard.append(Asked(context, query, values))
            return Questions._ask(self, query, values)

        listening: Any = type(kind.__name__, (kind,), {"_ask": ask})(store)
        for number, single in enumerate(SINGLE[context](listening, rows)):
            if single is None:
                silent.append(f"{context}: single question {number}")
        for ask_page, key in pages(context, listening, rows):
            first = ask_page(None, **MANY)
            if not first:
                silent.append(f"{context}: {heard[-1].query}")
            elif key is not None:
                ask_page(key(first[-1]), **MANY)
    return heard, silent


def itself(last: Any) -> Any:
    return last


def pages(
    context: str, of: Any, rows: int
) -> Iterator[tuple[Page, Callable[[Any], object] | None]]:
    """The questions that are answered in pages, and what the next page begins after.

    None in its place means that there is only one page.
    """
    yield from PAGES[context](of, rows)


def by(name: str) -> Callable[[Any], object]:
    return lambda last: getattr(last, name)


def _packaging_single(of: PackagingQueries, rows: int) -> list[Any]:
    return [
        of.package(ident("package", 5)),
        of.named("publisher-30", "app-10", "1.30"),
        of.setting("key-7"),
    ]


def _packaging_pages(of: PackagingQueries, rows: int) -> list[Any]:
    package = ident("package", 5)
    return [
        (lambda a, **k: of.of_status("draft", after=a, **k), itself),
        (lambda a, **k: of.of_publisher("publisher-7", after=a, **k), itself),
        (lambda a, **k: of.tagged("tag-7", after=a, **k), by("id")),
        (lambda a, **k: of.tagged("all", after=a, **k), by("id")),
        (lambda a, **k: of.with_file(md5(b"file 6").hexdigest() * 2, after=a, **k), None),
        (lambda a, **k: of.waiting_approval(after=a, **k), itself),
        (lambda a, **k: of.moves(package, before=a, **k), by("position")),
        (lambda a, **k: of.moves_in_run(ident("run", 5), after=a, **k), by("position")),
        (lambda a, **k: of.settings(after=a, **k), by("key")),
        (lambda a, **k: of.agents(after=a, **k), by("agent_name")),
        (lambda a, **k: of.learned_from(package, after=a, **k), by("id")),
    ]


def _work_single(of: WorkQueries, rows: int) -> list[Any]:
    return [
        of.order(ident("order", 5)),
        of.item(ident("item", 5)),
        of.active_schema("TYPE-5"),
        of.newest_template("flow-5"),
    ]


def _work_pages(of: WorkQueries, rows: int) -> list[Any]:
    item = ident("item", 5)
    return [
        (lambda a, **k: of.orders("PENDING", "LOW", after=a, **k), itself),
        (lambda a, **k: of.items_of_order(ident("order", 5), after=a, **k), itself),
        (lambda a, **k: of.items("QUEUED", after=a, **k), itself),
        (lambda a, **k: of.items("COMPLETED", after=a, **k), itself),
        (lambda a, **k: of.items("QUEUED", item_type="TICKET", after=a, **k), itself),
        (lambda a, **k: of.items_of_agent("agent-1", after=a, **k), itself),
        (lambda a, **k: of.items_of_package(ident("package", 5), after=a, **k), None),
        (lambda a, **k: of.next_items("agent-1", **k), None),
        (lambda a, **k: of.next_items("agent-1", item_type="TICKET", **k), None),
        (lambda a, **k: of.attempts(item, before=a, **k), by("attempt_no")),
        (lambda a, **k: of.attempts_of_agent("agent-1", "COMPLETED", before=a, **k), itself),
        (lambda a, **k: of.pending_approvals(before=a, **k), itself),
        (lambda a, **k: of.approvals_by("agent-1", before=a, **k), itself),
        (lambda a, **k: of.evaluations(item, before=a, **k), by("position")),
        (lambda a, **k: of.evaluations_by("judge-1", before=a, **k), itself),
        (lambda a, **k: of.remembered_of(item, after=a, **k), by("id")),
        (lambda a, **k: of.remembered("CONTEXT", before=a, **k), itself),
        (lambda a, **k: of.dead_letters(after=a, **k), itself),
        (lambda a, **k: of.dead_letters(source="source-0", after=a, **k), itself),
        (lambda a, **k: of.dead_letters_of(ident("event", 5), **k), None),
        (lambda a, **k: of.schemas("TYPE-5", before=a, **k), by("schema_version")),
        (lambda a, **k: of.connectors(after=a, **k), by("name")),
        (lambda a, **k: of.tools("tool-5", after=a, **k), by("id")),
        (lambda a, **k: of.tools_that_may("capability-5", after=a, **k), by("id")),
        (lambda a, **k: of.runs(before=a, **k), itself),
        (lambda a, **k: of.runs_of_template(ident("flow", 5), before=a, **k), itself),
    ]


def _projects_single(of: ProjectQueries, rows: int) -> list[Any]:
    return [
        of.project(ident("project", 5)),
        of.modification(ident("modification", 5)),
        of.template(ident("template", 5)),
    ]


def _projects_pages(of: ProjectQueries, rows: int) -> list[Any]:
    return [
        (lambda a, **k: of.of_owner("user-1", after=a, **k), by("id")),
        (lambda a, **k: of.low_scores(30, after=a, **k), itself),
        (lambda a, **k: of.depending_on("lib-1", after=a, **k), by("id")),
        (lambda a, **k: of.depending_on("requests", after=a, **k), by("id")),
        (lambda a, **k: of.having_file("src/main-1.py", after=a, **k), by("id")),
        (lambda a, **k: of.having_variable("VAR_1", after=a, **k), by("id")),
        (lambda a, **k: of.modifications_of(ident("project", 5), before=a, **k), itself),
        (lambda a, **k: of.modifications(after=a, **k), itself),
        (lambda a, **k: of.modifying("src/main-1.py", after=a, **k), by("id")),
        (lambda a, **k: of.templates_of_category("web", "medium", after=a, **k), by("id")),
        (lambda a, **k: of.templates_with_tech("tech-1", after=a, **k), by("id")),
        (lambda a, **k: of.templates_tagged("tag-1", after=a, **k), by("id")),
    ]


def _trust_single(of: TrustQueries, rows: int) -> list[Any]:
    return [
        of.standing("agent-5"),
        of.session(ident("session", 5)),
        of.decision(ident("decision", 5)),
        of.metrics("agent-5", "accuracy", since=at(-50_000), until=at(rows)),
    ]


def _trust_pages(of: TrustQueries, rows: int) -> list[Any]:
    longest = ident("session", rows // 15)
    return [
        (lambda a, **k: of.level_changes("agent-5", before=a, **k), by("position")),
        (lambda a, **k: of.agents_at(1, after=a, **k), itself),
        (lambda a, **k: of.agents_of("persona-1", after=a, **k), by("agent_id")),
        (lambda a, **k: of.messages(longest, before=a, **k), by("position")),
        (lambda a, **k: of.replies(ident("message", 5), after=a, **k), by("position")),
        (lambda a, **k: of.open_sessions("agent-0", at=at(0), **k), None),
        (lambda a, **k: of.sessions_of("agent-5", before=a, **k), itself),
        (lambda a, **k: of.waiting_for_feedback(before=a, **k), itself),
        (lambda a, **k: of.decisions_of_type("type-5", before=a, **k), itself),
        (lambda a, **k: of.metrics_of_session(ident("session", 5), after=a, **k), by("metric_id")),
        (lambda a, **k: of.knowledge("agent-5", "pattern", after=a, **k), itself),
        (lambda a, **k: of.knowledge_about("domain-5", after=a, **k), by("knowledge_id")),
        (lambda a, **k: of.actions_of("agent-5", before=a, **k), itself),
        (lambda a, **k: of.actions_in(ident("session", 5), after=a, **k), by("audit_id")),
        (lambda a, **k: of.risky_actions(before=a, **k), itself),
    ]


def _workspaces_single(of: WorkspaceQueries, rows: int) -> list[Any]:
    return [
        of.overview(ident("workspace", 5)),
        of.configuration(ident("workspace", 5)),
        of.sign_in(email="uSER-5@example.org", at=at(0)),
        of.sign_in(azure_id="azure-5", at=at(0)),
        of.token(md5(b"default5").hexdigest() * 2, at=at(6)),
        of.session(ident("session", 5)),
        of.profile("user-5"),
        of.service(ident("integration", 5)),
        of.artifact(ident("artifact", 5)),
    ]


def _workspaces_pages(of: WorkspaceQueries, rows: int) -> list[Any]:
    workspace = ident("workspace", 5)
    return [
        (lambda a, **k: of.workspaces_of("user-5", after=a, **k), by("id")),
        (lambda a, **k: of.services("github", after=a, **k), by("id")),
        (lambda a, **k: of.members(workspace, after=a, **k), by("user_id")),
        (lambda a, **k: of.configurations(workspace, before=a, **k), by("config_version")),
        (lambda a, **k: of.artifacts(workspace, after=a, **k), itself),
        (lambda a, **k: of.sync_log(workspace, before=a, **k), itself),
        (lambda a, **k: of.not_synced("failed", after=a, **k), itself),
    ]


SINGLE: dict[str, Callable[[Any, int], list[Any]]] = {
    "packaging": _packaging_single,
    "work": _work_single,
    "projects": _projects_single,
    "trust": _trust_single,
    "workspaces": _workspaces_single,
}
PAGES: dict[str, Callable[[Any, int], list[Any]]] = {
    "packaging": _packaging_pages,
    "work": _work_pages,
    "projects": _projects_pages,
    "trust": _trust_pages,
    "workspaces": _workspaces_pages,
}
