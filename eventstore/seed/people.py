"""People: registered, described, signed in and out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from eventstore.seed import words
from eventstore.seed.crew import user_id
from eventstore.seed.story import Story
from eventstore.vocabulary.workspaces import (
    AuthTokenIssued,
    AuthTokenRevoked,
    Role,
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

__all__ = ["registered", "signed_in"]


def registered(story: Story, number: int, role: Role) -> None:
    """A person begins to use the system."""
    name, person = words.person(story), user_id(story.world, number)
    stream, admin = f"user-{person}", user_id(story.world, 0)
    mail = f"{name.lower().replace(' ', '.')}.{number}@s{story.world.seed}.example.com"
    about: dict[str, Any] = {"user_id": person, "email": mail}
    user = UserRegistered(**about, azure_id=f"aad-{person}", display_name=name, role=role)
    story.say(stream, user, agent=admin)
    profile = UserProfileChanged(
        user_id=person,
        preferences={"density": story.one_of(("compact", "cozy"))},
        avatar=f"https://pictures.example.com/{number}.png" if story.chance(0.5) else None,
        timezone=story.one_of(("Europe/Berlin", "America/New_York", "Asia/Tokyo", "UTC")),
    )
    story.say(stream, profile, agent=person)
    if story.chance(0.1):
        changed = UserDetailsChanged(**about, display_name=f"Dr. {name}")
        story.say(stream, changed, agent=person)
    if story.chance(0.1):
        reason = "New duties."
        story.say(
            stream, UserRoleChanged(user_id=person, role="approver", reason=reason), agent=admin
        )


def signed_in(story: Story, person: str, workspace: UUID, which: int) -> None:
    """A person signs in, works for a while, and mostly signs out."""
    token, session = story.id(f"token {which}"), story.id(f"session {which}")
    stream = f"user_session-{session}"
    issued = AuthTokenIssued(
        token_id=token,
        user_id=person,
        token_hash=story.digest(f"token {which}"),
        issued_at=story.now,
        expires_at=story.now + timedelta(days=7),
    )
    story.say(f"auth_token-{token}", issued, agent=person)
    story.say(f"user-{person}", UserSignedIn(user_id=person), agent=person, after=2)
    ends = story.now + timedelta(hours=1)
    started = UserSessionStarted(session_id=session, user_id=person, expires_at=ends)
    story.say(stream, started, agent=person, after=2)
    entered = WorkspaceEntered(session_id=session, workspace_id=workspace)
    story.say(stream, entered, agent=person, after=2)
    if story.chance(0.5):
        story.say(stream, UserSessionSeen(session_id=session), agent=person, after=600)
    if story.chance(0.3):
        extended = UserSessionExtended(session_id=session, expires_at=ends + timedelta(hours=8))
        story.say(stream, extended, agent=person, after=600)
    if story.chance(0.8):
        story.say(stream, UserSessionEnded(session_id=session), agent=person, after=600)
    if story.chance(0.1):
        revoked = AuthTokenRevoked(token_id=token, reason="It was lost.")
        story.say(f"auth_token-{token}", revoked, agent=person, after=900)
