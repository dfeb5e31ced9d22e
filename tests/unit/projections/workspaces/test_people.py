from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from eventstore import Event
from eventstore.errors import InvalidEvent
from eventstore.vocabulary import workspaces as said
from projections.errors import IllegalTransition, MissingRow, RowExists
from projections.testing import FIRST_MOMENT, given
from projections.workspaces import AuthToken, User, UserProfile, UserSession, Workspaces
from tests.stories.workspaces import (
    LATER,
    NOW,
    SESSION,
    TOKEN,
    WORKSPACE,
    created_workspace,
    registered,
)

ANN = registered("ann")
ISSUED = said.AuthTokenIssued(
    token_id=TOKEN, user_id="ann", token_hash="0" * 64, issued_at=NOW, expires_at=LATER
)
STARTED = said.UserSessionStarted(session_id=SESSION, user_id="ann", expires_at=LATER)
ENDED = said.UserSessionEnded(session_id=SESSION, reason="revoked")
SEEN = said.UserSessionSeen(session_id=SESSION)


def after(seconds: int) -> timedelta:
    return timedelta(seconds=seconds)


def test_a_person_has_an_empty_profile_at_first() -> None:
    given(Workspaces(), ANN).then(
        User(
            id="ann",
            azure_id="azure-ann",
            email="ann@example.org",
            display_name="Ann",
            role="viewer",
        ),
        UserProfile(user_id="ann", preferences={}, avatar=None, timezone="UTC"),
    )


def test_what_is_known_of_a_person_changes() -> None:
    given(
        Workspaces(),
        ANN,
        said.UserDetailsChanged(user_id="ann", email="a@example.org", display_name="A"),
        said.UserRoleChanged(user_id="ann", role="admin"),
        said.UserSignedIn(user_id="ann"),
        said.UserProfileChanged(
            user_id="ann", preferences={"x": 1}, avatar="a.png", timezone="Europe/Berlin"
        ),
    ).then(
        User(
            id="ann",
            azure_id="azure-ann",
            email="a@example.org",
            display_name="A",
            role="admin",
            last_login=FIRST_MOMENT + after(4),
        ),
        UserProfile(user_id="ann", preferences={"x": 1}, avatar="a.png", timezone="Europe/Berlin"),
    )


def test_a_token_is_issued_and_revoked_once() -> None:
    revoked = said.AuthTokenRevoked(token_id=TOKEN)
    given(Workspaces(), ANN, ISSUED, revoked, said.AuthTokenRevoked(token_id=TOKEN)).then(
        AuthToken(
            id=TOKEN,
            user_id="ann",
            token_hash="0" * 64,
            issued_at=NOW,
            expires_at=LATER,
            revoked_at=FIRST_MOMENT + after(3),
        )
    )


def test_a_session_from_start_to_end() -> None:
    entered = said.WorkspaceEntered(session_id=SESSION, workspace_id=WORKSPACE)
    longer = said.UserSessionExtended(session_id=SESSION, expires_at=LATER + after(9))
    story = [ANN, created_workspace(), STARTED, SEEN, entered, longer]
    session = UserSession(
        session_id=SESSION,
        user_id="ann",
        workspace_id=WORKSPACE,
        started_at=FIRST_MOMENT + after(3),
        expires_at=LATER + after(9),
        last_seen_at=FIRST_MOMENT + after(6),
    )
    given(Workspaces(), *story).then(session)
    session.ended_at, session.end_reason = FIRST_MOMENT + after(7), "revoked"
    given(Workspaces(), *story, ENDED).then(session)


@pytest.mark.parametrize(
    "event",
    [
        SEEN,
        said.UserSessionExtended(session_id=SESSION, expires_at=LATER),
        said.WorkspaceEntered(session_id=SESSION, workspace_id=None),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_session_that_is_over_is_not_used(event: Event) -> None:
    ended = given(Workspaces(), ANN, STARTED, ENDED).refuses(event, IllegalTransition)
    assert "is ended" in str(ended)
    short = STARTED.model_copy(update={"expires_at": FIRST_MOMENT + after(3)})
    expired = given(Workspaces(), ANN, short).refuses(event, IllegalTransition)
    assert "is expired" in str(expired)
    late = said.UserSessionEnded(session_id=SESSION, reason="expired")
    over = given(Workspaces(), ANN, short, late).row(UserSession)
    assert over.end_reason == "expired"
    given(Workspaces(), ANN, short, late).refuses(ENDED, IllegalTransition)


def test_nobody_enters_a_deleted_workspace() -> None:
    gone = [ANN, created_workspace(), STARTED, said.WorkspaceDeleted(workspace_id=WORKSPACE)]
    story = given(Workspaces(), *gone)
    story.refuses(
        said.WorkspaceEntered(session_id=SESSION, workspace_id=WORKSPACE), IllegalTransition
    )
    story.refuses(
        said.UserSessionStarted(
            session_id=uuid4(), user_id="ann", workspace_id=WORKSPACE, expires_at=LATER
        ),
        IllegalTransition,
    )


@pytest.mark.parametrize(
    ("before", "event", "cause"),
    [
        ([ANN], ANN, RowExists),
        ([], said.UserSignedIn(user_id="ann"), MissingRow),
        ([], ISSUED, MissingRow),
        ([ANN, ISSUED], ISSUED, RowExists),
        ([ANN], said.AuthTokenRevoked(token_id=TOKEN), MissingRow),
        ([], STARTED, MissingRow),
        ([ANN], STARTED.model_copy(update={"workspace_id": WORKSPACE}), MissingRow),
        ([ANN], SEEN, MissingRow),
    ],
)
def test_what_has_no_parent_or_is_there_already_is_refused(
    before: list[Event], event: Event, cause: type[Exception]
) -> None:
    given(Workspaces(), *before).refuses(event, cause)


@pytest.mark.parametrize(
    "email", ["", "ann", "@example.org", "ann@", "a nn@example.org", "a@b@c", "x" * 320 + "@b"]
)
def test_an_address_has_a_form(email: str) -> None:
    with pytest.raises(InvalidEvent):
        said.UserDetailsChanged(user_id="ann", email=email, display_name="Ann")


@pytest.mark.parametrize(
    "wrong",
    [
        {"token_hash": "the token itself"},
        {"token_hash": "A" * 64},
        {"expires_at": NOW},
        {"issued_at": "2026-01-01T00:00:00"},
        {"token": "x"},
    ],
)
def test_a_token_is_told_by_its_hash_and_lasts(wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidEvent):
        said.AuthTokenIssued(**dict(ISSUED) | wrong)


def test_an_id_of_a_person_is_any_text() -> None:
    for user_id in ("ann", str(UUID(int=1)), "x" * 128):
        assert said.UserSignedIn(user_id=user_id).user_id == user_id
    for user_id in ("", "x" * 129):
        with pytest.raises(InvalidEvent):
            said.UserSignedIn(user_id=user_id)
