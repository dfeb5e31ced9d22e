"""Made-up data: the same for the same seed, consistent, and of everything that can be said."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice, pairwise
from uuid import UUID

import pytest

import eventstore.vocabulary
from eventstore import Append
from eventstore.encoding.codec import encode
from eventstore.errors import ConfigurationError
from eventstore.registry import default_registry
from eventstore.seed import CONTEXTS, tell
from projections.catalogue import PROJECTIONS
from projections.projection import Projection
from projections.testing import recorded


@pytest.fixture(scope="module")
def told() -> list[Append]:
    return list(islice(tell(), 6_000))


def said(appends: list[Append]) -> list[tuple[str, UUID, bytes, Append]]:
    """All of it that is compared: what, under which id, by whom, and because of what."""
    return [
        (a.events[0].event_type, a.events[0].event_id, encode(a.events[0]), replace(a, events=()))
        for a in appends
    ]


def test_a_seed_tells_the_same_again(told: list[Append]) -> None:
    assert said(list(islice(tell(), 1_000))) == said(told[:1_000])
    assert len({append.events[0].event_id for append in told}) == len(told)


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_context_is_told_the_same_by_itself(context: str, told: list[Append]) -> None:
    among_all = [a for a in told if a.events[0].event_type.startswith(f"{context}.")]
    assert len(among_all) > 300
    assert said(list(islice(tell([context]), 300))) == said(among_all[:300])


def test_another_seed_tells_of_other_things(told: list[Append]) -> None:
    other = list(islice(tell(seed=7), 1_000))
    assert {a.correlation_id for a in other}.isdisjoint(a.correlation_id for a in told)
    assert {a.events[0].event_id for a in other}.isdisjoint(a.events[0].event_id for a in told)


def test_causes_come_first_and_are_of_the_same_run(told: list[Append]) -> None:
    runs: dict[UUID, UUID | None] = {}
    moments = [append.occurred_at for append in told]
    assert all(before <= after for before, after in pairwise(moments) if before and after)
    for append in told:
        if append.causation_id is not None:
            assert runs[append.causation_id] == append.correlation_id
        runs[append.events[0].event_id] = append.correlation_id


def test_everything_that_can_be_said_is_said(told: list[Append]) -> None:
    """But for embeddings, which a model computes of texts that are there, and lives of streams."""
    sayable = {
        cls.event_type
        for cls in default_registry
        if cls.__module__.startswith(f"{eventstore.vocabulary.__name__}.")
        if not cls.event_type.endswith("_embedded")
        if default_registry.reserved(cls) is None
    }
    assert sayable == {append.events[0].event_type for append in told}


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda each: each.name)
def test_the_rules_accept_all_of_two_seeds_and_fill_every_table(
    projection: Projection, told: list[Append]
) -> None:
    state = projection.empty()
    for position, append in enumerate([*told, *islice(tell(seed=1), 1_000)], 1):
        (event,) = append.events
        if event.event_type in projection.event_types:
            as_recorded = recorded(event, position, agent=append.agent)
            assert append.occurred_at is not None
            projection.apply(state, as_recorded._replace(occurred_at=append.occurred_at))
    rows = Counter({table.TABLE: len(of_table) for table, of_table in state.items()})
    assert all(rows[table.TABLE] for table in projection.tables), rows


def test_an_unknown_context() -> None:
    with pytest.raises(ConfigurationError, match="nowhere is none of packaging, projects"):
        next(tell(["nowhere"]))
