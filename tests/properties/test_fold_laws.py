"""The laws of folding: live = rebuild = as of the head, for any story, cut into any batches.

Stories are drawn from the vocabulary of the three contexts. Each runs as a tenant of its own, so
that all share one database; what the rules would refuse is left out of the story.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any
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
from projections.session import open_session
from projections.testing import FIRST_MOMENT, recorded
from tests.integration.projections.running import Table, catch_up, plain, stored

_tenants = count()


def ids(kind: int, most: int) -> st.SearchStrategy[UUID]:
    """A few ids of one kind of thing, so that events meet."""
    return st.integers(1, most).map(lambda n: UUID(int=kind << 32 | n))


texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
objects = st.dictionaries(texts, scalars | st.lists(scalars, max_size=2), max_size=3)
agents = st.sampled_from(["analyst", "tester"])
packages, installers = ids(1, 3), ids(2, 3)
orders, items, attempts = ids(3, 2), ids(4, 3), ids(5, 4)
sessions, decisions, messages = ids(6, 3), ids(7, 4), ids(8, 6)
metrics, known = ids(9, 4), ids(10, 2)
of_agent = {"agent_id": agents, "session_id": sessions}


def moves(
    event: Callable[..., Event], table: dict[Any, frozenset[Any]], **fields: Any
) -> st.SearchStrategy[Event]:
    """A legal move."""
    pairs = [(before, after) for before, afters in table.items() for after in sorted(afters)]
    return st.builds(
        lambda pair, **rest: event(from_status=pair[0], to_status=pair[1], **rest),
        st.sampled_from(pairs),
        **fields,
    )


EVENTS: tuple[st.SearchStrategy[Event], ...] = (
    st.builds(
        packaging.PackageRegistered,
        package_id=packages,
        name=st.sampled_from(["x", "y"]),
        version=st.just("1"),
        publisher=st.just("acme"),
        metadata=objects,
        tags=st.lists(texts, max_size=2),
    ),
    moves(packaging.PackageStatusChanged, packaging.PACKAGE_MOVES, package_id=packages),
    st.builds(
        packaging.PackageDetailsChanged,
        package_id=packages,
        description=st.none() | texts,
        metadata=objects,
        tags=st.lists(texts, max_size=2),
    ),
    st.builds(
        packaging.InstallerAdded,
        installer_id=installers,
        package_id=packages,
        filename=st.just("setup.exe"),
        file_path=texts,
        file_type=st.just("exe"),
        size_bytes=st.integers(0, 2**63 - 1),
        sha256=st.just("ab" * 32),
        analysis_data=objects,
    ),
    st.builds(packaging.PackageDeleted, package_id=packages),
    st.builds(packaging.PackageRestored, package_id=packages),
    st.builds(work.WorkOrderOpened, work_order_id=orders, title=st.just("t"), metadata=objects),
    st.builds(
        work.WorkItemQueued,
        work_item_id=items,
        work_order_id=orders,
        type=st.just("TICKET"),
        content=objects,
        package_id=st.none() | packages,
    ),
    moves(
        work.WorkItemStatusChanged,
        work.WORK_ITEM_MOVES,
        work_item_id=items,
        work_order_id=orders,
    ),
    moves(work.WorkOrderStatusChanged, work.WORK_ORDER_MOVES, work_order_id=orders),
    st.builds(
        work.AttemptStarted, attempt_id=attempts, work_item_id=items, agent_id=agents, input=objects
    ),
    st.builds(
        work.AttemptEnded,
        attempt_id=attempts,
        status=st.sampled_from(["COMPLETED", "FAILED", "TIMEOUT"]),
        output=st.none() | objects,
        duration_ms=st.none() | st.integers(0, 10**6),
    ),
    st.builds(
        trust.AgentRegistered,
        agent_id=agents,
        name=st.just("n"),
        persona_type=st.just("qa"),
        capabilities=objects,
    ),
    st.builds(trust.SessionStarted, session_id=sessions, agent_id=agents, context=objects),
    st.builds(trust.SessionPaused, session_id=sessions),
    st.builds(trust.SessionResumed, session_id=sessions),
    st.builds(trust.SessionCompleted, session_id=sessions),
    st.builds(
        trust.DecisionMade,
        decision_id=decisions,
        decision_type=st.just("try"),
        rationale=texts,
        confidence=st.none() | st.floats(0, 1),
        **of_agent,
    ),
    st.builds(
        trust.DecisionFeedbackGiven,
        decision_id=decisions,
        feedback=st.sampled_from(["approved", "rejected", "modified"]),
        **of_agent,
    ),
    st.builds(
        trust.DecisionOutcomeKnown,
        decision_id=decisions,
        outcome=st.sampled_from(["success", "failure", "critical_failure"]),
        **of_agent,
    ),
    st.builds(
        trust.TrustMetricRecorded,
        metric_id=metrics,
        metric_type=st.just("accuracy"),
        metric_value=st.just(1.0) | st.floats(0, 100),
        **of_agent,
    ),
    st.builds(
        trust.MessageSent,
        message_id=messages,
        session_id=sessions,
        role=st.just("agent"),
        content=texts,
        parent_message_id=st.none() | messages,
    ),
    st.builds(
        trust.KnowledgeLearned,
        knowledge_id=known,
        agent_id=agents,
        knowledge_type=st.just("pattern"),
        domain=st.just("d"),
        content=objects,
    ),
    st.builds(trust.KnowledgeApplied, knowledge_id=known, agent_id=agents, succeeded=st.booleans()),
    st.builds(trust.KnowledgeForgotten, knowledge_id=known, agent_id=agents),
    st.builds(
        trust.ActionAudited,
        audit_id=ids(11, 3),
        session_id=st.none() | sessions,
        agent_id=agents,
        action_type=st.just("read"),
        risk_level=st.sampled_from(["low", "critical"]),
        ip_address=st.none() | st.ip_addresses(),
    ),
    st.builds(
        trust.TrustMetricsRolledUp,
        agent_id=agents,
        metric_type=st.just("accuracy"),
        day=st.just(FIRST_MOMENT.date()),
        metric_ids=st.lists(metrics, min_size=1, max_size=3, unique=True),
        total=st.just(1.0),
        minimum=st.just(1.0),
        maximum=st.just(1.0),
    ),
)

STORIES = st.lists(st.one_of(EVENTS), min_size=1, max_size=60)
BEGINNING: tuple[Event, ...] = (
    packaging.PackageRegistered(
        package_id=UUID(int=1 << 32 | 1), name="x", version="1", publisher="acme"
    ),
    work.WorkOrderOpened(work_order_id=UUID(int=3 << 32 | 1), title="t"),
    work.WorkItemQueued(
        work_item_id=UUID(int=4 << 32 | 1), work_order_id=UUID(int=3 << 32 | 1), type="TICKET"
    ),
    trust.AgentRegistered(agent_id="analyst", name="n", persona_type="qa"),
    trust.SessionStarted(session_id=UUID(int=6 << 32 | 1), agent_id="analyst"),
)


def told(story: Iterable[Event]) -> Iterator[Event]:
    """The events of a story that can happen one after the other."""
    states: dict[Projection, State] = {each: each.empty() for each in PROJECTIONS}
    for event in story:
        fact = recorded(event)
        if _takes_a_name_in_use(event, states[PROJECTIONS[0]]):
            continue
        try:
            for projection, state in states.items():
                projection.apply(state, fact)
        except EventNotApplied:
            continue
        yield event


def _takes_a_name_in_use(event: Event, state: State) -> bool:
    """What only the unique index would notice."""
    in_use = {
        row.name: row.id
        for row in state[Package].values()
        if isinstance(row, Package) and row.deleted_at is None
    }
    if isinstance(event, packaging.PackageRegistered):
        return event.name in in_use
    if isinstance(event, packaging.PackageRestored):
        row = state[Package].get(("default", event.package_id))
        return isinstance(row, Package) and in_use.get(row.name, row.id) != row.id
    return False


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
    max_examples=12,
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
    note(f"{tenant}: {[event.event_type for event in events]}")
    with (
        EventStore.open(database_url, tenant=tenant) as store,
        open_session(database_url, part="test") as conn,
    ):
        for event in events[:cut]:
            store.append("story-1", [event], occurred_at=told_at(event))
        assert catch_up(database_url, *PROJECTIONS, batch=batch) == {}
        middle = store.watermark()
        then = {each: of_tenant(stored(conn, each), tenant) for each in PROJECTIONS}
        for event in events[cut:]:
            store.append("story-1", [event], occurred_at=told_at(event))
        assert catch_up(database_url, *PROJECTIONS, batch=batch) == {}
        for each in PROJECTIONS:
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
