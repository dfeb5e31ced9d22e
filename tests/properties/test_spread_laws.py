"""The spread of shards over daemons: fair, stable, and the same for everybody who computes it."""

from __future__ import annotations

from collections import Counter
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.live.spread import spread

DAEMONS = st.sampled_from("abcd")
UNITS = st.integers(0, 11)


@st.composite
def situations(draw: st.DrawFn) -> tuple[dict[int, str | None], dict[str, set[int]]]:
    """Some units with their holders, and what each daemon is able to run."""
    holders = draw(st.dictionaries(UNITS, st.none() | DAEMONS))
    able = draw(st.dictionaries(DAEMONS, st.sets(UNITS)))
    return holders, able


def loads(plan: dict[int, str], able: dict[str, set[int]]) -> list[int]:
    counts = Counter(plan.values())
    return sorted((counts[daemon] for daemon in able), reverse=True)


@settings(max_examples=300, deadline=None)
@given(situations())
def test_everything_that_can_be_run_is_run_by_one_who_can(
    situation: tuple[dict[int, str | None], dict[str, set[int]]],
) -> None:
    holders, able = situation
    plan = spread(holders, able)
    assert plan.keys() == {unit for unit in holders if any(unit in can for can in able.values())}
    assert all(unit in able[daemon] for unit, daemon in plan.items())


@settings(max_examples=150, deadline=None)
@given(
    st.sets(st.integers(0, 4)),
    st.dictionaries(st.sampled_from("abc"), st.sets(st.integers(0, 4)), min_size=1),
    st.data(),
)
def test_no_plan_is_more_even(
    units: set[int], able: dict[str, set[int]], data: st.DataObject
) -> None:
    """Compared with every plan there is."""
    holders = {unit: data.draw(st.none() | st.sampled_from("abc")) for unit in units}
    plan = spread(holders, able)
    choices = [[daemon for daemon in able if unit in able[daemon]] for unit in plan]
    best = min(loads(dict(zip(plan, choice, strict=True)), able) for choice in product(*choices))
    assert loads(plan, able) == best


@settings(max_examples=300, deadline=None)
@given(situations())
def test_a_plan_that_was_carried_out_stays(
    situation: tuple[dict[int, str | None], dict[str, set[int]]],
) -> None:
    holders, able = situation
    plan = spread(holders, able)
    assert spread(holders | plan, able) == plan


@settings(max_examples=300, deadline=None)
@given(situations(), st.randoms())
def test_the_order_of_the_rows_does_not_matter(
    situation: tuple[dict[int, str | None], dict[str, set[int]]], chance: object
) -> None:
    holders, able = situation
    shuffled = list(holders.items())
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert spread(dict(shuffled), able) == spread(holders, able)


@settings(max_examples=300, deadline=None)
@given(situations(), st.sets(UNITS))
def test_carried_out_by_halves_it_ends_as_evenly(
    situation: tuple[dict[int, str | None], dict[str, set[int]]], given_up: set[int]
) -> None:
    """Some units have been released and not been taken yet when somebody plans again."""
    holders, able = situation
    between = {unit: None if unit in given_up else holder for unit, holder in holders.items()}
    assert loads(spread(between, able), able) == loads(spread(holders, able), able)


def test_few_units_move() -> None:
    """A third daemon gets its share, and the two others keep what they have otherwise."""
    units = range(12)
    holders = {unit: "a" if unit < 6 else "b" for unit in units}
    plan = spread(holders, {daemon: set(units) for daemon in "abc"})
    assert Counter(plan.values()) == {"a": 4, "b": 4, "c": 4}
    assert sum(plan[unit] != holders[unit] for unit in units) == 4


def test_work_reaches_a_daemon_through_another() -> None:
    """`c` can't run what `a` has too much of, but `b` can, and has something for `c`."""
    holders = {"x1": "a", "x2": "a", "x3": "a", "y1": "b", "y2": "b"}
    able = {"a": {"x1", "x2", "x3"}, "b": {"x1", "x2", "x3", "y1", "y2"}, "c": {"y1", "y2"}}
    assert Counter(spread(holders, able).values()) == {"a": 2, "b": 2, "c": 1}
