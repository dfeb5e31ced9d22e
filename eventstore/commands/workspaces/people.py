"""People: registered under an e-mail and a directory id that nobody else has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Self

from pydantic import StringConstraints

from eventstore.command import Command, Decision, State
from eventstore.commands.event_of import event_of
from eventstore.commands.unique import unique
from eventstore.event import Event
from eventstore.guards import Claim
from eventstore.refusals import AlreadyExists, DoesNotExist
from eventstore.vocabulary.fields import Json, Name, UserId
from eventstore.vocabulary.workspaces.people import (
    AzureId,
    Email,
    Role,
    Timezone,
    UserDetailsChanged,
    UserProfileChanged,
    UserRegistered,
    UserRoleChanged,
    UserSignedIn,
)

__all__ = [
    "ChangeUserDetails",
    "ChangeUserProfile",
    "ChangeUserRole",
    "RecordSignIn",
    "RegisterUser",
    "User",
    "user",
]


@dataclass(frozen=True, slots=True)
class User:
    """A person's e-mail; None as long as there is no such person."""

    email: str | None = None

    def after(self, event: Event) -> Self:
        if isinstance(event, UserRegistered | UserDetailsChanged):
            return replace(self, email=event.email)
        return self

    def require(self, user_id: str) -> None:
        """Raises DoesNotExist unless there is such a person."""
        if self.email is None:
            raise DoesNotExist("user", user_id)


def user(user_id: str) -> dict[str, State]:
    """The stream of a person."""
    return {f"user-{user_id}": User()}


def _email(email: str) -> Claim:
    return unique("workspaces.user.email", email.casefold())


class _OfUser(Command):
    user_id: UserId

    def reads(self) -> dict[str, State]:
        return user(self.user_id)


class RegisterUser(_OfUser):
    """Lets a person use the system."""

    azure_id: AzureId
    email: Email
    display_name: Name
    role: Role = "viewer"

    def decide(self, user: User) -> Decision:
        if user.email is not None:
            raise AlreadyExists("user", self.user_id)
        claims = [_email(self.email), unique("workspaces.user.azure_id", self.azure_id)]
        return Decision([event_of(UserRegistered, self)], claims=claims)


class ChangeUserDetails(_OfUser):
    """Says anew how a person is reached and called."""

    email: Email
    display_name: Name

    def decide(self, user: User) -> Decision:
        user.require(self.user_id)
        assert user.email is not None, "require has seen to it"
        former, now = _email(user.email), _email(self.email)
        releases = [] if former == now else [former]
        event = event_of(UserDetailsChanged, self)
        return Decision([event], claims=[now], releases=releases)


class ChangeUserRole(_OfUser):
    """Lets a person do what another role may."""

    role: Role
    reason: str | None = None

    def decide(self, user: User) -> Event:
        user.require(self.user_id)
        return event_of(UserRoleChanged, self)


class RecordSignIn(_OfUser):
    """Records that a person proved who they are."""

    def decide(self, user: User) -> Event:
        user.require(self.user_id)
        return event_of(UserSignedIn, self)


class ChangeUserProfile(_OfUser):
    """Says anew all of a person's profile."""

    preferences: Json
    avatar: Annotated[str, StringConstraints(min_length=1, max_length=2048)] | None
    timezone: Timezone

    def decide(self, user: User) -> Event:
        user.require(self.user_id)
        return event_of(UserProfileChanged, self)
