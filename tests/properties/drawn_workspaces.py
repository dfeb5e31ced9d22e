"""The events of workspaces, for stories."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from eventstore import Event
from eventstore.vocabulary import workspaces as said
from eventstore.vocabulary.secrets import Sealed
from tests.properties.drawn import ids, moves, objects, texts

NOW, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2126, 1, 1, tzinfo=UTC)
WORKSPACE, ARTIFACT = UUID(int=40 << 32 | 1), UUID(int=41 << 32 | 1)
users = st.sampled_from(["ann", "bob"])
places, artifacts, versions = ids(40, 2), ids(41, 2), ids(42, 6)
tokens, sessions, workflows, phases = ids(43, 2), ids(44, 2), ids(45, 2), ids(46, 3)
integrations, connections, syncs = ids(47, 2), ids(48, 2), ids(49, 4)
roles = st.sampled_from(["viewer", "admin"])
sealed = st.none() | st.just(Sealed(ciphertext="AAAA", key_id="k"))
services = st.sampled_from(["github", "sharepoint", "wiki"])
of_sync: dict[str, st.SearchStrategy[Any]] = {
    "sync_id": syncs,
    "workspace_id": places,
    "artifact_id": st.none() | artifacts,
    "connection_id": st.none() | connections,
    "service_type": services,
    "operation_details": objects,
}


def registered(user_id: str) -> said.UserRegistered:
    return said.UserRegistered(
        user_id=user_id, azure_id=user_id, email=f"{user_id}@x", display_name="n"
    )


BEGINNING: tuple[Event, ...] = (
    registered("ann"),
    said.WorkspaceCreated(workspace_id=WORKSPACE, name="n", owner_id="ann"),
    said.ArtifactCreated(
        artifact_id=ARTIFACT, workspace_id=WORKSPACE, name="n", artifact_type="prd"
    ),
)

EVENTS: tuple[st.SearchStrategy[Event], ...] = (
    users.map(registered),
    st.builds(said.UserRoleChanged, user_id=users, role=roles),
    st.builds(said.UserSignedIn, user_id=users),
    st.builds(
        said.UserProfileChanged,
        user_id=users,
        preferences=objects,
        avatar=st.none(),
        timezone=st.just("UTC"),
    ),
    st.builds(
        lambda token, user: said.AuthTokenIssued(
            token_id=token,
            user_id=user,
            token_hash=f"{token.int:064x}",
            issued_at=NOW,
            expires_at=LATER,
        ),
        tokens,
        users,
    ),
    st.builds(said.AuthTokenRevoked, token_id=tokens),
    st.builds(
        said.UserSessionStarted,
        session_id=sessions,
        user_id=users,
        workspace_id=st.none() | places,
        expires_at=st.just(LATER),
    ),
    st.builds(said.WorkspaceEntered, session_id=sessions, workspace_id=st.none() | places),
    st.builds(said.UserSessionEnded, session_id=sessions),
    st.builds(said.WorkspaceCreated, workspace_id=places, name=st.just("n"), owner_id=users),
    st.builds(said.WorkspaceOwnerChanged, workspace_id=places, owner_id=users),
    st.builds(said.WorkspaceDeleted, workspace_id=places),
    st.builds(said.WorkspaceRestored, workspace_id=places),
    st.builds(said.MemberAdded, workspace_id=places, user_id=users, role=roles),
    st.builds(said.MemberRemoved, workspace_id=places, user_id=users),
    st.builds(
        said.WorkspaceConfigChanged,
        workspace_id=places,
        config_version=st.integers(1, 3),
        config=objects,
    ),
    st.builds(
        said.WorkspaceSettingsChanged,
        workspace_id=places,
        chat_history_days=st.integers(1, 99),
        settings=objects,
    ),
    st.builds(said.WorkflowCreated, workflow_id=workflows, workspace_id=places, name=st.just("n")),
    moves(said.WorkflowStatusChanged, said.WORKFLOW_MOVES, workflow_id=workflows),
    st.builds(
        lambda phase, workflow: said.PhaseAdded(
            phase_id=phase, workflow_id=workflow, ordinal=phase.int & 0xFF, name="n"
        ),
        phases,
        workflows,
    ),
    moves(said.PhaseStatusChanged, said.PHASE_MOVES, phase_id=phases),
    st.builds(
        said.ArtifactCreated,
        artifact_id=artifacts,
        workspace_id=places,
        name=st.just("n"),
        artifact_type=st.just("prd"),
    ),
    moves(said.ArtifactStatusChanged, said.ARTIFACT_MOVES, artifact_id=artifacts),
    st.builds(
        said.ArtifactVersionAdded,
        version_id=versions,
        artifact_id=artifacts,
        content_hash=st.just("0" * 64),
        author=users,
        added_at=st.just(NOW),
    ),
    st.builds(
        said.ArtifactVersionsCleanedUp,
        artifact_id=artifacts,
        version_ids=st.lists(versions, min_size=1, max_size=2, unique=True),
        rule=st.just(said.CleanUpRule(keep_newest=1)),
    ),
    st.builds(said.ArtifactDeleted, artifact_id=artifacts),
    st.builds(said.ArtifactRestored, artifact_id=artifacts),
    st.builds(
        said.IntegrationConfigured,
        integration_id=integrations,
        service_type=services,
        name=st.just("n"),
        service_config=objects,
        credentials=sealed,
    ),
    st.builds(
        said.ConnectionOpened,
        connection_id=connections,
        integration_id=integrations,
        user_id=st.none() | users,
        credentials=sealed,
    ),
    st.builds(said.ConnectionClosed, connection_id=connections),
    st.builds(said.WorkspaceIntegrationAdded, workspace_id=places, connection_id=connections),
    st.builds(said.WorkspaceIntegrationRemoved, workspace_id=places, connection_id=connections),
    st.builds(said.SyncStarted, operation=st.just("save"), **of_sync),
    st.builds(said.SyncSucceeded, sync_metadata=st.none() | objects, **of_sync),
    st.builds(said.SyncFailed, error_message=st.just("e") | texts.filter(bool), **of_sync),
)
