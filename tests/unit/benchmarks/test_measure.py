from __future__ import annotations

import pytest

from benchmarks.measure import Aim, Outcome, Series
from benchmarks.report import outcomes_markdown

FLOOR, SLOW = Series("fold", (100.0, 300.0, 200.0)), Series("loop", (50.0, 50.0, 50.0))
OURS = Series("ours", (60.0, 90.0, 120.0))


def outcome(*aims: Aim) -> Outcome:
    return Outcome("n", "title", "events/s", ours=(OURS,), beside=(FLOOR, SLOW), aims=aims)


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    assert outcome().ratio(OURS) == 0.6  # of 0.6, 0.3 and 0.6, and not 90 / 200


def test_a_length_is_compared_with_the_same_length() -> None:
    short, long = Series("10", (2.0,), events=10), Series("99", (6.0,), events=99)
    costs = Outcome(
        "n",
        "title",
        "µs an event",
        ours=(short, long),
        beside=(Series("10", (1.0,), events=10), Series("99", (2.0,), events=99)),
    )
    assert [costs.ratio(one) for one in costs.ours] == [2.0, 3.0]


@pytest.mark.parametrize(
    ("aim", "met"),
    [
        (Aim("ours", "ratio at least", 0.6), True),
        (Aim("ours", "ratio at least", 0.61), False),
        (Aim("ours", "at least", 90.0), True),
        (Aim("ours", "at least", 91.0), False),
        (Aim("ours", "at most", 90.0), True),
        (Aim("ours", "at most", 89.0), False),
    ],
)
def test_an_aim_is_met_or_not(aim: Aim, met: bool) -> None:
    assert outcome(aim).met(aim) is met


@pytest.mark.parametrize(("value", "met"), [(1.8, True), (1.9, False)])
def test_an_aim_may_be_beside_another_than_the_first(value: float, met: bool) -> None:
    aim = Aim("ours", "ratio at least", value, "loop")  # of 1.2, 1.8 and 2.4
    assert outcome(aim).met(aim) is met
    assert "of loop, is 1.8" in outcomes_markdown([outcome(aim)])


@pytest.mark.parametrize(("factor", "met"), [(1.5, True), (1.4, False)])
def test_a_cost_that_grows_misses_its_aim(factor: float, met: bool) -> None:
    aim = Aim("long", "of the shortest at most", factor)
    costs = (Series("short", (2.0,)), Series("long", (3.0,)))
    assert Outcome("n", "title", "µs an event", ours=costs, aims=(aim,)).met(aim) is met


def test_every_aim_has_a_line_and_a_verdict() -> None:
    text = outcomes_markdown([outcome(Aim("ours", "at least", 80), Aim("ours", "at most", 80))])
    lines = [line.strip("| ").split(" | ") for line in text.splitlines()[2:]]
    assert [line[-1] for line in lines[2:]] == ["yes", "no"]
    assert "floor: fold" in text
