"""What may be asked of people, their tokens and sessions, and of workspaces and their members."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from eventstore import Claim
from eventstore.commands.workspaces import (
    AddMember,
    ChangeMemberRole,
    ChangeUserDetails,
    ChangeUserRole,
    ChangeWorkspaceConfig,
    ChangeWorkspaceDetails,
    ChangeWorkspaceOwner,
    ChangeWorkspaceSettings,
    CreateWorkspace,
    DeleteWorkspace,
    EndUserSession,
    EnterWorkspace,
    ExtendUserSession,
    IssueAuthToken,
    RecordPresence,
    RecordSignIn,
    RegisterUser,
    RemoveMember,
    RestoreWorkspace,
    RevokeAuthToken,
    StartUserSession,
)
from eventstore.commands.workspaces.people import User
from eventstore.refusals import (
    AlreadyExists,
    CommandRefused,
    DoesNotExist,
    InvalidCommand,
    NotAllowed,
    SessionEnded,
)
from eventstore.testing import given
from eventstore.vocabulary import workspaces as said

PLACE, SESSION, TOKEN = (UUID(int=n) for n in range(1, 4))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
END = NOW + timedelta(hours=1)
PLACE_STREAM, ANN, BOB = f"workspace-{PLACE}", "user-ann", "user-bob"


def registered(user_id: str) -> said.UserRegistered:
    return said.UserRegistered(
        user_id=user_id, azure_id=f"a-{user_id}", email=f"{user_id}@x.org", display_name="n"
    )


ann, bob = registered("ann"), registered("bob")
created = said.WorkspaceCreated(workspace_id=PLACE, name="n", owner_id="ann")
deleted = said.WorkspaceDeleted(workspace_id=PLACE)
restored = said.WorkspaceRestored(workspace_id=PLACE)
member = said.MemberAdded(workspace_id=PLACE, user_id="bob", role="viewer")
started = said.UserSessionStarted(session_id=SESSION, user_id="bob", expires_at=END)
ended = said.UserSessionEnded(session_id=SESSION)
issued = said.AuthTokenIssued(
    token_id=TOKEN, user_id="ann", token_hash="ab" * 32, issued_at=NOW, expires_at=END
)


def test_a_person_claims_an_address_in_any_case_and_a_directory_id() -> None:
    given().when(
        RegisterUser(user_id="ann", azure_id="A-1", email="Ann@X.org", display_name="Ann")
    ).then(
        said.UserRegistered(user_id="ann", azure_id="A-1", email="Ann@X.org", display_name="Ann"),
        claims=[
            Claim("workspaces.user.email", "ann@x.org"),
            Claim("workspaces.user.azure_id", "A-1"),
        ],
    )
    again = RegisterUser(user_id="ann", azure_id="b", email="b@x", display_name="n")
    given(ann).when(again).refused(AlreadyExists)


def test_a_former_address_is_given_up() -> None:
    change = ChangeUserDetails(user_id="ann", email="new@x.org", display_name="n")
    state = User().after(ann)
    decided = change.decide(state)
    assert decided.claims == [Claim("workspaces.user.email", "new@x.org")]
    assert decided.releases == [Claim("workspaces.user.email", "ann@x.org")]
    same = ChangeUserDetails(user_id="ann", email="ANN@x.org", display_name="n")
    assert same.decide(state).releases == []


def test_there_has_to_be_such_a_person() -> None:
    given().when(ChangeUserRole(user_id="ann", role="admin")).refused(DoesNotExist)
    given().when(RecordSignIn(user_id="ann")).refused(DoesNotExist)
    given(ann).when(RecordSignIn(user_id="ann")).then(said.UserSignedIn(user_id="ann"))


def test_a_token_is_issued_to_somebody_and_revoked_once() -> None:
    issue = IssueAuthToken(
        token_id=TOKEN, user_id="ann", token_hash="ab" * 32, issued_at=NOW, expires_at=END
    )
    claim = Claim("workspaces.auth_token.hash", "ab" * 32)
    given(others={ANN: [ann]}).when(issue).then(issued, claims=[claim])
    given().when(issue).refused(DoesNotExist)
    given(issued, others={ANN: [ann]}).when(issue).refused(AlreadyExists)
    revoked = said.AuthTokenRevoked(token_id=TOKEN)
    given(issued).when(RevokeAuthToken(token_id=TOKEN)).then(revoked)
    given(issued, revoked).when(RevokeAuthToken(token_id=TOKEN)).refused(NotAllowed)
    given().when(RevokeAuthToken(token_id=TOKEN)).refused(DoesNotExist)


def test_a_token_has_to_last() -> None:
    never = IssueAuthToken(
        token_id=TOKEN, user_id="ann", token_hash="ab" * 32, issued_at=END, expires_at=END
    )
    refusal = given(others={ANN: [ann]}).when(never).refused(InvalidCommand)
    assert "after issued_at" in refusal.reason


def test_a_session_begins_in_a_workspace_of_the_person() -> None:
    start = StartUserSession(
        session_id=SESSION, user_id="bob", workspace_id=PLACE, expires_at=END, at=NOW
    )
    there = [created, member]
    given(others={BOB: [bob], PLACE_STREAM: there}).when(start).then(
        started.model_copy(update={"workspace_id": PLACE})
    )
    given(others={BOB: [bob], PLACE_STREAM: [created]}).when(start).refused(DoesNotExist)
    gone = given(others={BOB: [bob], PLACE_STREAM: [*there, deleted]})
    assert gone.when(start).refused(DoesNotExist).deleted
    given(others={PLACE_STREAM: there}).when(start).refused(DoesNotExist)
    given(started, others={BOB: [bob], PLACE_STREAM: there}).when(start).refused(AlreadyExists)


def test_a_session_does_not_begin_with_its_end() -> None:
    start = StartUserSession(session_id=SESSION, user_id="bob", expires_at=NOW, at=NOW)
    refusal = given(others={BOB: [bob]}).when(start).refused(InvalidCommand)
    assert refusal.path == "expires_at"


@pytest.mark.parametrize(
    "command",
    [
        RecordPresence(session_id=SESSION, at=END),
        ExtendUserSession(session_id=SESSION, expires_at=END + timedelta(hours=1), at=END),
        EnterWorkspace(session_id=SESSION, workspace_id=None, at=END),
    ],
    ids=lambda command: type(command).__name__,
)
def test_nothing_happens_in_a_session_that_is_over(command: RecordPresence) -> None:
    refusal = given(started).when(command).refused(SessionEnded)
    assert (refusal.state, refusal.since) == ("expired", END.isoformat())
    early = command.model_copy(update={"at": END - timedelta(microseconds=1)})
    assert given(started, ended).when(early).refused(SessionEnded).state == "signed_out"
    given().when(early).refused(DoesNotExist)
    longer = said.UserSessionExtended(session_id=SESSION, expires_at=END + timedelta(minutes=1))
    for story, asked in (([started], early), ([started, longer], command)):
        with pytest.raises(AssertionError):  # that it was refused
            given(*story).when(asked).refused(CommandRefused)


def test_a_session_ends_once_and_expires_in_its_time_only() -> None:
    given(started).when(EndUserSession(session_id=SESSION, at=NOW)).then(ended)
    given(started, ended).when(EndUserSession(session_id=SESSION, at=NOW)).refused(SessionEnded)
    expire = EndUserSession(session_id=SESSION, reason="expired", at=NOW)
    given(started).when(expire).refused(NotAllowed)
    given(started).when(expire.model_copy(update={"at": END})).then(
        said.UserSessionEnded(session_id=SESSION, reason="expired")
    )


def test_a_workspace_has_an_owner_that_there_is() -> None:
    create = CreateWorkspace(workspace_id=PLACE, name="n", owner_id="ann")
    given(others={ANN: [ann]}).when(create).then(created)
    given().when(create).refused(DoesNotExist)
    given(created, others={ANN: [ann]}).when(create).refused(AlreadyExists)


def test_a_deleted_workspace_is_restored_before_it_is_changed() -> None:
    for command in (
        ChangeWorkspaceDetails(workspace_id=PLACE, name="m", description=None),
        ChangeWorkspaceConfig(workspace_id=PLACE, config={}),
        ChangeWorkspaceSettings(workspace_id=PLACE, chat_history_days=30, settings={}),
        ChangeMemberRole(workspace_id=PLACE, user_id="bob", role="admin"),
        RemoveMember(workspace_id=PLACE, user_id="bob"),
        DeleteWorkspace(workspace_id=PLACE),
    ):
        assert given(created, member, deleted).when(command).refused(DoesNotExist).deleted
        given().when(command).refused(DoesNotExist)
    given(created, deleted).when(RestoreWorkspace(workspace_id=PLACE)).then(restored)
    given(created).when(RestoreWorkspace(workspace_id=PLACE)).refused(NotAllowed)
    given().when(RestoreWorkspace(workspace_id=PLACE)).refused(DoesNotExist)


def test_members_are_people_who_are_there_once() -> None:
    add = AddMember(workspace_id=PLACE, user_id="bob", role="viewer")
    given(created, others={BOB: [bob]}).when(add).then(member)
    given(created).when(add).refused(DoesNotExist)
    given(created, member, others={BOB: [bob]}).when(add).refused(AlreadyExists)
    given(created).when(RemoveMember(workspace_id=PLACE, user_id="bob")).refused(DoesNotExist)
    given(created, member).when(RemoveMember(workspace_id=PLACE, user_id="bob")).then(
        said.MemberRemoved(workspace_id=PLACE, user_id="bob")
    )


def test_an_owner_stays_admin_until_somebody_else_is_the_owner() -> None:
    leave = RemoveMember(workspace_id=PLACE, user_id="ann")
    assert "somebody else" in str(given(created).when(leave).refused(NotAllowed))
    lower = ChangeMemberRole(workspace_id=PLACE, user_id="ann", role="viewer")
    given(created).when(lower).refused(NotAllowed)
    hand_over = ChangeWorkspaceOwner(workspace_id=PLACE, owner_id="bob")
    handed_over = said.WorkspaceOwnerChanged(workspace_id=PLACE, owner_id="bob")
    given(created, others={BOB: [bob]}).when(hand_over).then(handed_over)
    given(created).when(hand_over).refused(DoesNotExist)
    given(created, handed_over).when(leave).then(
        said.MemberRemoved(workspace_id=PLACE, user_id="ann")
    )


def test_a_configuration_is_the_next_version() -> None:
    first = said.WorkspaceConfigChanged(workspace_id=PLACE, config_version=1, config={"a": 1})
    change = ChangeWorkspaceConfig(workspace_id=PLACE, config={"a": 2})
    second = said.WorkspaceConfigChanged(workspace_id=PLACE, config_version=2, config={"a": 2})
    given(created, first).when(change).then(second)
    given(created, first).when(change.model_copy(update={"config_version": 2})).then(second)
    stale = change.model_copy(update={"config_version": 1})
    assert "version 2, not 1" in str(given(created, first).when(stale).refused(NotAllowed))
