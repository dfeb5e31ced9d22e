from __future__ import annotations

from typing import Any

import pytest

from eventstore import Event
from eventstore.errors import InvalidEvent
from eventstore.vocabulary import workspaces as said
from projections.errors import Contradiction, IllegalTransition, MissingRow, RowExists
from projections.testing import FIRST_MOMENT, given
from projections.workspaces import (
    Workspace,
    WorkspaceConfig,
    WorkspaceMember,
    Workspaces,
    WorkspaceSettings,
)
from tests.stories.workspaces import STORY, WORKSPACE, created_workspace, registered

PEOPLE = [registered("ann"), registered("bob")]
CREATED = created_workspace()
BOB_ADDED = said.MemberAdded(workspace_id=WORKSPACE, user_id="bob", role="viewer")
TO_BOB = said.WorkspaceOwnerChanged(workspace_id=WORKSPACE, owner_id="bob")
DELETED = said.WorkspaceDeleted(workspace_id=WORKSPACE)
RESTORED = said.WorkspaceRestored(workspace_id=WORKSPACE)


def removed(user_id: str) -> said.MemberRemoved:
    return said.MemberRemoved(workspace_id=WORKSPACE, user_id=user_id)


def config(number: int) -> said.WorkspaceConfigChanged:
    return said.WorkspaceConfigChanged(
        workspace_id=WORKSPACE, config_version=number, config={"n": number}, reason=f"r{number}"
    )


def member(user_id: str, role: said.Role) -> WorkspaceMember:
    return WorkspaceMember(workspace_id=WORKSPACE, user_id=user_id, role=role)


def test_the_whole_story() -> None:
    story = given(Workspaces(), *STORY)
    assert {type(event) for event in STORY} == set(Workspaces().handlers)
    for table in Workspaces.tables:
        story.then(*story.rows(table))
        assert story.rows(table), table.TABLE


def test_every_subject_s_rules_are_there() -> None:
    subjects: tuple[Any, ...] = Workspaces.__bases__
    for subject in subjects:
        for event, rule in subject.handlers.items():
            assert Workspaces.handlers[event] is rule
        assert set(subject.tables) <= set(Workspaces.tables)


def test_a_workspace_begins_with_its_owner_and_settings() -> None:
    given(Workspaces(), *PEOPLE, CREATED).then(
        Workspace(
            id=WORKSPACE,
            name="Wind",
            description=None,
            owner_id="ann",
            github_repo_url="https://github.example/wind.git",
            sharepoint_config={"site": "wind"},
            ignis_config={},
            config_version=0,
        ),
        member("ann", "admin"),
        WorkspaceSettings(workspace_id=WORKSPACE, chat_history_days=90, settings={}),
    )


def test_a_workspace_changes() -> None:
    story = given(
        Workspaces(),
        *PEOPLE,
        CREATED,
        said.WorkspaceDetailsChanged(workspace_id=WORKSPACE, name="W", description="d"),
        said.WorkspaceServicesChanged(
            workspace_id=WORKSPACE,
            github_repo_url=None,
            sharepoint_config={},
            ignis_config={"x": 1},
        ),
        said.WorkspaceSettingsChanged(
            workspace_id=WORKSPACE, chat_history_days=7, settings={"l": "de"}
        ),
    ).then(
        Workspace(
            id=WORKSPACE,
            name="W",
            description="d",
            owner_id="ann",
            github_repo_url=None,
            ignis_config={"x": 1},
        ),
        WorkspaceSettings(workspace_id=WORKSPACE, chat_history_days=7, settings={"l": "de"}),
    )
    assert story.row(Workspace).updated_at > story.row(Workspace).created_at


def test_members_come_change_and_go() -> None:
    promoted = said.MemberRoleChanged(workspace_id=WORKSPACE, user_id="bob", role="approver")
    story = [*PEOPLE, CREATED, BOB_ADDED, promoted]
    given(Workspaces(), *story).then(member("ann", "admin"), member("bob", "approver"))
    given(Workspaces(), *story, removed("bob")).then(member("ann", "admin"))
    given(Workspaces(), *story).refuses(BOB_ADDED, RowExists)
    given(Workspaces(), *PEOPLE, CREATED).refuses(promoted, MissingRow)
    given(Workspaces(), *PEOPLE, CREATED).refuses(removed("bob"), MissingRow)


@pytest.mark.parametrize("before", [[], [BOB_ADDED]])
def test_who_gets_a_workspace_is_a_member_as_admin(before: list[Event]) -> None:
    story = [*PEOPLE, CREATED, *before, TO_BOB]
    told = given(Workspaces(), *story).then(member("ann", "admin"), member("bob", "admin"))
    assert told.row(Workspace).owner_id == "bob"
    told.refuses(removed("bob"), IllegalTransition)
    given(Workspaces(), *story, removed("ann")).then(member("bob", "admin"))


def test_the_owner_stays_a_member_as_admin() -> None:
    story = given(Workspaces(), *PEOPLE, CREATED)
    story.refuses(removed("ann"), IllegalTransition)
    lower = said.MemberRoleChanged(workspace_id=WORKSPACE, user_id="ann", role="viewer")
    story.refuses(lower, IllegalTransition)


def test_a_configuration_has_gapless_versions_that_stay() -> None:
    story = given(Workspaces(), *PEOPLE, CREATED, config(1), config(2)).then(
        *(
            WorkspaceConfig(
                workspace_id=WORKSPACE,
                config_version=number,
                config={"n": number},
                changed_by="tester",
                reason=f"r{number}",
            )
            for number in (1, 2)
        )
    )
    assert story.row(Workspace).config_version == 2
    for wrong in (1, 2, 4):
        story.refuses(config(wrong), Contradiction)


def test_a_deleted_workspace_is_left_alone_until_it_is_restored() -> None:
    again = said.WorkspaceDeleted(workspace_id=WORKSPACE)
    story = given(Workspaces(), *PEOPLE, CREATED, DELETED, again)
    assert story.row(Workspace).deleted_at == FIRST_MOMENT.replace(second=4)
    for event in (
        BOB_ADDED,
        TO_BOB,
        config(1),
        said.WorkspaceDetailsChanged(workspace_id=WORKSPACE, name="W", description=None),
        said.WorkspaceServicesChanged(
            workspace_id=WORKSPACE, github_repo_url=None, sharepoint_config={}, ignis_config={}
        ),
        said.WorkspaceSettingsChanged(workspace_id=WORKSPACE, chat_history_days=7, settings={}),
    ):
        story.refuses(event, IllegalTransition)
    restored = given(Workspaces(), *PEOPLE, CREATED, DELETED, RESTORED, BOB_ADDED)
    assert restored.row(Workspace).deleted_at is None


@pytest.mark.parametrize(
    ("before", "event", "cause"),
    [
        ([], CREATED, MissingRow),
        ([*PEOPLE, CREATED], CREATED, RowExists),
        (PEOPLE, BOB_ADDED, MissingRow),
        ([PEOPLE[0], CREATED], BOB_ADDED, MissingRow),
        ([PEOPLE[0], CREATED], TO_BOB, MissingRow),
        (PEOPLE, config(1), MissingRow),
    ],
)
def test_what_has_no_parent_or_is_there_already_is_refused(
    before: list[Event], event: Event, cause: type[Exception]
) -> None:
    given(Workspaces(), *before).refuses(event, cause)


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_chats_are_kept_for_some_time(days: int) -> None:
    with pytest.raises(InvalidEvent):
        said.WorkspaceSettingsChanged(workspace_id=WORKSPACE, chat_history_days=days, settings={})
