"""Workspaces: made, set up, shared with members, deleted and restored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field

from eventstore.command import Command, State
from eventstore.commands.event_of import event_of
from eventstore.commands.workspaces.people import User, user
from eventstore.event import Event
from eventstore.refusals import AlreadyExists, DoesNotExist, NotAllowed
from eventstore.vocabulary.fields import Name, Number, UserId
from eventstore.vocabulary.secrets import OpenJson
from eventstore.vocabulary.workspaces.people import Role
from eventstore.vocabulary.workspaces.services import (
    IntegrationStatus,
    WorkspaceIntegrationAdded,
    WorkspaceIntegrationRemoved,
    WorkspaceIntegrationStatusChanged,
)
from eventstore.vocabulary.workspaces.spaces import (
    MemberAdded,
    MemberRemoved,
    MemberRoleChanged,
    RepositoryUrl,
    WorkspaceConfigChanged,
    WorkspaceCreated,
    WorkspaceDeleted,
    WorkspaceDetailsChanged,
    WorkspaceOwnerChanged,
    WorkspaceRestored,
    WorkspaceServicesChanged,
    WorkspaceSettingsChanged,
)

__all__ = [
    "AddMember",
    "ChangeMemberRole",
    "ChangeWorkspaceConfig",
    "ChangeWorkspaceDetails",
    "ChangeWorkspaceOwner",
    "ChangeWorkspaceServices",
    "ChangeWorkspaceSettings",
    "CreateWorkspace",
    "DeleteWorkspace",
    "InWorkspace",
    "RemoveMember",
    "RestoreWorkspace",
    "Workspace",
    "workspace",
]


@dataclass(frozen=True, slots=True)
class Workspace:
    """Whose a workspace is, who belongs to it, and through which accounts it synchronises."""

    owner_id: str | None = None
    """None as long as there is no such workspace."""
    deleted: bool = False
    members: frozenset[str] = frozenset()
    config_version: int = 0
    integrations: Mapping[UUID, IntegrationStatus] = field(default_factory=dict)
    """Each account that it uses, with the status that people gave it."""

    def after(self, event: Event) -> Self:
        match event:
            case WorkspaceCreated(owner_id=owner) | WorkspaceOwnerChanged(owner_id=owner):
                return replace(self, owner_id=owner, members=self.members | {owner})
            case WorkspaceDeleted() | WorkspaceRestored():
                return replace(self, deleted=isinstance(event, WorkspaceDeleted))
            case MemberAdded(user_id=member):
                return replace(self, members=self.members | {member})
            case MemberRemoved(user_id=member):
                return replace(self, members=self.members - {member})
            case WorkspaceConfigChanged(config_version=version):
                return replace(self, config_version=version)
            case WorkspaceIntegrationAdded(connection_id=account):
                return replace(self, integrations={**self.integrations, account: "active"})
            case WorkspaceIntegrationStatusChanged(connection_id=account, status=status):
                return replace(self, integrations={**self.integrations, account: status})
            case WorkspaceIntegrationRemoved(connection_id=account):
                left = {each: at for each, at in self.integrations.items() if each != account}
                return replace(self, integrations=left)
            case _:
                return self

    def require(self, workspace_id: UUID) -> None:
        """Raises DoesNotExist unless it is in use."""
        if self.owner_id is None or self.deleted:
            raise DoesNotExist("workspace", workspace_id, deleted=self.deleted)

    def require_member(self, workspace_id: UUID, user_id: str) -> None:
        """Raises DoesNotExist unless it is in use and the person belongs to it."""
        self.require(workspace_id)
        if user_id not in self.members:
            raise DoesNotExist(f"member of workspace {workspace_id}", user_id)


def workspace(workspace_id: UUID) -> dict[str, State]:
    """The stream of a workspace."""
    return {f"workspace-{workspace_id}": Workspace()}


class InWorkspace(Command):
    """A wish that is written to the stream of a workspace."""

    workspace_id: UUID

    def reads(self) -> dict[str, State]:
        return workspace(self.workspace_id)


class CreateWorkspace(InWorkspace):
    """Makes a workspace, whose owner is its first member."""

    name: Name
    description: str | None = None
    owner_id: UserId
    github_repo_url: RepositoryUrl | None = None
    sharepoint_config: OpenJson = Field(default_factory=dict)
    ignis_config: OpenJson = Field(default_factory=dict)

    def reads(self) -> dict[str, State]:
        return super().reads() | user(self.owner_id)

    def decide(self, workspace: Workspace, owner: User) -> Event:
        if workspace.owner_id is not None:
            raise AlreadyExists("workspace", self.workspace_id)
        owner.require(self.owner_id)
        return event_of(WorkspaceCreated, self)


class _Change(InWorkspace):
    says: ClassVar[type[Event]]

    def decide(self, workspace: Workspace) -> Event:
        workspace.require(self.workspace_id)
        return event_of(self.says, self)


class ChangeWorkspaceDetails(_Change):
    """Gives a workspace another name and description."""

    says = WorkspaceDetailsChanged
    name: Name
    description: str | None


class ChangeWorkspaceServices(_Change):
    """Says anew where a workspace keeps things outside."""

    says = WorkspaceServicesChanged
    github_repo_url: RepositoryUrl | None
    sharepoint_config: OpenJson
    ignis_config: OpenJson


class ChangeWorkspaceSettings(_Change):
    """Says anew all settings of a workspace."""

    says = WorkspaceSettingsChanged
    chat_history_days: Annotated[int, Field(ge=1, le=36_500)]
    settings: OpenJson


class ChangeWorkspaceConfig(InWorkspace):
    """Configures a workspace anew; the versions before are kept."""

    config: OpenJson
    reason: str | None = None
    config_version: Number | None = None
    """The version that this is to be, for who changes one that they have read; null: the next."""

    def decide(self, workspace: Workspace) -> Event:
        workspace.require(self.workspace_id)
        following = workspace.config_version + 1
        if self.config_version not in (None, following):
            raise NotAllowed(
                f"the next configuration of workspace {self.workspace_id} is version {following}, "
                f"not {self.config_version}; read what it is now and decide again"
            )
        return event_of(WorkspaceConfigChanged, self, config_version=following)


class ChangeWorkspaceOwner(InWorkspace):
    """Gives a workspace to somebody else, who becomes a member."""

    owner_id: UserId

    def reads(self) -> dict[str, State]:
        return super().reads() | user(self.owner_id)

    def decide(self, workspace: Workspace, owner: User) -> Event:
        workspace.require(self.workspace_id)
        owner.require(self.owner_id)
        return event_of(WorkspaceOwnerChanged, self)


class DeleteWorkspace(_Change):
    """Takes a workspace out of use, with all that is in it; it can be restored."""

    says = WorkspaceDeleted
    reason: str | None = None


class RestoreWorkspace(InWorkspace):
    """Takes a deleted workspace into use again."""

    reason: str | None = None

    def decide(self, workspace: Workspace) -> Event:
        if workspace.owner_id is None:
            raise DoesNotExist("workspace", self.workspace_id)
        if not workspace.deleted:
            raise NotAllowed(f"workspace {self.workspace_id} is not deleted")
        return event_of(WorkspaceRestored, self)


class AddMember(InWorkspace):
    """Lets a person belong to a workspace."""

    user_id: UserId
    role: Role

    def reads(self) -> dict[str, State]:
        return super().reads() | user(self.user_id)

    def decide(self, workspace: Workspace, user: User) -> Event:
        workspace.require(self.workspace_id)
        user.require(self.user_id)
        if self.user_id in workspace.members:
            raise AlreadyExists(f"member of workspace {self.workspace_id}", self.user_id)
        return event_of(MemberAdded, self)


class ChangeMemberRole(InWorkspace):
    """Lets a member do what another role may; the owner stays admin."""

    user_id: UserId
    role: Role

    def decide(self, workspace: Workspace) -> Event:
        workspace.require_member(self.workspace_id, self.user_id)
        if self.role != "admin":
            _must_not_own(workspace, self)
        return event_of(MemberRoleChanged, self)


class RemoveMember(InWorkspace):
    """Lets a member belong to a workspace no more; the owner stays."""

    user_id: UserId
    reason: str | None = None

    def decide(self, workspace: Workspace) -> Event:
        workspace.require_member(self.workspace_id, self.user_id)
        _must_not_own(workspace, self)
        return event_of(MemberRemoved, self)


def _must_not_own(workspace: Workspace, command: ChangeMemberRole | RemoveMember) -> None:
    if workspace.owner_id == command.user_id:
        raise NotAllowed(
            f"{command.user_id} owns workspace {command.workspace_id} and stays its admin; "
            "give it to somebody else first"
        )
