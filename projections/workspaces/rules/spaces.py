"""How workspaces, their members, configurations and settings follow from events."""

from __future__ import annotations

from eventstore import RecordedEvent
from eventstore.vocabulary.workspaces import (
    MemberAdded,
    MemberRemoved,
    MemberRoleChanged,
    WorkspaceConfigChanged,
    WorkspaceCreated,
    WorkspaceDeleted,
    WorkspaceDetailsChanged,
    WorkspaceOwnerChanged,
    WorkspaceRestored,
    WorkspaceServicesChanged,
    WorkspaceSettingsChanged,
)
from projections.errors import Contradiction, IllegalTransition
from projections.projection import Projection, Rows, on
from projections.workspaces.rows import (
    User,
    Workspace,
    WorkspaceConfig,
    WorkspaceMember,
    WorkspaceSettings,
)
from projections.workspaces.rules.checks import workspace_in_use

__all__ = ["Spaces"]


class Spaces(
    Projection,
    name="workspaces",
    tables=(User, Workspace, WorkspaceMember, WorkspaceConfig, WorkspaceSettings),
):
    """What the workspaces are, whose they are, and who belongs to them."""

    @on(WorkspaceCreated)
    def workspace_created(
        self, event: WorkspaceCreated, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.see(User)  # its parent
        rows.add(
            Workspace(
                id=event.workspace_id,
                name=event.name,
                description=event.description,
                owner_id=event.owner_id,
                github_repo_url=event.github_repo_url,
                sharepoint_config=event.sharepoint_config,
                ignis_config=event.ignis_config,
            )
        )
        rows.add(
            WorkspaceMember(workspace_id=event.workspace_id, user_id=event.owner_id, role="admin")
        )
        rows.add(WorkspaceSettings(workspace_id=event.workspace_id))

    @on(WorkspaceDetailsChanged)
    def workspace_details_changed(
        self, event: WorkspaceDetailsChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        workspace_in_use(rows)
        workspace = rows.get(Workspace)
        workspace.name, workspace.description = event.name, event.description

    @on(WorkspaceServicesChanged)
    def workspace_services_changed(
        self, event: WorkspaceServicesChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        workspace_in_use(rows)
        workspace = rows.get(Workspace)
        workspace.github_repo_url = event.github_repo_url
        workspace.sharepoint_config = event.sharepoint_config
        workspace.ignis_config = event.ignis_config

    @on(WorkspaceOwnerChanged)
    def workspace_owner_changed(
        self, event: WorkspaceOwnerChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        workspace_in_use(rows)
        rows.see(User)  # its parent
        rows.get(Workspace).owner_id = event.owner_id
        member = rows.find(WorkspaceMember)
        if member is not None:
            member.role = "admin"
        else:
            rows.add(
                WorkspaceMember(
                    workspace_id=event.workspace_id, user_id=event.owner_id, role="admin"
                )
            )

    @on(WorkspaceDeleted)
    def workspace_deleted(
        self, event: WorkspaceDeleted, recorded: RecordedEvent, rows: Rows
    ) -> None:
        workspace = rows.get(Workspace)
        if workspace.deleted_at is None:  # said twice, it is deleted since the first time
            workspace.deleted_at = recorded.occurred_at

    @on(WorkspaceRestored)
    def workspace_restored(
        self, event: WorkspaceRestored, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.get(Workspace).deleted_at = None

    @on(MemberAdded)
    def member_added(self, event: MemberAdded, recorded: RecordedEvent, rows: Rows) -> None:
        workspace_in_use(rows)
        rows.see(User)  # its parent
        rows.add(
            WorkspaceMember(workspace_id=event.workspace_id, user_id=event.user_id, role=event.role)
        )

    @on(MemberRoleChanged)
    def member_role_changed(
        self, event: MemberRoleChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        if event.role != "admin":
            _must_not_own(event, rows, event.role)
        rows.get(WorkspaceMember).role = event.role

    @on(MemberRemoved)
    def member_removed(self, event: MemberRemoved, recorded: RecordedEvent, rows: Rows) -> None:
        _must_not_own(event, rows, "removed")
        rows.remove(WorkspaceMember)

    @on(WorkspaceConfigChanged)
    def workspace_config_changed(
        self, event: WorkspaceConfigChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        workspace_in_use(rows)
        workspace = rows.get(Workspace)
        workspace.config_version += 1
        if event.config_version != workspace.config_version:
            raise Contradiction(
                "workspaces",
                workspace.id,
                "config_version",
                workspace.config_version,
                event.config_version,
            )
        rows.add(
            WorkspaceConfig(
                workspace_id=event.workspace_id,
                config_version=event.config_version,
                config=event.config,
                changed_by=recorded.agent,
                reason=event.reason,
            )
        )

    @on(WorkspaceSettingsChanged)
    def workspace_settings_changed(
        self, event: WorkspaceSettingsChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        workspace_in_use(rows)
        chosen = rows.get(WorkspaceSettings)
        chosen.chat_history_days, chosen.settings = event.chat_history_days, event.settings


def _must_not_own(event: MemberRoleChanged | MemberRemoved, rows: Rows, after: str) -> None:
    """Raises IllegalTransition for the owner, who stays a member, as admin."""
    if rows.see(Workspace).owner_id == event.user_id:
        key = f"{event.workspace_id} {event.user_id}"
        raise IllegalTransition("workspace_members", key, "owner", after)
