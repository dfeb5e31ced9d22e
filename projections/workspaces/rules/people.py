"""How users, their profiles, tokens and sessions follow from events."""

from __future__ import annotations

from eventstore import RecordedEvent
from eventstore.vocabulary.workspaces import (
    AuthTokenIssued,
    AuthTokenRevoked,
    UserDetailsChanged,
    UserProfileChanged,
    UserRegistered,
    UserRoleChanged,
    UserSessionEnded,
    UserSessionExtended,
    UserSessionSeen,
    UserSessionStarted,
    UserSignedIn,
    WorkspaceEntered,
)
from projections.errors import IllegalTransition
from projections.projection import Projection, Rows, on
from projections.workspaces.rows import AuthToken, User, UserProfile, UserSession, Workspace
from projections.workspaces.rules.checks import workspace_in_use

__all__ = ["People"]


class People(
    Projection, name="workspaces", tables=(User, UserProfile, AuthToken, Workspace, UserSession)
):
    """Who the people are, how they sign in, and where they are at work."""

    @on(UserRegistered)
    def user_registered(self, event: UserRegistered, recorded: RecordedEvent, rows: Rows) -> None:
        rows.add(
            User(
                id=event.user_id,
                azure_id=event.azure_id,
                email=event.email,
                display_name=event.display_name,
                role=event.role,
            )
        )
        rows.add(UserProfile(user_id=event.user_id))

    @on(UserDetailsChanged)
    def user_details_changed(
        self, event: UserDetailsChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        user = rows.get(User)
        user.email, user.display_name = event.email, event.display_name

    @on(UserRoleChanged)
    def user_role_changed(
        self, event: UserRoleChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.get(User).role = event.role

    @on(UserSignedIn)
    def user_signed_in(self, event: UserSignedIn, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(User).last_login = recorded.occurred_at

    @on(UserProfileChanged)
    def profile_changed(
        self, event: UserProfileChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        profile = rows.get(UserProfile)
        profile.preferences = event.preferences
        profile.avatar, profile.timezone = event.avatar, event.timezone

    @on(AuthTokenIssued)
    def token_issued(self, event: AuthTokenIssued, recorded: RecordedEvent, rows: Rows) -> None:
        rows.see(User)  # its parent
        rows.add(
            AuthToken(
                id=event.token_id,
                user_id=event.user_id,
                token_hash=event.token_hash,
                issued_at=event.issued_at,
                expires_at=event.expires_at,
            )
        )

    @on(AuthTokenRevoked)
    def token_revoked(self, event: AuthTokenRevoked, recorded: RecordedEvent, rows: Rows) -> None:
        token = rows.get(AuthToken)
        if token.revoked_at is None:  # said twice, it is revoked since the first time
            token.revoked_at = recorded.occurred_at

    @on(UserSessionStarted)
    def user_session_started(
        self, event: UserSessionStarted, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.see(User)  # its parent
        if event.workspace_id is not None:
            workspace_in_use(rows)
        rows.add(
            UserSession(
                session_id=event.session_id,
                user_id=event.user_id,
                workspace_id=event.workspace_id,
                started_at=recorded.occurred_at,
                expires_at=event.expires_at,
                last_seen_at=recorded.occurred_at,
            )
        )

    @on(UserSessionSeen)
    def user_session_seen(
        self, event: UserSessionSeen, recorded: RecordedEvent, rows: Rows
    ) -> None:
        _open_session(rows, recorded)

    @on(UserSessionExtended)
    def user_session_extended(
        self, event: UserSessionExtended, recorded: RecordedEvent, rows: Rows
    ) -> None:
        _open_session(rows, recorded).expires_at = event.expires_at

    @on(WorkspaceEntered)
    def workspace_entered(
        self, event: WorkspaceEntered, recorded: RecordedEvent, rows: Rows
    ) -> None:
        if event.workspace_id is not None:
            workspace_in_use(rows)
        _open_session(rows, recorded).workspace_id = event.workspace_id

    @on(UserSessionEnded)
    def user_session_ended(
        self, event: UserSessionEnded, recorded: RecordedEvent, rows: Rows
    ) -> None:
        session = rows.get(UserSession)
        if session.ended_at is not None:
            raise IllegalTransition("user_sessions", session.session_id, "ended", event.reason)
        session.ended_at, session.end_reason = recorded.occurred_at, event.reason


def _open_session(rows: Rows, recorded: RecordedEvent) -> UserSession:
    """The session, seen now; raises IllegalTransition when it has ended or its time is over."""
    session = rows.get(UserSession)
    if session.ended_at is not None or session.expires_at <= recorded.occurred_at:
        state = "expired" if session.ended_at is None else "ended"
        raise IllegalTransition("user_sessions", session.session_id, state, "used")
    session.last_seen_at = recorded.occurred_at
    return session
