from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import get_args
from uuid import uuid4

import pytest

from eventstore import Event
from eventstore.errors import InvalidEvent
from eventstore.vocabulary import projects as said
from eventstore.vocabulary.secrets import Sealed
from projections.errors import Contradiction, IllegalTransition, MissingRow, RowExists
from projections.projects import Modification, ProjectContext, Projects, Template
from projections.testing import FIRST_MOMENT, given
from tests.stories.projects import STORY, described

P, M, T = uuid4(), uuid4(), uuid4()
CREATED = said.ProjectCreated(
    project_id=P, name="Wind", type="api", owner_id="ann", codebase={"a": "1", "b": "2"}
)
REQUESTED = said.ModificationRequested(
    modification_id=M, project_id=P, request="Do it", requested_by="bob", affected_files=["a"]
)
APPROVED = said.ModificationApproved(modification_id=M, reason="fine")
REJECTED = said.ModificationRejected(modification_id=M, reason="no")
APPLIED = said.ModificationApplied(
    modification_id=M,
    project_id=P,
    modified_files={"a": "3", "b": None, "c": "4"},
    test_results={"passed": True},
)
FAILED = said.ModificationFailed(modification_id=M, project_id=P, reason="broke")
ARCHIVED = said.ProjectArchived(project_id=P)
DELETED = said.ProjectDeleted(project_id=P)
RESTORED = said.ProjectRestored(project_id=P)

TO_PROJECT: dict[said.ProjectStatus, list[Event]] = {
    "active": [],
    "archived": [ARCHIVED],
    "deleted": [DELETED],
}
PROJECT_BY = {"archived": ARCHIVED, "deleted": DELETED, "active": RESTORED}
TO_MODIFICATION: dict[said.ModificationStatus, list[Event]] = {
    "pending": [],
    "approved": [APPROVED],
    "rejected": [REJECTED],
    "applied": [APPROVED, APPLIED],
    "failed": [APPROVED, FAILED],
}
MODIFICATION_BY = {
    "approved": APPROVED,
    "rejected": REJECTED,
    "applied": APPLIED,
    "failed": FAILED,
}


def test_the_whole_story() -> None:
    story = given(Projects(), *STORY)
    story.then(*story.rows(ProjectContext))
    assert {type(event) for event in STORY} == set(Projects().handlers)
    assert [row.status for row in story.rows(Modification)] == ["applied", "rejected", "failed"]
    assert [row.status for row in story.rows(ProjectContext)] == ["active", "deleted"]


def test_a_project_and_what_is_said_of_it() -> None:
    sealed = Sealed(ciphertext="AAAA", key_id="k")
    given(
        Projects(),
        CREATED,
        said.ProjectDetailsChanged(project_id=P, name="Windmill", type="cli"),
        said.ProjectOwnerChanged(project_id=P, owner_id="bob"),
        said.CodebaseChanged(project_id=P, changed_files={"a": None, "d": "5"}),
        said.DependenciesChanged(project_id=P, dependencies=["x>=1"]),
        said.EnvironmentChanged(project_id=P, environment_vars={"A": "1", "TOKEN": sealed}),
        said.DeploymentConfigChanged(project_id=P, deployment_config={"replicas": 2}),
        said.QualityMeasured(project_id=P, test_coverage=Decimal("87.5")),
        said.QualityMeasured(
            project_id=P, security_score=Decimal(100), performance_score=Decimal("0.1")
        ),
        said.ProjectDeployed(project_id=P),
    ).then(
        ProjectContext(
            id=P,
            name="Windmill",
            type="cli",
            owner_id="bob",
            codebase={"b": "2", "d": "5"},
            dependencies=["x>=1"],
            environment_vars={"A": "1", "TOKEN": {"ciphertext": "AAAA", "key_id": "k"}},
            deployment_config={"replicas": 2},
            test_coverage=Decimal("87.5"),
            security_score=Decimal(100),
            performance_score=Decimal("0.1"),
            last_deployed_at=FIRST_MOMENT + timedelta(seconds=10),
        )
    )


@pytest.mark.parametrize("before", TO_PROJECT)
@pytest.mark.parametrize("after", PROJECT_BY)
def test_exactly_the_legal_moves_of_a_project(
    before: said.ProjectStatus, after: said.ProjectStatus
) -> None:
    assert set(said.PROJECT_MOVES) == set(get_args(said.ProjectStatus))
    story, event = [CREATED, *TO_PROJECT[before]], PROJECT_BY[after]
    if after in said.PROJECT_MOVES[before]:
        assert given(Projects(), *story, event).row(ProjectContext).status == after
    else:
        given(Projects(), *story).refuses(event, IllegalTransition)


@pytest.mark.parametrize("before", TO_MODIFICATION)
@pytest.mark.parametrize("after", MODIFICATION_BY)
def test_exactly_the_legal_moves_of_a_modification(
    before: said.ModificationStatus, after: said.ModificationStatus
) -> None:
    assert set(said.MODIFICATION_MOVES) == set(get_args(said.ModificationStatus))
    story, event = [CREATED, REQUESTED, *TO_MODIFICATION[before]], MODIFICATION_BY[after]
    if after in said.MODIFICATION_MOVES[before]:
        assert given(Projects(), *story, event).row(Modification).status == after
    else:
        given(Projects(), *story).refuses(event, IllegalTransition)


def test_an_applied_modification_is_in_the_codebase() -> None:
    story = given(Projects(), CREATED, REQUESTED, APPROVED, APPLIED).then(
        Modification(
            id=M,
            project_id=P,
            request="Do it",
            requested_by="bob",
            requested_at=FIRST_MOMENT + timedelta(seconds=2),
            affected_files=["a"],
            status="applied",
            reason="fine",
            applied_at=FIRST_MOMENT + timedelta(seconds=4),
            modified_files={"a": "3", "b": None, "c": "4"},
            test_results={"passed": True},
        )
    )
    assert story.row(ProjectContext).codebase == {"a": "3", "c": "4"}


def test_a_failed_modification_leaves_the_codebase_as_it_was() -> None:
    story = given(Projects(), CREATED, REQUESTED, APPROVED, FAILED)
    assert story.row(ProjectContext).codebase == {"a": "1", "b": "2"}
    assert story.row(Modification).applied_at is None
    assert story.row(Modification).reason == "broke"


@pytest.mark.parametrize("rest", [ARCHIVED, DELETED])
@pytest.mark.parametrize(
    "event",
    [
        said.ProjectDetailsChanged(project_id=P, name="x", type="x"),
        said.CodebaseChanged(project_id=P, changed_files={}),
        said.DependenciesChanged(project_id=P, dependencies=[]),
        said.EnvironmentChanged(project_id=P, environment_vars={}),
        said.DeploymentConfigChanged(project_id=P, deployment_config={}),
        said.ProjectDeployed(project_id=P),
        REQUESTED.model_copy(update={"modification_id": uuid4()}),
        APPLIED,
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_project_that_rests_is_not_changed(rest: Event, event: Event) -> None:
    given(Projects(), CREATED, REQUESTED, APPROVED, rest).refuses(event, IllegalTransition)


def test_a_modification_is_analyzed_while_it_is_pending() -> None:
    analyzed = said.ModificationAnalyzed(
        modification_id=M, impact_analysis={"risk": "low"}, affected_files=["b"]
    )
    story = given(Projects(), CREATED, REQUESTED, analyzed)
    assert story.row(Modification).affected_files == ["b"]
    given(Projects(), CREATED, REQUESTED, APPROVED).refuses(analyzed, IllegalTransition)


@pytest.mark.parametrize(
    ("before", "event", "cause"),
    [
        ([], REQUESTED, MissingRow),
        ([], ARCHIVED, MissingRow),
        ([CREATED], CREATED, RowExists),
        ([CREATED], APPROVED, MissingRow),
        ([CREATED, REQUESTED], REQUESTED, RowExists),
        ([], said.TemplateRemoved(template_id=T), MissingRow),
        ([], described(said.TemplateChanged, T), MissingRow),
        (
            [CREATED, CREATED.model_copy(update={"project_id": T}), REQUESTED, APPROVED],
            APPLIED.model_copy(update={"project_id": T}),
            Contradiction,
        ),
    ],
)
def test_what_can_not_be_is_refused(
    before: list[Event], event: Event, cause: type[Exception]
) -> None:
    given(Projects(), *before).refuses(event, cause)


def test_a_template_comes_changes_and_goes() -> None:
    created = described(said.TemplateCreated, T)
    changed = said.TemplateChanged(**dict(created) | {"name": "Other", "tags": ["x"]})
    template = given(Projects(), created, changed).row(Template)
    assert (template.name, template.tags) == ("Other", ["x"])
    assert given(Projects(), created, said.TemplateRemoved(template_id=T)).rows(Template) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"test_coverage": Decimal("100.1")},
        {"security_score": -1},
        {"performance_score": Decimal("NaN")},
        {"test_coverage": Decimal(1) / 3},
        {},
    ],
)
def test_a_score_is_of_a_hundred(wrong: dict[str, Decimal]) -> None:
    with pytest.raises(InvalidEvent):
        said.QualityMeasured(project_id=P, **wrong)
