"""How services outside, our accounts there and the use of these follow from events."""

from __future__ import annotations

from eventstore import RecordedEvent
from eventstore.vocabulary.secrets import Sealed
from eventstore.vocabulary.workspaces import (
    ConnectionChanged,
    ConnectionClosed,
    ConnectionCredentialsChanged,
    ConnectionOpened,
    ConnectionStatusChanged,
    IntegrationChanged,
    IntegrationConfigured,
    IntegrationCredentialsChanged,
    IntegrationStatusChanged,
    WorkspaceIntegrationAdded,
    WorkspaceIntegrationRemoved,
    WorkspaceIntegrationStatusChanged,
)
from projections.errors import IllegalTransition
from projections.projection import Projection, Rows, on
from projections.workspaces.rows import (
    ExternalConnection,
    IntegrationConfig,
    User,
    Workspace,
    WorkspaceIntegration,
)
from projections.workspaces.rules.checks import workspace_in_use

__all__ = ["Services"]


class Services(
    Projection,
    name="workspaces",
    tables=(User, Workspace, IntegrationConfig, ExternalConnection, WorkspaceIntegration),
):
    """Which services there are, our accounts at them, and which workspace uses which."""

    @on(IntegrationConfigured)
    def integration_configured(
        self, event: IntegrationConfigured, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.add(
            IntegrationConfig(
                id=event.integration_id,
                service_type=event.service_type,
                name=event.name,
                service_config=event.service_config,
                credentials=_envelope(event.credentials),
            )
        )

    @on(IntegrationChanged)
    def integration_changed(
        self, event: IntegrationChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        integration = rows.get(IntegrationConfig)
        integration.name, integration.service_config = event.name, event.service_config

    @on(IntegrationCredentialsChanged)
    def integration_credentials_changed(
        self, event: IntegrationCredentialsChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.get(IntegrationConfig).credentials = _envelope(event.credentials)

    @on(IntegrationStatusChanged)
    def integration_status_changed(
        self, event: IntegrationStatusChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.get(IntegrationConfig).status = event.status

    @on(ConnectionOpened)
    def connection_opened(
        self, event: ConnectionOpened, recorded: RecordedEvent, rows: Rows
    ) -> None:
        if event.user_id is not None:
            rows.see(User)
        rows.add(
            ExternalConnection(
                id=event.connection_id,
                integration_id=event.integration_id,
                user_id=event.user_id,
                service_type=rows.see(IntegrationConfig).service_type,
                service_config=event.service_config,
                credentials=_envelope(event.credentials),
            )
        )

    @on(ConnectionChanged)
    def connection_changed(
        self, event: ConnectionChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        _open_connection(rows).service_config = event.service_config

    @on(ConnectionCredentialsChanged)
    def connection_credentials_changed(
        self, event: ConnectionCredentialsChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        _open_connection(rows).credentials = _envelope(event.credentials)

    @on(ConnectionStatusChanged)
    def connection_status_changed(
        self, event: ConnectionStatusChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        _open_connection(rows).status = event.status

    @on(ConnectionClosed)
    def connection_closed(
        self, event: ConnectionClosed, recorded: RecordedEvent, rows: Rows
    ) -> None:
        connection = _open_connection(rows)
        connection.status, connection.credentials = "inactive", None
        connection.closed_at = recorded.occurred_at

    @on(WorkspaceIntegrationAdded)
    def workspace_integration_added(
        self, event: WorkspaceIntegrationAdded, recorded: RecordedEvent, rows: Rows
    ) -> None:
        workspace_in_use(rows)
        _must_be_open(rows.see(ExternalConnection))
        rows.add(
            WorkspaceIntegration(
                workspace_id=event.workspace_id,
                connection_id=event.connection_id,
                sync_metadata=event.sync_metadata,
            )
        )

    @on(WorkspaceIntegrationStatusChanged)
    def workspace_integration_status_changed(
        self, event: WorkspaceIntegrationStatusChanged, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.get(WorkspaceIntegration).integration_status = event.status

    @on(WorkspaceIntegrationRemoved)
    def workspace_integration_removed(
        self, event: WorkspaceIntegrationRemoved, recorded: RecordedEvent, rows: Rows
    ) -> None:
        rows.remove(WorkspaceIntegration)


def _open_connection(rows: Rows) -> ExternalConnection:
    """The account, to be changed; raises IllegalTransition when it is not used any more."""
    connection = rows.get(ExternalConnection)
    _must_be_open(connection)
    return connection


def _must_be_open(connection: ExternalConnection) -> None:
    if connection.closed_at is not None:
        raise IllegalTransition("external_connections", connection.id, "closed", "used")


def _envelope(sealed: Sealed | None) -> dict[str, str] | None:
    """Credentials as the table has them: still sealed."""
    return None if sealed is None else sealed.model_dump()
