"""The questions are answered with the rows that they are about, all of them, in their order."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from eventstore import EventStore
from eventstore.embedded import EmbeddedServer
from eventstore.errors import SchemaMismatch
from projections.errors import QuestionRefused
from tests.integration.queries.asked import at, ident
from tests.integration.queries.conftest import FEW
from tests.integration.queries.lists import LISTS, SPACE, Ask, List


@pytest.fixture(scope="module")
def ask(server: EmbeddedServer, sparse: str) -> Iterator[Ask]:
    with (
        EventStore.open(server.url(sparse)) as store,
        psycopg.connect(server.admin_url(sparse), autocommit=True) as admin,
    ):
        admin.execute("SET timezone = 'UTC'")
        yield Ask(store, admin)


@pytest.mark.parametrize("case", LISTS, ids=lambda case: case[0])
def test_a_list_has_all_its_rows_in_order(ask: Ask, case: List) -> None:
    _, question, table, named, meets, order = case
    column, _, attribute = named.partition(":")
    descending = order[0].startswith("-")
    columns = [name.removeprefix("-") for name in order]
    rows = [row for row in ask.rows(table) if meets(row)]
    rows.sort(key=lambda row: [row[name] for name in columns], reverse=descending)
    assert rows, "there is nothing to find"
    found = [getattr(each, attribute or column) for each in question(ask)]
    assert [str(each) for each in found] == [str(row[column]) for row in rows]


def test_a_limit_has_a_limit(ask: Ask) -> None:
    for limit in (0, 1_001):
        with pytest.raises(QuestionRefused):
            ask.packaging.settings(limit=limit)


def test_words_are_found_in_own_rows_of_read_models_only(ask: Ask) -> None:
    asking = "SELECT projections.ids_holding(%s, %s, 'all', '{}', NULL, 10000)"
    with ask.store.database.reading() as conn:
        found = conn.execute(asking, ("packages", "tag_list")).fetchall()
    assert sorted(str(each) for (each,) in found) == sorted(r["id"] for r in ask.rows("packages"))
    for relation, column in (("checkpoints", "last_error"), ("packages", "name")):
        with pytest.raises(SchemaMismatch), ask.store.database.reading() as conn:
            conn.execute(asking, (relation, column))


def test_a_login_without_a_tenant_finds_no_words(ask: Ask) -> None:
    asking = "SELECT projections.ids_holding('packages', 'tag_list', 'all', '{}', NULL, 10000)"
    name, url = "nobody_of_a_test", ask.store.database.url
    with psycopg.connect(url.replace("eventstore@", "postgres@"), autocommit=True) as admin:
        admin.execute(f"CREATE ROLE {name} LOGIN IN ROLE eventstore_auditor")
        try:
            with psycopg.connect(url.replace("eventstore@", f"{name}@"), autocommit=True) as conn:
                assert conn.execute(asking).fetchall() == []
        finally:
            admin.execute(f"DROP ROLE {name}")


def test_nobody_is_answered_with_nothing(ask: Ask) -> None:
    nobody = ident("nobody", 0)
    assert ask.packaging.package(nobody) is None
    assert ask.work.order(nobody) is None
    assert ask.projects.project(nobody) is None
    assert ask.trust.standing("nobody") is None
    assert ask.spaces.overview(nobody) is None
    assert ask.spaces.sign_in(email="nobody@example.org", at=at(0)) is None


def test_a_package_comes_with_its_parts(ask: Ask) -> None:
    found = ask.packaging.package(ident("package", 5))
    assert found is not None
    assert (found.package.name, found.package.version) == ("app-1", "1.5")
    assert found.package.tags == ["tag-5", "all"]
    assert [each.id for each in found.installers] == [found.installer_id]
    assert found.script is not None
    assert [each.script_version for each in found.script.versions] == [2, 1]
    assert found.policy is not None
    assert found.policy.id == ident("policy", 5)
    assert found.documentation is not None
    assert found.documentation.id == ident("manual", 5)
    assert [each.from_status for each in found.history] == ["draft", None]
    assert ask.packaging.named("publisher-5", "app-1", "1.5") is not None
    assert ask.packaging.named("publisher-9", "app-3", "1.9") is None, "it is deleted"
    setting = ask.packaging.setting("key-7")
    assert setting is not None
    assert [each.value for each in setting.history] == list(range(9, 0, -1))


def test_work_comes_with_its_parts(ask: Ask) -> None:
    order = ask.work.order(ident("order", 5))
    assert order is not None
    assert (order.order.finished_count, order.order.item_count) == (9, 10)
    assert [each.id for each in order.items] == [ident("item", n) for n in range(50, 60)]
    assert [each.id for each in order.runs] == [ident("run", 11), ident("run", 10)]
    item = ask.work.item(ident("item", 5))
    assert item is not None
    assert item.content == {"a": "b"}
    assert [each.attempt_no for each in item.attempts] == [2, 1]
    assert [each.id for each in item.approvals] == [ident("approval", 11), ident("approval", 10)]
    assert [each.id for each in item.evaluations] == [ident("eval", 11), ident("eval", 10)]
    schema = ask.work.active_schema("TYPE-5")
    assert schema is not None
    assert schema.schema_version == 10
    template = ask.work.newest_template("flow-1")
    assert template is not None
    assert template.template_version == 10
    tools = ask.work.connectors()[1].tools
    assert len(tools) == 10
    assert all(len(tool.capabilities) == 1 for tool in tools)


def test_the_most_urgent_item_is_next(ask: Ask) -> None:
    priority = {row["id"]: row["priority"] for row in ask.rows("work_orders")}
    urgency = ["URGENT", "HIGH", "MEDIUM", "LOW"]
    wanted = [
        row
        for row in ask.rows("work_items")
        if row["status"] == "QUEUED"
        and row["assigned_agent"] in (None, "agent-1")
        and row["work_order_id"] in priority
    ]
    wanted.sort(key=lambda row: (urgency.index(priority[row["work_order_id"]]), row["created_at"]))
    found = ask.work.next_items("agent-1", limit=50)
    assert [str(each.id) for each in found] == [row["id"] for row in wanted][:50]
    tickets = ask.work.next_items("agent-1", item_type="TICKET", limit=50)
    assert [str(each.id) for each in tickets] == [
        row["id"] for row in wanted if row["type"] == "TICKET"
    ][:50]


def test_projects_come_with_their_parts(ask: Ask) -> None:
    project = ask.projects.project(ident("project", 5))
    assert project is not None
    assert project.project.dependencies == ["lib-5", "requests"]
    assert [each.id for each in project.modifications] == [
        ident("modification", n) for n in (17, 16, 15)
    ]
    modification = ask.projects.modification(ident("modification", 5))
    assert modification is not None
    assert modification.modified_files == {"src/main-5.py": "x"}
    template = ask.projects.template(ident("template", 5))
    assert template is not None
    assert template.tags == ["tag-5", "rest"]


def test_an_agent_comes_with_its_standing(ask: Ask) -> None:
    found = ask.trust.standing("agent-5")
    assert found is not None
    assert found.standing is not None
    assert (found.standing.level, found.standing.score) == (0, 0.05)
    assert [each.position for each in found.changes] == [185, 165, 145, 125, 105, 85, 65, 45, 25, 5]
    newest = [(FEW // 20 - n) * 20 - 15 for n in range(10)]
    made = {str(ident("session", n)) for n in newest}
    decisions = [row for row in ask.rows("agent_decisions") if row["session_id"] in made]
    decisions.sort(key=lambda row: str(row["created_at"]), reverse=True)
    assert [str(each.decision_id) for each in found.decisions] == [
        row["decision_id"] for row in decisions
    ][:20]
    session = ask.trust.session(ident("session", 5))
    assert session is not None
    assert [each.decision_id for each in session.decisions] == [
        ident("decision", 11), ident("decision", 10),
    ]  # fmt: skip
    decision = ask.trust.decision(ident("decision", 5))
    assert decision is not None
    assert [each.event_id for each in decision.changes] == [ident("change", 5)]
    measured = ask.trust.metrics("agent-5", "accuracy", since=at(-50_000), until=at(FEW))
    assert len(measured.days) == 30
    assert len(measured.metrics) == len(
        [
            row
            for row in ask.rows("trust_metrics")
            if (row["agent_id"], row["metric_type"]) == ("agent-5", "accuracy")
        ]
    )


def test_a_workspace_comes_with_its_parts(ask: Ask) -> None:
    found = ask.spaces.overview(ident("workspace", 5))
    assert found is not None
    assert len(found.members) == 20
    artifacts = [r for r in ask.rows("artifacts") if r["workspace_id"] == SPACE]
    assert sum(found.artifacts.values()) == len([r for r in artifacts if not r["deleted_at"]])
    assert len(found.workflows) == 6
    assert [each.ordinal for each in found.workflows[0].phases] == [1, 2, 3, 4, 5]
    assert len(found.integrations) == 1
    assert len(found.last_syncs) == 10
    configuration = ask.spaces.configuration(ident("workspace", 5))
    assert configuration is not None
    assert (configuration.config_version, configuration.chat_history_days) == (3, 90)
    artifact = ask.spaces.artifact(ident("artifact", 5))
    assert artifact is not None
    assert [each.version_no for each in artifact.versions] == [2, 1]
    assert [each.state for each in artifact.syncs] == ["synced"]


def test_a_person_signs_in(ask: Ask) -> None:
    by_email = ask.spaces.sign_in(email="uSER-50@EXAMPLE.org", at=at(100))
    assert by_email is not None
    assert by_email.user.id == "user-50"
    assert by_email == ask.spaces.sign_in(azure_id="azure-50", at=at(100))
    assert [each.session_id for each in by_email.sessions] == [
        ident("session", 550), ident("session", 50),
    ]  # fmt: skip
    later = ask.spaces.sign_in(email="user-50@example.org", at=at(150))
    assert later is not None
    assert [each.session_id for each in later.sessions] == [ident("session", 550)]
    token = ask.rows("auth_tokens")[0]
    number = token["position"]
    assert ask.spaces.token(token["token_hash"], at=at(number - 1)) is None, "not yet"
    valid = ask.spaces.token(token["token_hash"], at=at(number))
    assert valid is not None
    assert valid.user_id == token["user_id"]
    assert ask.spaces.token(token["token_hash"], at=at(number + 100)) is None, "no longer"
    profile = ask.spaces.profile("user-5")
    assert profile is not None
    assert profile.timezone == "UTC"
    session = ask.spaces.session(ident("session", 5))
    assert session is not None
    assert session.end_reason == "signed_out"
    service = ask.spaces.service(ident("integration", 5))
    assert service is not None
    assert service.credentials is None
