from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from eventstore import Claim, Command, Event
from eventstore.commands.packaging import (
    AddInstaller,
    AddKnowledgeItem,
    ChangeKnowledgeItem,
    ChangePackageDetails,
    ChangeSystemConfig,
    CreatePolicy,
    DeletePackage,
    GenerateScript,
    MovePackage,
    RecordInstallerAnalysis,
    RecordPolicyTest,
    RegisterPackage,
    RemoveKnowledgeItem,
    ReportAgentState,
    RestorePackage,
    ReviseDocumentation,
    ReviseScript,
    WriteDocumentation,
)
from eventstore.refusals import (
    AlreadyExists,
    CommandRefused,
    DoesNotExist,
    IllegalMove,
    InvalidCommand,
    NotAllowed,
)
from eventstore.testing import given
from eventstore.vocabulary.packaging import (
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
    PackageStatusChanged,
    PolicyCreated,
    PolicyTested,
    ScriptGenerated,
    ScriptRevised,
    SystemConfigChanged,
)

PACKAGE, PART, ITEM = UUID(int=1), UUID(int=2), UUID(int=3)
NAMED: dict[str, Any] = {"package_id": PACKAGE, "publisher": "pypa", "name": "pip", "version": "26"}
NAME = Claim("packaging.package", "pypa/pip/26")
FILE: dict[str, Any] = {
    "installer_id": PART, "package_id": PACKAGE, "filename": "pip.whl", "file_path": "/pip.whl",
    "file_type": "whl", "size_bytes": 2**63 - 1, "sha256": "0" * 64,
}  # fmt: skip

registered = PackageRegistered(**NAMED)
deleted = PackageDeleted(package_id=PACKAGE)
installer = InstallerAdded(**FILE)
script = ScriptGenerated(script_id=PART, package_id=PACKAGE, script_content="x")
policy = PolicyCreated(policy_id=PART, package_id=PACKAGE, policy_xml="<p/>")
manual = DocumentationWritten(documentation_id=PART, package_id=PACKAGE, content="x")
known = KnowledgeItemAdded(knowledge_item_id=ITEM, title="t", content="c")

STREAM = f"package-{PACKAGE}"


def moved(before: Any, after: Any) -> Event:
    return PackageStatusChanged(package_id=PACKAGE, from_status=before, to_status=after)


def test_a_package_is_registered_once_under_its_name() -> None:
    given().when(RegisterPackage(**NAMED)).then(registered, claims=[NAME])
    given(registered).when(RegisterPackage(**NAMED)).refused(AlreadyExists)
    given(registered, deleted).when(RegisterPackage(**NAMED)).refused(AlreadyExists)


def test_a_deleted_package_gives_its_name_up_until_it_is_restored() -> None:
    command = DeletePackage(package_id=PACKAGE)
    given(registered).when(command).then(deleted, releases=[NAME])
    restored = PackageRestored(package_id=PACKAGE)
    given(registered, deleted).when(RestorePackage(package_id=PACKAGE)).then(
        restored, claims=[NAME]
    )
    given(registered).when(RestorePackage(package_id=PACKAGE)).refused(NotAllowed)
    given(registered, deleted, restored).when(RestorePackage(package_id=PACKAGE)).refused(
        NotAllowed
    )


def test_a_package_moves_on_as_its_table_of_moves_says() -> None:
    analyzing = MovePackage(package_id=PACKAGE, to_status="analyzing", reason="at last")
    given(registered).when(analyzing).then(
        PackageStatusChanged(
            package_id=PACKAGE, from_status="draft", to_status="analyzing", reason="at last"
        )
    )
    refused = (
        given(registered, moved("draft", "failed"))
        .when(MovePackage(package_id=PACKAGE, to_status="testing"))
        .refused(IllegalMove)
    )
    assert (refused.status, refused.wanted, refused.allowed) == ("failed", "testing", ("draft",))


def test_a_move_from_another_status_did_not_happen() -> None:
    """It was appended past the deciders, and the read model holds it."""
    strange = moved("testing", "waiting_approval")
    command = MovePackage(package_id=PACKAGE, to_status="analyzing")
    given(registered, strange).when(command).then(moved("draft", "analyzing"))


PARTS: list[tuple[Event, Command, Command, Event]] = [
    (
        installer,
        AddInstaller(**FILE),
        RecordInstallerAnalysis(installer_id=PART, package_id=PACKAGE, analysis_data={"s": "/S"}),
        InstallerAnalyzed(installer_id=PART, package_id=PACKAGE, analysis_data={"s": "/S"}),
    ),
    (
        script,
        GenerateScript(script_id=PART, package_id=PACKAGE, script_content="x"),
        ReviseScript(script_id=PART, package_id=PACKAGE, script_content="y", reason="typo"),
        ScriptRevised(script_id=PART, package_id=PACKAGE, script_content="y", reason="typo"),
    ),
    (
        policy,
        CreatePolicy(policy_id=PART, package_id=PACKAGE, policy_xml="<p/>"),
        RecordPolicyTest(policy_id=PART, package_id=PACKAGE, passed=True),
        PolicyTested(policy_id=PART, package_id=PACKAGE, passed=True),
    ),
    (
        manual,
        WriteDocumentation(documentation_id=PART, package_id=PACKAGE, content="x"),
        ReviseDocumentation(documentation_id=PART, package_id=PACKAGE, content="y"),
        DocumentationRevised(documentation_id=PART, package_id=PACKAGE, content="y"),
    ),
]
KINDS = ["installer", "script", "policy", "documentation"]


@pytest.mark.parametrize(("number", "kind"), list(enumerate(KINDS)), ids=KINDS)
def test_a_package_has_parts_with_ids_of_their_own(number: int, kind: str) -> None:
    added, add, change, changed = PARTS[number]
    given(registered).when(add).then(added, claims=[Claim(f"packaging.{kind}", str(PART))])
    given(registered, added).when(change).then(changed)
    given(registered, added).when(add).refused(AlreadyExists)
    for before, error in [((), DoesNotExist), ((registered, added, deleted), DoesNotExist)]:
        given(*before).when(add).refused(error)
        given(*before).when(change).refused(error)
    another_kind = PARTS[number - 1][0]
    given(registered, another_kind).when(change).refused(DoesNotExist)


@pytest.mark.parametrize(
    "command",
    [
        ChangePackageDetails(package_id=PACKAGE, description=None, metadata={}, tags=[]),
        MovePackage(package_id=PACKAGE, to_status="analyzing"),
        DeletePackage(package_id=PACKAGE),
        ReportAgentState(agent_name="ann", state="working", current_package_id=PACKAGE),
    ],
    ids=lambda command: type(command).__name__,
)
def test_nothing_is_done_with_a_package_that_is_deleted_or_was_never_there(
    command: Command,
) -> None:
    def refused(*before: Event) -> DoesNotExist:
        if isinstance(command, ReportAgentState):
            return given(others={STREAM: before}).when(command).refused(DoesNotExist)
        return given(*before).when(command).refused(DoesNotExist)

    assert refused(registered, deleted).deleted
    assert not refused().deleted


def test_details_are_changed_as_a_whole() -> None:
    said: dict[str, Any] = {"description": "d", "metadata": {"n": 1}, "tags": ["a"]}
    given(registered).when(ChangePackageDetails(package_id=PACKAGE, **said)).then(
        PackageDetailsChanged(package_id=PACKAGE, **said)
    )


def test_what_was_learned_may_come_from_a_package_that_is_deleted_by_now() -> None:
    said: dict[str, Any] = {"knowledge_item_id": ITEM, "title": "t", "content": "c"}
    given().when(AddKnowledgeItem(**said)).then(known)
    given(known).when(AddKnowledgeItem(**said)).refused(AlreadyExists)
    said["source_package_id"] = PACKAGE
    given().when(AddKnowledgeItem(**said)).refused(DoesNotExist)
    given(known).when(ChangeKnowledgeItem(**said)).refused(DoesNotExist)
    story = {STREAM: [registered, deleted]}
    given(others=story).when(AddKnowledgeItem(**said)).then(KnowledgeItemAdded(**said))
    given(known, others=story).when(ChangeKnowledgeItem(**said)).then(KnowledgeItemChanged(**said))
    given(others=story).when(ChangeKnowledgeItem(**said)).refused(DoesNotExist)


def test_what_was_forgotten_can_be_learned_again() -> None:
    removed = KnowledgeItemRemoved(knowledge_item_id=ITEM, reason="wrong")
    given(known).when(RemoveKnowledgeItem(knowledge_item_id=ITEM, reason="wrong")).then(removed)
    given(known, removed).when(RemoveKnowledgeItem(knowledge_item_id=ITEM)).refused(DoesNotExist)
    again = AddKnowledgeItem(knowledge_item_id=ITEM, title="t", content="c")
    given(known, removed).when(again).then(known)


@pytest.mark.parametrize(
    ("revision", "outcome"), [(None, None), (2, None), (1, NotAllowed), (0, NotAllowed)]
)
def test_a_setting_is_changed_from_the_revision_that_was_read(
    revision: int | None, outcome: type[CommandRefused] | None
) -> None:
    before = [SystemConfigChanged(key="k", value=n, updated_by="ann") for n in (1, 2)]
    command = ChangeSystemConfig(key="k", value=[3], updated_by="bob", from_revision=revision)
    if outcome is None:
        after = SystemConfigChanged(key="k", value=[3], updated_by="bob")
        given(*before).when(command).then(after)
    else:
        given(*before).when(command).refused(outcome)


def test_an_agent_says_what_it_is_at() -> None:
    said: dict[str, Any] = {"agent_name": "ann", "state": "waiting"}
    given().when(ReportAgentState(**said)).then(AgentStateChanged(**said))
    said["current_package_id"] = PACKAGE
    given(others={STREAM: [registered]}).when(ReportAgentState(**said)).then(
        AgentStateChanged(**said)
    )


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (ChangeSystemConfig, {"key": "k", "value": None, "updated_by": "a"}),
        (ChangeSystemConfig, {"key": "a\nb", "value": 1, "updated_by": "a"}),
        (ChangeSystemConfig, {"key": "x" * 201, "value": 1, "updated_by": "a"}),
        (ReportAgentState, {"agent_name": "a\tb", "state": "idle"}),
        (AddInstaller, {**FILE, "size_bytes": 2**63}),
        (RegisterPackage, {**NAMED, "version": "1" * 51}),
    ],
)
def test_what_could_not_be_recorded_can_not_be_asked(
    command: type[Command], said: dict[str, Any]
) -> None:
    with pytest.raises(InvalidCommand):
        command(**said)
