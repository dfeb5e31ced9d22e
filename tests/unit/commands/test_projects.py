"""What may be asked of projects, their modifications and templates, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from eventstore import Command
from eventstore.commands.projects import (
    AnalyzeModification,
    ApplyModification,
    ApproveModification,
    ArchiveProject,
    ChangeCodebase,
    ChangeDependencies,
    ChangeEnvironment,
    ChangeProjectOwner,
    ChangeTemplate,
    CreateProject,
    CreateTemplate,
    DeleteProject,
    DeployProject,
    FailModification,
    MeasureQuality,
    RejectModification,
    RemoveTemplate,
    RequestModification,
    RestoreProject,
)
from eventstore.refusals import (
    AlreadyExists,
    DoesNotExist,
    IllegalMove,
    InvalidCommand,
    NotAllowed,
)
from eventstore.testing import given
from eventstore.vocabulary import projects as said

PROJECT, OTHER, MODIFICATION, TEMPLATE = (UUID(int=n) for n in range(1, 5))
PROJECT_STREAM, TEMPLATE_STREAM = f"project-{PROJECT}", f"template-{TEMPLATE}"

created = said.ProjectCreated(project_id=PROJECT, name="n", type="api", owner_id="ann")
archived = said.ProjectArchived(project_id=PROJECT)
deleted = said.ProjectDeleted(project_id=PROJECT)
restored = said.ProjectRestored(project_id=PROJECT)
requested = said.ModificationRequested(
    modification_id=MODIFICATION, project_id=PROJECT, request="r", requested_by="ann"
)
approved = said.ModificationApproved(modification_id=MODIFICATION)
made: dict[str, Any] = {
    "template_id": TEMPLATE,
    "name": "t",
    "description": "",
    "category": "api",
    "estimated_setup_time": 5,
    "complexity": "simple",
}
templated = said.TemplateCreated(**made)
removed = said.TemplateRemoved(template_id=TEMPLATE)
of: dict[str, Any] = {"modification_id": MODIFICATION, "project_id": PROJECT}
active = {PROJECT_STREAM: [created]}
resting = {PROJECT_STREAM: [created, archived]}


def test_a_project_is_made_once() -> None:
    create = CreateProject(project_id=PROJECT, name="n", type="api", owner_id="ann")
    given().when(create).then(created)
    given(created).when(create).refused(AlreadyExists)
    given(created, deleted).when(create).refused(AlreadyExists)


def test_a_project_is_made_from_a_template_that_there_is() -> None:
    create = CreateProject(
        project_id=PROJECT, name="n", type="api", owner_id="ann", template_id=TEMPLATE
    )
    event = created.model_copy(update={"template_id": TEMPLATE})
    given(others={TEMPLATE_STREAM: [templated]}).when(create).then(event)
    given().when(create).refused(DoesNotExist)
    given(others={TEMPLATE_STREAM: [templated, removed]}).when(create).refused(DoesNotExist)


def test_only_an_active_project_is_changed() -> None:
    change = ChangeCodebase(project_id=PROJECT, changed_files={"a.py": None})
    event = said.CodebaseChanged(project_id=PROJECT, changed_files={"a.py": None})
    given(created).when(change).then(event)
    given(created, archived, restored).when(change).then(event)
    for command in (
        change,
        ChangeDependencies(project_id=PROJECT, dependencies=[]),
        DeployProject(project_id=PROJECT),
    ):
        assert not given().when(command).refused(DoesNotExist).deleted
        assert "restore" in str(given(created, archived).when(command).refused(NotAllowed))
        assert given(created, deleted).when(command).refused(DoesNotExist).deleted


def test_an_archived_project_is_measured_and_handed_over() -> None:
    measure = MeasureQuality(project_id=PROJECT, test_coverage=Decimal("1.5"))
    given(created, archived).when(measure).then(
        said.QualityMeasured(project_id=PROJECT, test_coverage=Decimal("1.5"))
    )
    hand_over = ChangeProjectOwner(project_id=PROJECT, owner_id="bob")
    given(created, archived).when(hand_over).then(
        said.ProjectOwnerChanged(project_id=PROJECT, owner_id="bob")
    )
    given(created, deleted).when(hand_over).refused(DoesNotExist)


def test_what_an_event_can_not_say_can_not_be_asked() -> None:
    with pytest.raises(InvalidCommand, match="ciphertext"):
        ChangeEnvironment(project_id=PROJECT, environment_vars={"API_KEY": "plain"})
    nothing = MeasureQuality(project_id=PROJECT)
    refusal = given(created).when(nothing).refused(InvalidCommand)
    assert "nothing was measured" in refusal.reason
    assert refusal.command == "MeasureQuality"


@pytest.mark.parametrize("command", [ArchiveProject, DeleteProject, RestoreProject])
def test_what_is_not_there_does_not_move(command: Callable[..., Command]) -> None:
    given().when(command(project_id=PROJECT)).refused(DoesNotExist)


def test_a_project_moves_as_its_statuses_allow() -> None:
    given(created).when(ArchiveProject(project_id=PROJECT)).then(archived)
    given(created, archived).when(DeleteProject(project_id=PROJECT)).then(deleted)
    given(created, deleted).when(RestoreProject(project_id=PROJECT)).then(restored)
    refusal = given(created, deleted).when(ArchiveProject(project_id=PROJECT)).refused(IllegalMove)
    assert (refusal.status, refusal.wanted, refusal.allowed) == ("deleted", "archived", ("active",))
    given(created).when(RestoreProject(project_id=PROJECT)).refused(IllegalMove)


def test_a_change_is_asked_of_an_active_project() -> None:
    ask = RequestModification(**of, request="r", requested_by="ann")
    given(others=active).when(ask).then(requested)
    given(requested, others=active).when(ask).refused(AlreadyExists)
    given().when(ask).refused(DoesNotExist)
    given(others=resting).when(ask).refused(NotAllowed)


def test_a_change_goes_its_way() -> None:
    given(requested, others=active).when(ApproveModification(**of)).then(approved)
    given(requested, approved, others=active).when(
        ApplyModification(**of, modified_files={"a.py": "x"})
    ).then(said.ModificationApplied(**of, modified_files={"a.py": "x"}))
    given(requested, others=active).when(
        AnalyzeModification(**of, impact_analysis={}, affected_files=["a.py"])
    ).then(
        said.ModificationAnalyzed(
            modification_id=MODIFICATION, impact_analysis={}, affected_files=["a.py"]
        )
    )


def test_a_change_is_judged_before_it_is_made() -> None:
    make = ApplyModification(**of, modified_files={})
    refusal = given(requested, others=active).when(make).refused(IllegalMove)
    assert refusal.allowed == ("approved", "rejected")
    given(requested, approved, others=active).when(RejectModification(**of)).refused(IllegalMove)
    given(requested, approved, others=active).when(
        AnalyzeModification(**of, impact_analysis={}, affected_files=[])
    ).refused(NotAllowed)


def test_a_change_of_a_resting_project_is_only_given_up() -> None:
    given(requested, others=resting).when(ApproveModification(**of)).refused(NotAllowed)
    given(requested, approved, others=resting).when(
        ApplyModification(**of, modified_files={})
    ).refused(NotAllowed)
    given(requested, others=resting).when(RejectModification(**of)).then(
        said.ModificationRejected(modification_id=MODIFICATION)
    )
    given(requested, approved, others=resting).when(FailModification(**of)).then(
        said.ModificationFailed(**of)
    )


def test_a_change_belongs_to_its_project() -> None:
    other: dict[str, Any] = {"modification_id": MODIFICATION, "project_id": OTHER}
    for command in (ApproveModification(**other), FailModification(**other)):
        given(requested).when(command).refused(DoesNotExist)


def test_a_template_that_was_removed_stays_so() -> None:
    given().when(CreateTemplate(**made)).then(templated)
    given(templated).when(ChangeTemplate(**made)).then(said.TemplateChanged(**made))
    given(templated).when(RemoveTemplate(template_id=TEMPLATE)).then(removed)
    given(templated, removed).when(CreateTemplate(**made)).refused(AlreadyExists)
    given(templated, removed).when(ChangeTemplate(**made)).refused(DoesNotExist)
    given().when(RemoveTemplate(template_id=TEMPLATE)).refused(DoesNotExist)
