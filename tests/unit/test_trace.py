"""The tree of causes: every event once, below its cause, however the run looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.reading.trace import MAX_GUIDES, MAX_NESTED, Step, as_json, build, lines

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
LONG = 100_000


def a_step(number: int, cause: int | None = None, *, at: float | None = None) -> Step:
    """Event `number`, at that position, a second a position unless said otherwise."""
    return Step(
        position=number,
        event_id=UUID(int=number),
        event_type="test.happened",
        stream_id="thing-1",
        agent="one",
        target_agent=None,
        occurred_at=NOON + timedelta(seconds=number if at is None else at),
        causation_id=None if cause is None else UUID(int=cause),
        derived=False,
        summary=f"event {number}",
    )


def drawn(*steps: Step) -> list[str]:
    return [f"{guide}{step.position}" for guide, step in lines(build(steps))]


def flat(nodes: list[dict[str, Any]]) -> list[int]:
    """Positions in a JSON tree, in the order in which they stand there."""
    found, waiting = [], list(reversed(nodes))
    while waiting:
        node = waiting.pop()
        found.append(node["position"])
        waiting += reversed(node.get("caused", []) + node.get("deeper", []))
    return found


def test_what_one_event_alone_led_to_stands_below_it_on_its_level() -> None:
    assert drawn(a_step(1), a_step(2, 1), a_step(3, 2)) == ["1", "↳ 2", "↳ 3"]


def test_the_tree_goes_deeper_where_paths_part() -> None:
    assert drawn(
        a_step(1), a_step(2, 1), a_step(3, 1), a_step(4, 2), a_step(5, 4), a_step(6, 4),
        a_step(7, 3),
    ) == [
        "1",
        "├─ 2",
        "│  ↳ 4",
        "│  ├─ 5",
        "│  └─ 6",
        "└─ 3",
        "   ↳ 7",
    ]  # fmt: skip


def test_time_since_the_cause_is_by_occurrence_and_may_be_negative() -> None:
    first, second, third = a_step(1, at=10), a_step(2, 1, at=12.5), a_step(3, 2, at=12)
    build([third, first, second])
    assert first.since_cause is None
    assert second.since_cause == timedelta(seconds=2.5)
    assert third.since_cause == timedelta(seconds=-0.5)


def test_a_root_says_why_it_is_one() -> None:
    roots = build([a_step(1), a_step(2, 99), a_step(3, 4), a_step(4), a_step(5, 5)])
    assert [(each.position, each.root) for each in roots] == [
        (1, "first"),
        (2, "outside"),
        (3, "later"),
        (4, "first"),
        (5, "later"),
    ]


def test_events_that_claim_to_cause_each_other_are_all_shown() -> None:
    assert drawn(a_step(1, 3), a_step(2, 1), a_step(3, 2)) == ["1", "↳ 2", "↳ 3"]


def test_no_event_no_tree() -> None:
    assert drawn() == []
    assert as_json([]) == []


def chain(length: int) -> list[Step]:
    return [a_step(n, n - 1 if n > 1 else None) for n in range(1, length + 1)]


def comb(length: int) -> list[Step]:
    """Each event causes a leaf and the next event: as deep as a chain, and parting everywhere."""
    return [a_step(n, max(1, n - 2 + n % 2) if n > 1 else None) for n in range(1, length + 1)]


def fan(length: int) -> list[Step]:
    return [a_step(n, 1 if n > 1 else None) for n in range(1, length + 1)]


def long_runs() -> Iterator[list[Step]]:
    yield chain(LONG)
    yield comb(LONG // 10)
    yield fan(LONG // 10)


def test_a_long_run_is_drawn_whole_and_no_wider_than_a_screen() -> None:
    for steps in long_runs():
        seen = list(lines(build(steps)))
        assert len(seen) == len({step.position for _, step in seen}) == len(steps)
        assert max(len(guide) for guide, _ in seen) <= 3 * MAX_GUIDES + 10


def test_below_the_deepest_level_that_is_drawn_the_level_is_a_number() -> None:
    guides = [guide for guide, _ in lines(build(comb(2 * MAX_GUIDES + 8)))]
    assert f"[{MAX_GUIDES + 1}]" in "".join(guides)
    assert f"[{MAX_GUIDES + 3}]" in "".join(guides)
    assert max(guide.count("[") for guide in guides) == 1


def test_a_long_run_is_json_that_a_parser_can_read() -> None:
    for steps in long_runs():
        text = orjson.dumps(as_json(build(steps)))
        assert sorted(flat(orjson.loads(text))) == [step.position for step in steps]


def test_beyond_the_deepest_nesting_events_stand_flat_with_their_level() -> None:
    [node] = as_json(build(chain(MAX_NESTED + 3)))
    while "deeper" not in node:
        [node] = node["caused"]
    assert node["level"] == MAX_NESTED
    assert [each["level"] for each in node["deeper"]] == [MAX_NESTED + n for n in (1, 2, 3)]


@given(st.lists(st.none() | st.integers(1, 40), max_size=30))
@settings(max_examples=200, deadline=None)
def test_every_event_stands_once_and_below_its_cause(causes: list[int | None]) -> None:
    steps = [a_step(n, cause) for n, cause in enumerate(causes, 1)]
    roots = build(steps)
    order = [step.position for _, step in lines(roots)]
    assert sorted(order) == list(range(1, len(causes) + 1))
    assert flat(as_json(roots)) == order
    for step in steps:
        assert (step.root is None) == (step.since_cause is not None)
        if step.root is None:
            cause = causes[step.position - 1]
            assert cause is not None
            assert order.index(cause) < order.index(step.position)
