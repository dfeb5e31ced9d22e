from __future__ import annotations

from datetime import timedelta

import pytest

from eventstore import Event
from eventstore.vocabulary import workspaces as said
from projections.errors import IllegalTransition, MissingRow, RowExists
from projections.testing import FIRST_MOMENT, given
from projections.workspaces import (
    ExternalConnection,
    IntegrationConfig,
    WorkspaceIntegration,
    Workspaces,
)
from tests.stories.workspaces import (
    CONNECTION,
    INTEGRATION,
    SEALED,
    WORKSPACE,
    created_workspace,
    registered,
)

PLACE = [registered("ann"), created_workspace()]
CONFIGURED = said.IntegrationConfigured(
    integration_id=INTEGRATION,
    service_type="github",
    name="GitHub",
    service_config={"host": "x"},
    credentials=SEALED,
)
OPENED = said.ConnectionOpened(
    connection_id=CONNECTION, integration_id=INTEGRATION, user_id="ann", credentials=SEALED
)
CLOSED = said.ConnectionClosed(connection_id=CONNECTION)
LINKED = said.WorkspaceIntegrationAdded(workspace_id=WORKSPACE, connection_id=CONNECTION)
ENVELOPE = {"ciphertext": SEALED.ciphertext, "key_id": SEALED.key_id}


def test_a_service_and_an_account_at_it() -> None:
    given(Workspaces(), *PLACE, CONFIGURED, OPENED, LINKED).then(
        IntegrationConfig(
            id=INTEGRATION,
            service_type="github",
            name="GitHub",
            service_config={"host": "x"},
            credentials=ENVELOPE,
            status="active",
        ),
        ExternalConnection(
            id=CONNECTION,
            integration_id=INTEGRATION,
            user_id="ann",
            service_type="github",
            credentials=ENVELOPE,
            status="active",
        ),
        WorkspaceIntegration(workspace_id=WORKSPACE, connection_id=CONNECTION),
    )


def test_both_change() -> None:
    given(
        Workspaces(),
        *PLACE,
        CONFIGURED,
        OPENED,
        said.IntegrationChanged(integration_id=INTEGRATION, name="G", service_config={}),
        said.IntegrationCredentialsChanged(integration_id=INTEGRATION, credentials=None),
        said.IntegrationStatusChanged(integration_id=INTEGRATION, status="inactive"),
        said.ConnectionChanged(connection_id=CONNECTION, service_config={"login": "ann"}),
        said.ConnectionStatusChanged(connection_id=CONNECTION, status="error"),
    ).then(
        IntegrationConfig(
            id=INTEGRATION, service_type="github", name="G", credentials=None, status="inactive"
        ),
        ExternalConnection(
            id=CONNECTION,
            integration_id=INTEGRATION,
            user_id="ann",
            service_type="github",
            service_config={"login": "ann"},
            credentials=ENVELOPE,
            status="error",
        ),
    )


def test_a_closed_account_has_no_credentials_and_is_not_used() -> None:
    story = given(Workspaces(), *PLACE, CONFIGURED, OPENED, CLOSED).then(
        ExternalConnection(
            id=CONNECTION,
            integration_id=INTEGRATION,
            user_id="ann",
            service_type="github",
            credentials=None,
            status="inactive",
            closed_at=FIRST_MOMENT + timedelta(seconds=5),
        )
    )
    for event in (
        LINKED,
        CLOSED,
        said.ConnectionChanged(connection_id=CONNECTION, service_config={}),
        said.ConnectionCredentialsChanged(connection_id=CONNECTION, credentials=SEALED),
        said.ConnectionStatusChanged(connection_id=CONNECTION, status="active"),
    ):
        story.refuses(event, IllegalTransition)


def test_a_workspace_uses_an_account_and_gives_it_up() -> None:
    paused = said.WorkspaceIntegrationStatusChanged(
        workspace_id=WORKSPACE, connection_id=CONNECTION, status="inactive"
    )
    story = [*PLACE, CONFIGURED, OPENED, LINKED]
    assert given(Workspaces(), *story, paused).row(WorkspaceIntegration).integration_status == (
        "inactive"
    )
    given(Workspaces(), *story).refuses(LINKED, RowExists)
    gone = said.WorkspaceIntegrationRemoved(workspace_id=WORKSPACE, connection_id=CONNECTION)
    left = given(Workspaces(), *story, gone)
    assert left.rows(WorkspaceIntegration) == []
    left.refuses(gone, MissingRow)
    left.refuses(paused, MissingRow)


@pytest.mark.parametrize(
    ("before", "event", "cause"),
    [
        ([CONFIGURED], CONFIGURED, RowExists),
        ([CONFIGURED], OPENED, MissingRow),
        (PLACE, OPENED, MissingRow),
        ([*PLACE, CONFIGURED, OPENED], OPENED, RowExists),
        (PLACE, LINKED, MissingRow),
        ([*PLACE, CONFIGURED], CLOSED, MissingRow),
        (
            [*PLACE, CONFIGURED, OPENED, said.WorkspaceDeleted(workspace_id=WORKSPACE)],
            LINKED,
            IllegalTransition,
        ),
    ],
)
def test_what_can_not_be_is_refused(
    before: list[Event], event: Event, cause: type[Exception]
) -> None:
    given(Workspaces(), *before).refuses(event, cause)
