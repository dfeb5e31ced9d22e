from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from eventstore import Event
from eventstore.vocabulary import workspaces as said
from projections.errors import Contradiction, IllegalTransition, MissingRow, RowExists
from projections.testing import FIRST_MOMENT, given
from projections.workspaces import Artifact, ArtifactVersion, Workspaces
from tests.stories.workspaces import (
    ARTIFACT,
    NOW,
    VERSIONS,
    WORKSPACE,
    created_artifact,
    created_workspace,
    registered,
)

PLACE = [registered("ann"), created_workspace()]
CREATED, OTHER = created_artifact(), created_artifact(uuid4())
DELETED = said.ArtifactDeleted(artifact_id=ARTIFACT)


def version(number: int, artifact: UUID = ARTIFACT) -> said.ArtifactVersionAdded:
    return said.ArtifactVersionAdded(
        version_id=VERSIONS[number],
        artifact_id=artifact,
        content_hash="0" * 64,
        author="ann",
        added_at=NOW,
    )


def cleaned_up(*numbers: int) -> said.ArtifactVersionsCleanedUp:
    return said.ArtifactVersionsCleanedUp(
        artifact_id=ARTIFACT,
        version_ids=[VERSIONS[number] for number in numbers],
        rule=said.CleanUpRule(keep_newest=1),
    )


def in_review(artifact: UUID = ARTIFACT) -> said.ArtifactStatusChanged:
    return said.ArtifactStatusChanged(
        artifact_id=artifact, from_status="draft", to_status="in_review"
    )


def test_an_artifact_and_its_versions() -> None:
    details = said.ArtifactDetailsChanged(
        artifact_id=ARTIFACT, name="N", artifact_type="architecture", file_path="a.md"
    )
    given(Workspaces(), *PLACE, CREATED, details, in_review(), version(0), version(1)).then(
        Artifact(
            id=ARTIFACT,
            workspace_id=WORKSPACE,
            name="N",
            artifact_type="architecture",
            file_path="a.md",
            status="in_review",
            latest_version=2,
        ),
        *(
            ArtifactVersion(
                id=VERSIONS[number],
                artifact_id=ARTIFACT,
                version_no=number + 1,
                content_hash="0" * 64,
                author="ann",
                added_at=NOW,
            )
            for number in (0, 1)
        ),
    )


def test_versions_of_each_artifact_count_by_themselves_and_on_after_a_clean_up() -> None:
    story = given(
        Workspaces(),
        *PLACE,
        CREATED,
        OTHER,
        version(0),
        version(1, OTHER.artifact_id),
        version(2),
        cleaned_up(0),
        version(3),
    )
    assert {row.id: row.version_no for row in story.rows(ArtifactVersion)} == {
        VERSIONS[1]: 1,
        VERSIONS[2]: 2,
        VERSIONS[3]: 3,
    }


def test_a_clean_up_takes_what_is_named_and_never_the_newest() -> None:
    story = given(Workspaces(), *PLACE, CREATED, OTHER, *map(version, range(3)))
    story.refuses(cleaned_up(1, 2), IllegalTransition)
    left = given(Workspaces(), *story.events, cleaned_up(0, 1))
    assert [row.version_no for row in left.rows(ArtifactVersion)] == [3]
    left.refuses(cleaned_up(0), MissingRow)
    of_another = given(Workspaces(), *PLACE, CREATED, OTHER, version(0, OTHER.artifact_id))
    of_another.refuses(cleaned_up(0), Contradiction)


def test_a_deleted_artifact_is_left_alone_until_it_is_restored() -> None:
    again = said.ArtifactDeleted(artifact_id=ARTIFACT)
    story = given(Workspaces(), *PLACE, CREATED, DELETED, again)
    assert story.row(Artifact).deleted_at == FIRST_MOMENT + timedelta(seconds=4)
    for event in (version(0), in_review()):
        story.refuses(event, IllegalTransition)
    restored = said.ArtifactRestored(artifact_id=ARTIFACT)
    back = given(Workspaces(), *PLACE, CREATED, DELETED, restored, version(0)).row(Artifact)
    assert (back.deleted_at, back.latest_version) == (None, 1)


@pytest.mark.parametrize(
    ("before", "event", "cause"),
    [
        ([], CREATED, MissingRow),
        ([*PLACE, CREATED], CREATED, RowExists),
        ([*PLACE, said.WorkspaceDeleted(workspace_id=WORKSPACE)], CREATED, IllegalTransition),
        (PLACE, version(0), MissingRow),
        ([*PLACE, CREATED, version(0)], version(0), RowExists),
        ([*PLACE, CREATED, in_review()], in_review(), IllegalTransition),
        ([*PLACE, CREATED], cleaned_up(0), MissingRow),
        (PLACE, DELETED, MissingRow),
    ],
)
def test_what_can_not_be_is_refused(
    before: list[Event], event: Event, cause: type[Exception]
) -> None:
    given(Workspaces(), *before).refuses(event, cause)
