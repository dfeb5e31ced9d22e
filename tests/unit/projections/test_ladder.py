"""The rule of trust, over all standings and rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.errors import ConfigurationError
from projections.trust.ladder import (
    DEFAULT,
    TOP_LEVEL,
    Fact,
    LadderRules,
    Standing,
    new_fact,
    standing,
    verdict,
)
from projections.trust.settings import VARIABLE, ladder_rules

FACTS: tuple[Fact, ...] = ("success", "failure", "critical_failure")
steps = st.floats(0.001, 2)
rules = st.builds(
    LadderRules,
    streak=st.integers(1, 10),
    raise_by=steps,
    lower_by=steps,
    start_score=st.floats(0.01, 0.99),
    start_level=st.integers(0, TOP_LEVEL),
)
standings = st.builds(
    Standing,
    level=st.integers(0, TOP_LEVEL),
    score=st.floats(0, 1),
    streak=st.integers(0, 20),
)
facts = st.sampled_from(FACTS)


def height(of: Standing) -> tuple[int, float]:
    return of.level, of.score


@given(standings, st.lists(facts, max_size=60), rules)
def test_it_stays_on_the_ladder_and_repeats_exactly(
    start: Standing, history: list[Fact], how: LadderRules
) -> None:
    def end() -> Standing:
        now = start
        for fact in history:
            now = standing(now, fact, how)
            assert 0 <= now.level <= TOP_LEVEL
            assert 0 <= now.score <= 1
            assert 0 <= now.streak < how.streak
        return now

    assert end() == end()


@given(standings, rules)
def test_a_success_never_lowers_and_a_failure_never_raises(
    before: Standing, how: LadderRules
) -> None:
    success, failure, critical = (height(standing(before, fact, how)) for fact in FACTS)
    assert success >= height(before) >= failure >= critical


@given(standings, rules)
def test_a_critical_failure_lowers_the_level(before: Standing, how: LadderRules) -> None:
    assert standing(before, "critical_failure", how).level == max(0, before.level - 1)


@given(standings, facts, rules)
def test_one_fact_moves_at_most_one_level(before: Standing, fact: Fact, how: LadderRules) -> None:
    assert abs(standing(before, fact, how).level - before.level) <= 1


@given(st.integers(0, TOP_LEVEL), st.floats(0, 0.9), st.integers(0, 3), rules)
def test_only_a_full_streak_raises(level: int, score: float, streak: int, how: LadderRules) -> None:
    before = Standing(level, score, streak)
    after = standing(before, "success", how)
    raised = height(after) > height(before)
    assert raised == (streak + 1 >= how.streak and (score, level) != (1, TOP_LEVEL))


@given(rules)
def test_enough_successes_reach_the_top_and_enough_failures_the_foot(how: LadderRules) -> None:
    now = Standing(how.start_level, how.start_score, 0)
    for _ in range(how.streak * 1000 * (TOP_LEVEL + 1)):
        if height(now) == (TOP_LEVEL, 1):
            break
        now = standing(now, "success", how)
    assert height(now) == (TOP_LEVEL, 1)
    for _ in range(1000 * (TOP_LEVEL + 2)):
        if height(now) == (0, 0):
            break
        now = standing(now, "failure", how)
    assert height(now) == (0, 0)


def test_the_defaults() -> None:
    assert DEFAULT.streak == 5
    now = Standing(0, 0.5, 0)
    heights = []
    for _ in range(10):
        now = standing(now, "success")
        heights.append(height(now))
    assert heights == [(0, 0.5)] * 4 + [(0, 0.75)] * 5 + [(1, 0.5)]


@pytest.mark.parametrize(
    ("feedback", "outcome", "held"),
    [
        (None, None, None),
        ("approved", None, "success"),
        ("modified", None, None),
        ("rejected", None, "failure"),
        ("approved", "failure", "failure"),
        ("rejected", "success", "failure"),
        ("rejected", "critical_failure", "critical_failure"),
        ("modified", "success", "success"),
    ],
)
def test_the_worse_of_two_judgements_holds(
    feedback: str | None, outcome: str | None, held: str | None
) -> None:
    assert verdict(feedback, outcome) == held  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "after", "counted"),
    [
        (None, "success", "success"),
        ("success", "success", None),
        ("success", "failure", "failure"),
        ("failure", "success", None),
        ("failure", "critical_failure", "critical_failure"),
        (None, None, None),
    ],
)
def test_a_judgement_counts_when_it_gets_worse(
    before: Fact | None, after: Fact | None, counted: Fact | None
) -> None:
    assert new_fact(before, after) == counted


@pytest.mark.parametrize(
    "wrong",
    [{"streak": 0}, {"start_level": 5}, {"start_score": 1.0}, {"raise_by": 0.0}, {"lower_by": -1}],
)
def test_rules_that_lead_nowhere_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="streak="):
        LadderRules(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("", DEFAULT),
        ("streak=10, lower_by=0.25", LadderRules(streak=10, lower_by=0.25)),
        (" start_level = 1,start_score=0.25,raise_by=0.5, ", LadderRules(5, 0.5, 0.125, 0.25, 1)),
    ],
)
def test_a_deployment_sets_the_rules(
    monkeypatch: pytest.MonkeyPatch, text: str, rules: LadderRules
) -> None:
    monkeypatch.setenv(VARIABLE, text)
    assert ladder_rules() == rules


@pytest.mark.parametrize(
    "text", ["streak", "streak=0", "streak=1.5", "steps=3", "raise_by=nan", "start_score=1", "5"]
)
def test_settings_that_make_no_sense_are_refused(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(ConfigurationError, match=VARIABLE):
        ladder_rules()
