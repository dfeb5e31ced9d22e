from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest

from eventstore import Event
from eventstore.errors import InvalidEvent
from eventstore.vocabulary.packaging import (
    PACKAGE_MOVES,
    AgentStateChanged,
    DocumentationRevised,
    DocumentationWritten,
    InstallerAdded,
    InstallerAnalyzed,
    KnowledgeItemAdded,
    KnowledgeItemChanged,
    KnowledgeItemRemoved,
    PackageDeleted,
    PackageDetailsChanged,
    PackageRegistered,
    PackageRestored,
    PackageStatus,
    PackageStatusChanged,
    PolicyCreated,
    PolicyTested,
    ScriptGenerated,
    ScriptRevised,
    SystemConfigChanged,
)
from projections.errors import Contradiction, IllegalTransition, MissingRow, RowExists
from projections.packaging import (
    AgentState,
    Documentation,
    Installer,
    KnowledgeItem,
    Package,
    Packaging,
    PackagingV1,
    ProcessHistory,
    PsadtScript,
    PsadtScriptVersion,
    SystemConfig,
    SystemConfigHistory,
    WdacPolicy,
)
from projections.testing import FIRST_MOMENT, given, recorded

P, I = uuid4(), uuid4()  # noqa: E741
REGISTERED = PackageRegistered(
    package_id=P, name="pip", version="26.0", publisher="pypa", metadata={"a": 1}, tags=["tool"]
)
INSTALLER = InstallerAdded(
    installer_id=I,
    package_id=P,
    filename="pip.whl",
    file_path="/wheels/pip.whl",
    file_type="whl",
    size_bytes=2**60,
    sha256="0" * 64,
)


def moved(
    before: PackageStatus, after: PackageStatus, why: str | None = None
) -> PackageStatusChanged:
    return PackageStatusChanged(package_id=P, from_status=before, to_status=after, reason=why)


def test_a_registered_package_is_a_draft_and_its_history_begins() -> None:
    given(Packaging(), REGISTERED).then(
        Package(
            id=P,
            name="pip",
            version="26.0",
            publisher="pypa",
            status="draft",
            metadata={"a": 1},
            tags=["tool"],
        ),
        ProcessHistory(
            event_id=REGISTERED.event_id,
            package_id=P,
            from_status=None,
            to_status="draft",
            agent="tester",
            reason=None,
            correlation_id=REGISTERED.event_id,
        ),
    )


def test_a_package_is_registered_once() -> None:
    again = PackageRegistered(package_id=P, name="x", version="1", publisher="y")
    given(Packaging(), REGISTERED).refuses(again, RowExists)


def test_every_status_is_reached_by_legal_moves() -> None:
    way: list[PackageStatus] = list(PACKAGE_MOVES)[:-1]
    moves = [moved(before, after) for before, after in pairwise(way)]
    story = given(Packaging(), REGISTERED, *moves)
    assert story.row(Package).status == "completed"
    history = {entry.event_id: entry for entry in story.rows(ProcessHistory)}
    assert len(history) == 7
    assert [history[move.event_id].to_status for move in moves] == way[1:]


def test_a_failed_package_gets_a_new_try() -> None:
    story = given(
        Packaging(), REGISTERED, moved("draft", "failed", "no hash"), moved("failed", "draft")
    )
    assert story.row(Package).status == "draft"
    reasons = {entry.reason for entry in story.rows(ProcessHistory)}
    assert reasons == {None, "no hash"}


def test_a_move_from_another_status_than_the_package_has_is_refused() -> None:
    late = moved("analyzing", "generating_script")
    refusal = given(Packaging(), REGISTERED).refuses(late, IllegalTransition)
    assert "is draft" in refusal.reason
    assert "it was analyzing" in refusal.reason


@pytest.mark.parametrize(
    "event",
    [
        moved("draft", "analyzing"),
        INSTALLER,
        ScriptGenerated(script_id=uuid4(), package_id=P, script_content="x"),
        PackageDeleted(package_id=P),
        PackageRestored(package_id=P),
    ],
)
def test_nothing_happens_to_an_unknown_package(event: PackageDeleted) -> None:
    given(Packaging()).refuses(event, MissingRow)


def test_details_are_replaced() -> None:
    changed = PackageDetailsChanged(package_id=P, description="installs", metadata={}, tags=[])
    package = given(Packaging(), REGISTERED, changed).row(Package)
    assert (package.description, package.metadata, package.tags) == ("installs", {}, [])
    assert package.name == "pip"


def test_installers_and_the_current_one() -> None:
    other = INSTALLER.model_copy(update={"installer_id": uuid4(), "filename": "pip2.whl"})
    analysed = InstallerAnalyzed(installer_id=I, package_id=P, analysis_data={"silent": "/S"})
    story = given(Packaging(), REGISTERED, INSTALLER, other, analysed)
    assert story.row(Package).installer_id == other.installer_id
    found = {installer.filename: installer for installer in story.rows(Installer)}
    assert found["pip.whl"].analysis_data == {"silent": "/S"}
    assert found["pip.whl"].size_bytes == 2**60
    assert found["pip2.whl"].analysis_data == {}


def test_an_analysis_of_another_package_s_installer_is_refused() -> None:
    q = uuid4()
    other = PackageRegistered(package_id=q, name="x", version="1", publisher="y")
    analysed = InstallerAnalyzed(installer_id=I, package_id=q, analysis_data={})
    given(Packaging(), REGISTERED, other, INSTALLER).refuses(analysed, Contradiction)


def test_documents_of_a_package() -> None:
    script, policy, text = uuid4(), uuid4(), uuid4()
    story = given(
        Packaging(),
        REGISTERED,
        ScriptGenerated(script_id=uuid4(), package_id=P, script_content="first"),
        ScriptGenerated(script_id=script, package_id=P, script_content="second"),
        PolicyCreated(policy_id=policy, package_id=P, policy_xml="<p/>"),
        PolicyTested(policy_id=policy, package_id=P, passed=True),
        DocumentationWritten(documentation_id=text, package_id=P, content="how"),
    )
    package = story.row(Package)
    assert package.psadt_script_id == script
    assert package.wdac_policy_id == policy
    assert package.documentation_id == text


SCRIPT = ScriptGenerated(
    script_id=uuid4(), package_id=P, script_content="install", parameters={"mode": "silent"}
)
POLICY = PolicyCreated(policy_id=uuid4(), package_id=P, policy_xml="<p/>", policy_rules={"n": 1})
MANUAL = DocumentationWritten(
    documentation_id=uuid4(), package_id=P, content="how", sections={"use": "so"}
)


def test_a_script_has_numbered_versions() -> None:
    revised = ScriptRevised(
        script_id=SCRIPT.script_id, package_id=P, script_content="better", reason="it failed"
    )
    other = ScriptGenerated(script_id=uuid4(), package_id=P, script_content="x")
    story = given(Packaging(), REGISTERED, SCRIPT, other, revised).then(
        PsadtScript(id=SCRIPT.script_id, package_id=P, script_content="better", script_version=2),
        PsadtScript(id=other.script_id, package_id=P, script_content="x", script_version=1),
        PsadtScriptVersion(
            event_id=SCRIPT.event_id,
            script_id=SCRIPT.script_id,
            script_version=1,
            script_content="install",
            parameters={"mode": "silent"},
            agent="tester",
        ),
        PsadtScriptVersion(
            event_id=other.event_id,
            script_id=other.script_id,
            script_version=1,
            script_content="x",
            agent="tester",
        ),
        PsadtScriptVersion(
            event_id=revised.event_id,
            script_id=SCRIPT.script_id,
            script_version=2,
            script_content="better",
            agent="tester",
            reason="it failed",
        ),
    )
    assert story.row(Package).psadt_script_id == other.script_id, "the one added last"
    story.refuses(SCRIPT, RowExists)


def test_a_policy_and_its_last_test() -> None:
    failed = PolicyTested(policy_id=POLICY.policy_id, package_id=P, passed=False)
    passed = failed.model_copy(update={"passed": True, "test_results": {"blocked": 0}})
    story = given(Packaging(), REGISTERED, POLICY)
    assert story.row(WdacPolicy).test_passed is None
    assert given(Packaging(), *story.events, failed).row(WdacPolicy).test_passed is False
    given(Packaging(), *story.events, failed, passed).then(
        WdacPolicy(
            id=POLICY.policy_id,
            package_id=P,
            policy_xml="<p/>",
            policy_rules={"n": 1},
            test_results={"blocked": 0},
            test_passed=True,
        )
    )


def test_documentation_is_revised_as_a_whole() -> None:
    revised = DocumentationRevised(
        documentation_id=MANUAL.documentation_id, package_id=P, content="so"
    )
    given(Packaging(), REGISTERED, MANUAL, revised).then(
        Documentation(id=MANUAL.documentation_id, package_id=P, content="so", sections={})
    )


@pytest.mark.parametrize(
    ("part", "event", "ids"),
    [
        (SCRIPT, ScriptRevised, {"script_id": SCRIPT.script_id, "script_content": "x"}),
        (POLICY, PolicyTested, {"policy_id": POLICY.policy_id, "passed": True}),
        (
            MANUAL,
            DocumentationRevised,
            {"documentation_id": MANUAL.documentation_id, "content": "x"},
        ),
    ],
)
def test_a_part_is_its_own_package_s(part: Event, event: Any, ids: dict[str, Any]) -> None:
    other = PackageRegistered(package_id=uuid4(), name="x", version="1", publisher="y")
    story = given(Packaging(), REGISTERED, other, part)
    story.refuses(event(package_id=other.package_id, **ids), Contradiction)
    given(Packaging(), REGISTERED).refuses(event(package_id=P, **ids), MissingRow)


def test_the_first_rules_keep_no_parts() -> None:
    story = given(PackagingV1(), REGISTERED, SCRIPT, POLICY, MANUAL)
    assert story.row(Package).psadt_script_id == SCRIPT.script_id
    assert set(story.state) == {Package, Installer, ProcessHistory}
    assert PackagingV1.version == 1 < Packaging.version


def test_what_the_team_knows() -> None:
    known = KnowledgeItemAdded(
        knowledge_item_id=uuid4(), title="Silent", content="/S", source_package_id=P
    )
    general = KnowledgeItemAdded(knowledge_item_id=uuid4(), title="Logs", content="in Temp")
    changed = KnowledgeItemChanged(
        knowledge_item_id=known.knowledge_item_id, title="Silent", content="/quiet"
    )
    gone = KnowledgeItemRemoved(knowledge_item_id=general.knowledge_item_id, reason="wrong")
    story = given(Packaging(), known, general).then(
        KnowledgeItem(
            id=known.knowledge_item_id, title="Silent", content="/S", source_package_id=P
        ),
        KnowledgeItem(id=general.knowledge_item_id, title="Logs", content="in Temp"),
    )
    story.refuses(known, RowExists)
    story = given(Packaging(), known, general, changed, gone).then(
        KnowledgeItem(id=known.knowledge_item_id, title="Silent", content="/quiet")
    )
    story.refuses(gone, MissingRow)
    assert len(given(Packaging(), *story.events, general).rows(KnowledgeItem)) == 2


def test_every_value_of_a_setting_is_kept() -> None:
    def changed(value: Any, by: str, reason: str | None = None) -> SystemConfigChanged:
        return SystemConfigChanged(key="retries", value=value, updated_by=by, reason=reason)

    first, second = changed(3, "ann"), changed({"times": 5}, "bob", "flaky network")
    given(Packaging(), first, second).then(
        SystemConfig(key="retries", value={"times": 5}, revision=2, updated_by="bob"),
        SystemConfigHistory(
            event_id=first.event_id, key="retries", value=3, revision=1, updated_by="ann"
        ),
        SystemConfigHistory(
            event_id=second.event_id,
            key="retries",
            value={"times": 5},
            revision=2,
            updated_by="bob",
            reason="flaky network",
        ),
    )
    values: list[Any] = [False, 0, "", [], 1e17, "\U0001f40d"]
    for value in values:
        assert given(Packaging(), changed(value, "ann")).row(SystemConfig).value == value
    with pytest.raises(InvalidEvent, match="null is none"):
        changed(None, "ann")


def test_what_the_agents_are_at() -> None:
    working = AgentStateChanged(agent_name="ann", state="working", current_package_id=P)
    idle = AgentStateChanged(agent_name="ann", state="idle")
    moment = FIRST_MOMENT + timedelta(seconds=1)
    given(Packaging(), working).then(
        AgentState(agent_name="ann", state="working", current_package_id=P, last_seen_at=moment)
    )
    given(Packaging(), working, idle, idle).then(
        AgentState(agent_name="ann", state="idle", last_seen_at=moment + timedelta(seconds=2))
    )


def test_a_deleted_package_keeps_its_first_deletion_and_can_be_restored() -> None:
    deleted = PackageDeleted(package_id=P)
    package = given(Packaging(), REGISTERED, deleted, PackageDeleted(package_id=P)).row(Package)
    assert package.deleted_at == FIRST_MOMENT + timedelta(seconds=2)
    restored = given(Packaging(), REGISTERED, deleted, PackageRestored(package_id=P))
    assert restored.row(Package).deleted_at is None


def test_who_moved_it_may_be_unknown() -> None:
    state = Packaging().empty()
    Packaging().apply(state, recorded(REGISTERED, agent=None, correlation_id=UUID(int=7)))
    (entry,) = state[ProcessHistory].values()
    assert isinstance(entry, ProcessHistory)
    assert (entry.agent, entry.correlation_id) == (None, UUID(int=7))
