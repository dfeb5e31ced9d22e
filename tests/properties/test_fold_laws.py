"""The laws of folding: live = rebuild = as of the head, for any story, cut into any batches.

Stories are drawn from the vocabulary of all contexts. Each runs as a tenant of its own, so
that all share one database; what the rules would refuse is left out of the story.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from eventstore import Event, EventStore
from eventstore.vocabulary import packaging, trust, work
from projections.audit.replay import state_as_of
from projections.audit.verify import verify
from projections.builds.rebuild import RebuildOptions, rebuild
from projections.catalogue import PROJECTIONS
from projections.errors import EventNotApplied
from projections.packaging.rows import Package
from projections.projection import Projection, State
from projections.row import Key, Row
from projections.session import open_session
from projections.testing import FIRST_MOMENT, recorded
from projections.work.rows import Schema
from tests.integration.projections.running import Table, catch_up, plain, stored
from tests.properties import (
    drawn_packaging,
    drawn_projects,
    drawn_trust,
    drawn_work,
    drawn_workspaces,
)

_tenants = count()


EVENTS = (
    st.one_of(drawn_packaging.EVENTS),
    st.one_of(drawn_projects.EVENTS),
    st.one_of(drawn_trust.EVENTS),
    st.one_of(drawn_work.EVENTS),
    st.one_of(drawn_workspaces.EVENTS),
)
"""A context each; a story is about two, so that events meet, and about a third of them is told."""
STORIES = st.lists(st.sampled_from(EVENTS), min_size=2, max_size=2).flatmap(
    lambda contexts: st.lists(st.one_of(contexts), min_size=30, max_size=80)
)
BEGINNING: tuple[Event, ...] = (
    packaging.PackageRegistered(
        package_id=UUID(int=1 << 32 | 1), name="x", version="1", publisher="acme"
    ),
    work.WorkOrderOpened(work_order_id=UUID(int=3 << 32 | 1), title="t"),
    work.WorkItemQueued(
        work_item_id=UUID(int=4 << 32 | 1), work_order_id=UUID(int=3 << 32 | 1), type="TICKET"
    ),
    work.ConnectorRegistered(connector_id=drawn_work.CONNECTOR, name="c", type="API"),
    trust.AgentRegistered(agent_id="analyst", name="n", persona_type="qa"),
    trust.SessionStarted(session_id=UUID(int=6 << 32 | 1), agent_id="analyst"),
    *drawn_projects.BEGINNING,
    *drawn_workspaces.BEGINNING,
)


def told(story: Iterable[Event]) -> Iterator[Event]:
    """The events of a story that can happen one after the other."""
    states: dict[Projection, State] = {each: each.empty() for each in PROJECTIONS}
    for event in story:
        fact = recorded(event)
        if _database_refuses(event, states):
            continue
        try:
            for projection, state in states.items():
                projection.apply(state, fact)
        except EventNotApplied:
            continue
        yield event


def _database_refuses(event: Event, states: dict[Projection, State]) -> bool:
    """What only a unique index or a foreign key would notice."""
    rows = {table: rows for state in states.values() for table, rows in state.items()}
    if isinstance(event, (packaging.PackageRegistered, packaging.PackageRestored)):
        return _takes_a_name_in_use(event, rows[Package])
    if isinstance(event, packaging.KnowledgeItemAdded):
        return _is_missing(event.source_package_id, rows[Package])
    if isinstance(event, packaging.AgentStateChanged):
        return _is_missing(event.current_package_id, rows[Package])
    if isinstance(event, work.SchemaActivated):
        return any(row is not None and row.active for row in rows[Schema].values())  # type: ignore[attr-defined]
    return False


def _is_missing(package_id: UUID | None, packages: dict[Key, Row | None]) -> bool:
    return package_id is not None and ("default", package_id) not in packages


def _takes_a_name_in_use(
    event: packaging.PackageRegistered | packaging.PackageRestored,
    packages: dict[Key, Row | None],
) -> bool:
    in_use = {
        row.name: row.id
        for row in packages.values()
        if isinstance(row, Package) and row.deleted_at is None
    }
    if isinstance(event, packaging.PackageRegistered):
        return event.name in in_use
    row = packages.get(("default", event.package_id))
    return isinstance(row, Package) and in_use.get(row.name, row.id) != row.id


def told_at(event: Event) -> datetime:
    """Of some month in two years, but for what tells of a day."""
    if isinstance(event, trust.TrustMetricRecorded | trust.TrustMetricsRolledUp):
        return FIRST_MOMENT
    return FIRST_MOMENT + timedelta(days=event.event_id.int % 730)


def of_tenant(tables: dict[str, Table], tenant: str) -> dict[str, Table]:
    return {
        name: {key: row for key, row in rows.items() if key[0] == tenant}
        for name, rows in tables.items()
    }


@pytest.mark.timeout(600)
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    story=STORIES,
    batch=st.integers(1, 40),
    cut=st.integers(0, 65),
    rebuilding=st.none()
    | st.builds(
        RebuildOptions,
        workers=st.integers(1, 3),
        rows_in_memory=st.sampled_from([1, 7, 50_000]),
        flush_seconds=st.sampled_from([0.0, 30.0]),
    ),
)
def test_live_is_rebuilt_is_as_of_the_head(
    database_url: str, story: list[Event], batch: int, cut: int, rebuilding: RebuildOptions | None
) -> None:
    tenant = f"tenant-{next(_tenants)}"
    events = list(told((*BEGINNING, *story)))
    contexts = {event.event_type.partition(".")[0] for event in story}
    concerned = [each for each in PROJECTIONS if each.name in contexts]
    note(f"{tenant}: {[event.event_type for event in events]}")
    with (
        EventStore.open(database_url, tenant=tenant) as store,
        open_session(database_url, part="test") as conn,
    ):
        for event in events[:cut]:
            store.append("story-1", [event], occurred_at=told_at(event))
        assert catch_up(database_url, *concerned, batch=batch) == {}
        middle = store.watermark()
        then = {each: of_tenant(stored(conn, each), tenant) for each in concerned}
        for event in events[cut:]:
            store.append("story-1", [event], occurred_at=told_at(event))
        assert catch_up(database_url, *concerned, batch=batch) == {}
        for each in concerned:
            live = of_tenant(stored(conn, each), tenant)
            assert plain(state_as_of(conn, each, store.watermark(), tenant=tenant)) == live
            before = plain(state_as_of(conn, each, middle, tenant=tenant))
            assert before == then[each]
            if rebuilding is not None:
                with pytest.MonkeyPatch.context() as patch:
                    patch.setattr("projections.builds.log_pages._PAGE", batch)
                    rebuild(database_url, each, rebuilding)
                assert of_tenant(stored(conn, each), tenant) == live
            assert verify(database_url, each).wrong == 0
