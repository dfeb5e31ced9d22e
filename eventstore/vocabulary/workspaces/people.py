"""People: who they are, how they sign in, and where they are at work."""

from __future__ import annotations

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import StringConstraints, model_validator

from eventstore.event import Event
from eventstore.vocabulary.fields import Json, Moment, Name, Sha256, UserId

__all__ = [
    "AuthTokenIssued",
    "AuthTokenRevoked",
    "Role",
    "SessionEnd",
    "UserDetailsChanged",
    "UserProfileChanged",
    "UserRegistered",
    "UserRoleChanged",
    "UserSessionEnded",
    "UserSessionExtended",
    "UserSessionSeen",
    "UserSessionStarted",
    "UserSignedIn",
    "WorkspaceEntered",
]

Role = Literal["viewer", "packager", "approver", "admin"]
SessionEnd = Literal["signed_out", "expired", "revoked"]

Email = Annotated[
    str, StringConstraints(pattern=r"^[^\s@\x00-\x1f\x7f]+@[^\s@\x00-\x1f\x7f]+$", max_length=320)
]
"""An e-mail address as its owner writes it; two that differ in case alone are the same."""

AzureId = Annotated[str, StringConstraints(min_length=1, max_length=128)]
"""Object id of a person in the directory that signs people in."""

Timezone = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+/-]+$", max_length=64)]
"""Name of a time zone in the tz database, such as Europe/Berlin."""


class UserRegistered(Event, event_type="workspaces.user_registered", retention="audit"):
    """A person may use the system now, with an empty profile."""

    user_id: UserId
    azure_id: AzureId
    email: Email
    display_name: Name
    role: Role = "viewer"


class UserDetailsChanged(Event, event_type="workspaces.user_details_changed", retention="audit"):
    """This is how the person is reached and called now."""

    user_id: UserId
    email: Email
    display_name: Name


class UserRoleChanged(Event, event_type="workspaces.user_role_changed", retention="audit"):
    """A person may do what this role may, from now on."""

    user_id: UserId
    role: Role
    reason: str | None = None


class UserSignedIn(Event, event_type="workspaces.user_signed_in", retention="audit"):
    """A person proved who they are."""

    user_id: UserId


class UserProfileChanged(Event, event_type="workspaces.user_profile_changed"):
    """This is the person's profile now, all of it."""

    user_id: UserId
    preferences: Json
    avatar: Annotated[str, StringConstraints(min_length=1, max_length=2048)] | None
    """Where the picture is."""
    timezone: Timezone


class AuthTokenIssued(Event, event_type="workspaces.auth_token_issued", retention="audit"):
    """A person has a token to sign in with; only its hash is ever said."""

    token_id: UUID
    user_id: UserId
    token_hash: Sha256
    issued_at: Moment
    expires_at: Moment

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.expires_at <= self.issued_at:
            raise ValueError("expires_at has to be after issued_at")
        return self


class AuthTokenRevoked(Event, event_type="workspaces.auth_token_revoked", retention="audit"):
    """A token is not valid any more, before its time."""

    token_id: UUID
    reason: str | None = None


class UserSessionStarted(Event, event_type="workspaces.user_session_started"):
    """A person begins to work, in a workspace or in none yet."""

    session_id: UUID
    user_id: UserId
    workspace_id: UUID | None = None
    expires_at: Moment


class UserSessionSeen(Event, event_type="workspaces.user_session_seen"):
    """A person is still there; said now and then, not with every click."""

    session_id: UUID


class UserSessionExtended(Event, event_type="workspaces.user_session_extended"):
    """A session that is not over lasts until then."""

    session_id: UUID
    expires_at: Moment


class WorkspaceEntered(Event, event_type="workspaces.workspace_entered"):
    """A person goes on in another workspace, or in none when it is null."""

    session_id: UUID
    workspace_id: UUID | None


class UserSessionEnded(Event, event_type="workspaces.user_session_ended"):
    """A session is over."""

    session_id: UUID
    reason: SessionEnd = "signed_out"
