"""Tokens to sign in with, and sessions, in which nothing happens once they are over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import AwareDatetime

from eventstore.command import Command, Decision, State, Timed
from eventstore.commands.event_of import event_of
from eventstore.commands.unique import unique
from eventstore.commands.workspaces.people import User, user
from eventstore.commands.workspaces.spaces import Workspace, workspace
from eventstore.event import Event
from eventstore.refusals import (
    AlreadyExists,
    DoesNotExist,
    InvalidCommand,
    NotAllowed,
    SessionEnded,
)
from eventstore.vocabulary.fields import Sha256, UserId
from eventstore.vocabulary.workspaces.people import (
    AuthTokenIssued,
    AuthTokenRevoked,
    SessionEnd,
    UserSessionEnded,
    UserSessionExtended,
    UserSessionSeen,
    UserSessionStarted,
    WorkspaceEntered,
)

__all__ = [
    "AuthToken",
    "EndUserSession",
    "EnterWorkspace",
    "ExtendUserSession",
    "IssueAuthToken",
    "RecordPresence",
    "RevokeAuthToken",
    "StartUserSession",
    "UserSession",
    "auth_token",
    "user_session",
]


@dataclass(frozen=True, slots=True)
class AuthToken:
    """Whether a token was issued, and revoked."""

    issued: bool = False
    revoked: bool = False

    def after(self, event: Event) -> Self:
        if isinstance(event, AuthTokenIssued):
            return replace(self, issued=True)
        return replace(self, revoked=True) if isinstance(event, AuthTokenRevoked) else self


def auth_token(token_id: UUID) -> dict[str, State]:
    """The stream of a token."""
    return {f"auth_token-{token_id}": AuthToken()}


class IssueAuthToken(Command):
    """Gives a person a token to sign in with, by its hash."""

    token_id: UUID
    user_id: UserId
    token_hash: Sha256
    issued_at: AwareDatetime
    expires_at: AwareDatetime

    def reads(self) -> dict[str, State]:
        return auth_token(self.token_id) | user(self.user_id)

    def decide(self, token: AuthToken, user: User) -> Decision:
        if token.issued:
            raise AlreadyExists("token", self.token_id)
        user.require(self.user_id)
        claim = unique("workspaces.auth_token.hash", self.token_hash)
        return Decision([event_of(AuthTokenIssued, self)], claims=[claim])


class RevokeAuthToken(Command):
    """Makes a token invalid before its time."""

    token_id: UUID
    reason: str | None = None

    def reads(self) -> dict[str, State]:
        return auth_token(self.token_id)

    def decide(self, token: AuthToken) -> Event:
        if not token.issued:
            raise DoesNotExist("token", self.token_id)
        if token.revoked:
            raise NotAllowed(f"token {self.token_id} is revoked already")
        return event_of(AuthTokenRevoked, self)


@dataclass(frozen=True, slots=True)
class UserSession:
    """Whose session it is, until when, and how it ended."""

    user_id: str | None = None
    expires_at: datetime | None = None
    ended: SessionEnd | None = None

    def after(self, event: Event) -> Self:
        if isinstance(event, UserSessionStarted):
            return replace(self, user_id=event.user_id, expires_at=event.expires_at)
        if isinstance(event, UserSessionExtended):
            return replace(self, expires_at=event.expires_at)
        return replace(self, ended=event.reason) if isinstance(event, UserSessionEnded) else self

    def require_begun(self, session_id: UUID) -> tuple[str, datetime]:
        """Whose it is and until when; raises DoesNotExist, or SessionEnded when it was ended."""
        if self.user_id is None or self.expires_at is None:
            raise DoesNotExist("user session", session_id)
        if self.ended is not None:
            raise SessionEnded(session_id, self.ended)
        return self.user_id, self.expires_at

    def require_open(self, session_id: UUID, at: datetime) -> str:
        """Whose it is; raises SessionEnded for one whose time is over at that moment, too."""
        user_id, expires_at = self.require_begun(session_id)
        if expires_at <= at:
            raise SessionEnded(session_id, "expired", expires_at.isoformat())
        return user_id


def user_session(session_id: UUID) -> dict[str, State]:
    """The stream of a person's session."""
    return {f"user_session-{session_id}": UserSession()}


class _OfSession(Timed):
    session_id: UUID

    def reads(self) -> dict[str, State]:
        return user_session(self.session_id)

    def require_later(self, expires_at: datetime) -> None:
        """Raises InvalidCommand for an end that is past already."""
        if expires_at <= self.at:
            raise InvalidCommand(
                f"{expires_at.isoformat()} is not after {self.at.isoformat()}, the time of the "
                "command",
                path="expires_at",
                command=type(self).__name__,
            )


class StartUserSession(_OfSession):
    """Begins a person's session, in a workspace of theirs or in none yet."""

    user_id: UserId
    workspace_id: UUID | None = None
    expires_at: AwareDatetime

    def reads(self) -> dict[str, State]:
        place = {} if self.workspace_id is None else workspace(self.workspace_id)
        return super().reads() | user(self.user_id) | place

    def decide(self, session: UserSession, user: User, place: Workspace | None = None) -> Event:
        if session.user_id is not None:
            raise AlreadyExists("user session", self.session_id)
        user.require(self.user_id)
        self.require_later(self.expires_at)
        if place is not None and self.workspace_id is not None:
            place.require_member(self.workspace_id, self.user_id)
        return event_of(UserSessionStarted, self)


class RecordPresence(_OfSession):
    """Records that a person is still there."""

    def decide(self, session: UserSession) -> Event:
        session.require_open(self.session_id, self.at)
        return event_of(UserSessionSeen, self)


class ExtendUserSession(_OfSession):
    """Lets a session that is not over last until then."""

    expires_at: AwareDatetime

    def decide(self, session: UserSession) -> Event:
        session.require_open(self.session_id, self.at)
        self.require_later(self.expires_at)
        return event_of(UserSessionExtended, self)


class EnterWorkspace(_OfSession):
    """Lets a person go on in another workspace of theirs, or in none."""

    workspace_id: UUID | None

    def reads(self) -> dict[str, State]:
        place = {} if self.workspace_id is None else workspace(self.workspace_id)
        return super().reads() | place

    def decide(self, session: UserSession, place: Workspace | None = None) -> Event:
        user_id = session.require_open(self.session_id, self.at)
        if place is not None and self.workspace_id is not None:
            place.require_member(self.workspace_id, user_id)
        return event_of(WorkspaceEntered, self)


class EndUserSession(_OfSession):
    """Ends a session; as expired only when its time is over."""

    reason: SessionEnd = "signed_out"

    def decide(self, session: UserSession) -> Event:
        _, expires_at = session.require_begun(self.session_id)
        if self.reason == "expired" and expires_at > self.at:
            raise NotAllowed(
                f"session {self.session_id} lasts until {expires_at.isoformat()}; end it as "
                "revoked or signed_out"
            )
        return event_of(UserSessionEnded, self)
