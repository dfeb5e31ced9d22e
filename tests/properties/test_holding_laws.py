"""The laws of holding: what is applied late gives what it would have given at once.

Stories are drawn from the vocabulary of the three contexts, with events that the rules refuse as
they come, and others made to fail: by a rule with a mistake in it, or by a payload that can't be
read. No database is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import orjson
import pytest
from hypothesis import event as seen
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore import Event, RecordedEvent
from projections.apply.holding import Held, Holding, named
from projections.catalogue import PROJECTIONS
from projections.errors import EventNotApplied
from projections.projection import Projection, State
from projections.row import Key, Row
from projections.testing import recorded
from tests.integration.projections.running import Table, plain
from tests.properties.test_fold_laws import BEGINNING, EVENTS


@dataclass(frozen=True)
class Story:
    """Events in order; `poison` are positions that a mistake in the rules refuses."""

    events: tuple[RecordedEvent, ...]
    poison: frozenset[int]
    unreadable: frozenset[int]
    refused: frozenset[int]
    discarded: frozenset[tuple[str, int]]
    cuts: frozenset[int]
    """Positions after which a batch ends, and what is held is loaded anew."""


@st.composite
def stories(draw: st.DrawFn) -> Story:
    said: Sequence[Event] = draw(st.lists(st.one_of(EVENTS), min_size=1, max_size=50))
    events = tuple(
        recorded(event, position, tenant=draw(st.sampled_from(["a", "a", "a", "b"])))._replace(
            stream_id=draw(st.sampled_from(["s-1", "s-2", "s-3"]))
        )
        for position, event in enumerate((*BEGINNING, *said), 1)
    )
    some = st.frozensets(st.integers(1, len(events)), max_size=6)
    return Story(
        events,
        draw(some),
        draw(some),
        draw(some),
        frozenset((events[position - 1].tenant_id, position) for position in draw(some)),
        draw(st.frozensets(st.integers(1, len(events)), max_size=20)),
    )


def mistaken(projection: Projection, poison: frozenset[int]) -> Projection:
    """The same rules with a mistake: they refuse some events."""

    class Mistaken(type(projection), name=projection.name, tables=projection.tables):  # type: ignore[misc,call-arg]
        def apply(self, state: State, recorded: RecordedEvent) -> list[tuple[type[Row], Key]]:
            if recorded.position in poison and recorded.event_type in self.event_types:
                raise EventNotApplied(
                    self.name,
                    recorded.position,
                    recorded.event_type,
                    "",
                    event_id=recorded.event_id,
                )
            applied: list[tuple[type[Row], Key]] = super().apply(state, recorded)
            return applied

    return Mistaken()


def as_stored(story: Story) -> list[RecordedEvent]:
    """The events as a process with an older vocabulary finds them: some it can't read."""
    return [
        each._replace(data=orjson.dumps(each.payload | {"unheard_of": 1}))
        if each.position in story.unreadable
        else each
        for each in story.events
    ]


def fold(
    projection: Projection, state: State, holding: Holding, events: Sequence[RecordedEvent]
) -> dict[int, Held]:
    """Folds events into the state; returns what was held."""
    held = {}
    for each in events:
        outcome = holding.apply(projection, state, each)
        if isinstance(outcome, Held):
            held[each.position] = outcome
    return held


def behind(held: dict[int, Held]) -> dict[int, int | None]:
    return {position: each.behind for position, each in held.items()}


def rows(state: State) -> dict[str, Table]:
    """A copy of all rows, since a fold goes on to change them."""
    return {
        name: {key: dict(row) for key, row in some.items()} for name, some in plain(state).items()
    }


each_projection = pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda each: each.name)


@each_projection
@settings(max_examples=150, deadline=None)
@given(story=stories())
def test_the_rest_and_then_the_held_is_all_in_order(projection: Projection, story: Story) -> None:
    state, holding = projection.empty(), Holding(discarded=story.discarded)
    held = fold(mistaken(projection, story.poison), state, holding, as_stored(story))
    seen(f"{min(len(held), 10)} held")
    assert (len(holding), holding.failed) == (
        len(held),
        sum(each.error is not None for each in held.values()),
    )
    # The mistake is mended and the vocabulary known: what was held is tried again, in order.
    left = fold(
        projection,
        state,
        Holding(discarded=story.discarded),
        [each for each in story.events if each.position in held],
    )
    whole = projection.empty()
    still = fold(projection, whole, Holding(discarded=story.discarded), story.events)
    assert rows(state) == rows(whole)
    assert behind(left) == behind(still)


@each_projection
@settings(max_examples=150, deadline=None)
@given(story=stories())
def test_batches_do_not_matter(projection: Projection, story: Story) -> None:
    """Nor does it that what is held is written down between them, and read again."""
    rules, events = mistaken(projection, story.poison), as_stored(story)

    def taken_up(held: dict[int, Held]) -> Holding:
        return Holding(
            ((position, each.behind, each.keys) for position, each in held.items()),
            refused=story.refused,
            discarded=story.discarded,
        )

    whole, at_once = rules.empty(), taken_up({})
    expected = fold(rules, whole, at_once, events)
    state, held, first = rules.empty(), dict[int, Held](), 0
    for cut in (*sorted(story.cuts), len(events)):
        holding = taken_up(held)
        held |= fold(rules, state, holding, events[first:cut])
        first = cut
        assert (len(holding), holding.failed) == (
            len(held),
            sum(each.error is not None for each in held.values()),
        )
    assert rows(state) == rows(whole)
    assert behind(held) == behind(expected)
    assert {p: each.keys for p, each in held.items()} == {
        p: each.keys for p, each in expected.items()
    }


@each_projection
@settings(max_examples=50, deadline=None)
@given(story=stories())
def test_one_of_several_is_mended(projection: Projection, story: Story) -> None:
    """As much is applied as a replay applies, however little is mended at a time."""
    poison, state = sorted(story.poison), projection.empty()
    held = fold(mistaken(projection, story.poison), state, Holding(), story.events)
    for mended in range(len(poison) + 1):
        rules = mistaken(projection, frozenset(poison[mended:]))
        held = fold(
            rules, state, Holding(), [each for each in story.events if each.position in held]
        )
        whole = rules.empty()
        expected = fold(rules, whole, Holding(), story.events)
        assert rows(state) == rows(whole)
        assert behind(held) == behind(expected)


@each_projection
@settings(max_examples=50, deadline=None)
@given(story=stories())
def test_an_unreadable_payload_names_what_a_readable_one_would(
    projection: Projection, story: Story
) -> None:
    everything = replace(story, unreadable=frozenset(range(1, len(story.events) + 1)))
    for readable, unreadable in zip(story.events, as_stored(everything), strict=True):
        assert named(projection, readable) <= named(projection, unreadable)


@each_projection
@settings(max_examples=50, deadline=None)
@given(story=stories())
def test_a_fork_leaves_its_origin_alone(projection: Projection, story: Story) -> None:
    origin, middle = Holding(), len(story.events) // 2
    rules, state = mistaken(projection, story.poison), projection.empty()
    fold(rules, state, origin, story.events[:middle])
    before, count = dict(origin._behind), (len(origin), origin.failed)
    fork = origin.fork()
    fold(rules, state, fork, story.events[middle:])
    assert (dict(origin._behind), (len(origin), origin.failed)) == (before, count)
    after, count = dict(fork._behind), (len(fork), fork.failed)
    origin.become(fork)
    assert (dict(origin._behind), (len(origin), origin.failed)) == (after, count)
