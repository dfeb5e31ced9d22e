"""Workspaces: what they are set up with, who belongs to them, and whose they are."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from eventstore.event import Event
from eventstore.vocabulary.fields import Name, UserId
from eventstore.vocabulary.secrets import OpenJson, refuse_secrets
from eventstore.vocabulary.workspaces.people import Role

__all__ = [
    "CHAT_HISTORY_DAYS",
    "MemberAdded",
    "MemberRemoved",
    "MemberRoleChanged",
    "WorkspaceConfigChanged",
    "WorkspaceCreated",
    "WorkspaceDeleted",
    "WorkspaceDetailsChanged",
    "WorkspaceOwnerChanged",
    "WorkspaceRestored",
    "WorkspaceServicesChanged",
    "WorkspaceSettingsChanged",
]

CHAT_HISTORY_DAYS: Final = 90
"""How long a workspace keeps its chat history until it says otherwise."""

RepositoryUrl = Annotated[
    str,
    StringConstraints(
        pattern=r"^(?:(?:https?|ssh|git)://\S+|[^\s@:/]+@[^\s:]+:\S+)$", max_length=2048
    ),
    AfterValidator(refuse_secrets),
]
"""Address of a git repository, without a password in it."""


class WorkspaceCreated(Event, event_type="workspaces.workspace_created"):
    """There is a workspace; its owner is a member, as admin."""

    workspace_id: UUID
    name: Name
    description: str | None = None
    owner_id: UserId
    github_repo_url: RepositoryUrl | None = None
    sharepoint_config: OpenJson = Field(default_factory=dict)
    ignis_config: OpenJson = Field(default_factory=dict)


class WorkspaceDetailsChanged(Event, event_type="workspaces.workspace_details_changed"):
    """These are the workspace's name and description now."""

    workspace_id: UUID
    name: Name
    description: str | None


class WorkspaceServicesChanged(Event, event_type="workspaces.workspace_services_changed"):
    """This is where the workspace keeps things outside now, all of it."""

    workspace_id: UUID
    github_repo_url: RepositoryUrl | None
    sharepoint_config: OpenJson
    ignis_config: OpenJson


class WorkspaceOwnerChanged(
    Event, event_type="workspaces.workspace_owner_changed", retention="audit"
):
    """A workspace is somebody else's now, who is a member, as admin; the former owner stays one."""

    workspace_id: UUID
    owner_id: UserId


class WorkspaceDeleted(Event, event_type="workspaces.workspace_deleted", retention="audit"):
    """A workspace is out of use, with all that is in it; it can be restored."""

    workspace_id: UUID
    reason: str | None = None


class WorkspaceRestored(Event, event_type="workspaces.workspace_restored", retention="audit"):
    """A deleted workspace is in use again."""

    workspace_id: UUID
    reason: str | None = None


class MemberAdded(Event, event_type="workspaces.member_added", retention="audit"):
    """A person belongs to a workspace."""

    workspace_id: UUID
    user_id: UserId
    role: Role


class MemberRoleChanged(Event, event_type="workspaces.member_role_changed", retention="audit"):
    """A member may do what this role may, from now on, in this workspace."""

    workspace_id: UUID
    user_id: UserId
    role: Role


class MemberRemoved(Event, event_type="workspaces.member_removed", retention="audit"):
    """A person does not belong to a workspace any more; an owner can't be removed."""

    workspace_id: UUID
    user_id: UserId
    reason: str | None = None


class WorkspaceConfigChanged(Event, event_type="workspaces.workspace_config_changed"):
    """A workspace is configured like this from now on; the versions before are kept."""

    workspace_id: UUID
    config_version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    """The next one: 1 for the first, then without gaps."""
    config: OpenJson
    reason: str | None = None


class WorkspaceSettingsChanged(
    Event, event_type="workspaces.workspace_settings_changed", retention="audit"
):
    """These are the workspace's settings now, all of them."""

    workspace_id: UUID
    chat_history_days: Annotated[int, Field(ge=1, le=36_500)]
    """How long messages of its chats are kept live."""
    settings: OpenJson
