"""Questions about workspaces through the cache, while a daemon keeps it true."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from eventstore import Event, EventStore
from eventstore.config import load
from eventstore.vocabulary.workspaces import (
    ArtifactCreated,
    ArtifactStatusChanged,
    ArtifactVersionAdded,
    IntegrationConfigured,
    UserDetailsChanged,
    UserProfileChanged,
    UserRegistered,
    UserSessionEnded,
    UserSessionStarted,
    WorkspaceConfigChanged,
    WorkspaceCreated,
    WorkspaceDeleted,
)
from projections.cache.opening import invalidation, open_cache
from projections.cache.read_through import Cache
from projections.cache.server import CacheServer
from projections.session import open_session
from projections.workspaces import Workspaces
from projections.workspaces.cached import DEPENDENTS, CachedWorkspaceQueries
from projections.workspaces.queries import WorkspaceQueries
from tests.integration.projections.running import checkpoint, running, until

TOMORROW = datetime.now(UTC) + timedelta(days=1)
ANN, SPACE, SESSION, SERVICE, ARTIFACT = "ann", *(uuid4() for _ in range(4))


@pytest.fixture
def asked(
    database_url: str, cache_server: CacheServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CachedWorkspaceQueries]:
    """Questions to a store whose daemon runs, with a cache of their own."""
    monkeypatch.setenv("CACHE_URL", f"unix://{cache_server.socket}")
    with ExitStack() as opened:
        store = opened.enter_context(EventStore.open(database_url))
        hook = opened.enter_context(
            invalidation(load(database_url), database_url, "workspaces", DEPENDENTS)
        )
        assert hook is not None
        opened.enter_context(running(database_url, Workspaces(), hooks=[hook]))
        conn = opened.enter_context(open_session(database_url, part="test"))
        until(lambda: checkpoint(conn, "workspaces"), "it runs")
        cache = open_cache(store, timeout=0.25)
        opened.callback(cache.close)
        yield CachedWorkspaceQueries(store, cache)


def say(asked: WorkspaceQueries, *events: Event) -> None:
    """Appends, and waits for the rows and the hook."""
    store = asked.store
    receipt = store.append("workspace-1", list(events))
    store.wait_for(receipt, "workspaces", timeout=20)


def answers(asked: WorkspaceQueries) -> list[Any]:
    return [
        asked.session(SESSION),
        asked.configuration(SPACE),
        asked.profile(ANN),
        asked.service(SERVICE),
        asked.artifact(ARTIFACT),
    ]


STORY: list[Event] = [
    UserRegistered(user_id=ANN, azure_id="a-1", email="Ann@x.org", display_name="Ann"),
    WorkspaceCreated(workspace_id=SPACE, name="Lab", owner_id=ANN),
    UserSessionStarted(session_id=SESSION, user_id=ANN, workspace_id=SPACE, expires_at=TOMORROW),
    IntegrationConfigured(
        integration_id=SERVICE, service_type="github", name="Code", service_config={"org": "x"}
    ),
    ArtifactCreated(artifact_id=ARTIFACT, workspace_id=SPACE, name="Plan", artifact_type="prd"),
    ArtifactVersionAdded(
        version_id=UUID(int=1), artifact_id=ARTIFACT, content_hash="0" * 64, author=ANN,
        added_at=TOMORROW,
    ),
    WorkspaceConfigChanged(workspace_id=SPACE, config_version=1, config={"a": 1}),
    UserProfileChanged(user_id=ANN, preferences={"dark": True}, avatar=None, timezone="Asia/Tokyo"),
    UserDetailsChanged(user_id=ANN, email="ann@y.org", display_name="Ann B"),
    ArtifactStatusChanged(artifact_id=ARTIFACT, from_status="draft", to_status="in_review"),
    UserSessionEnded(session_id=SESSION, reason="signed_out"),
    WorkspaceDeleted(workspace_id=SPACE),
]  # fmt: skip


def test_each_answer_is_what_the_database_says_after_each_event(
    asked: CachedWorkspaceQueries,
) -> None:
    plain = WorkspaceQueries(asked.store)
    for event in STORY:
        answers(asked)
        say(asked, event)
        assert answers(asked) == answers(plain), event
        assert answers(asked) == answers(plain), event
    assert asked.cache.reads.hits > len(STORY)


def test_no_answer_is_stale_whatever_befalls_the_cache(
    asked: CachedWorkspaceQueries, cache_server: CacheServer
) -> None:
    say(asked, *STORY[:6])
    chance = random.Random(7)
    cache: Cache = asked.cache
    for number in range(20):
        answers(asked)
        if number == 7:
            cache_server.stop()
            cache_server.ensure_running()
        elif chance.random() < 0.3:
            assert cache._client is not None
            cache._client.flushall()
        say(asked, UserDetailsChanged(user_id=ANN, email=f"a{number}@x.org", display_name="Ann"))
        found = asked.profile(ANN)
        assert found is not None
        assert found.email == f"a{number}@x.org"
