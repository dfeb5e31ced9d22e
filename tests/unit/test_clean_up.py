"""Which versions of an artifact a rule removes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from eventstore.errors import InvalidEvent
from eventstore.vocabulary.workspaces import ArtifactVersionsCleanedUp, CleanUpRule, removable

NOW = datetime(2026, 7, 1, tzinfo=UTC)
IDS = [uuid4() for _ in range(6)]


def versions(*days_old: float) -> list[tuple[UUID, datetime]]:
    return [(IDS[n], NOW - timedelta(days=days)) for n, days in enumerate(days_old)]


@pytest.mark.parametrize(
    ("rule", "days_old", "removed"),
    [
        (CleanUpRule(keep_newest=2), (50, 40, 30, 20), 2),
        (CleanUpRule(keep_newest=9), (50, 40), 0),
        (CleanUpRule(keep_days=30), (50, 31, 30, 29), 3),
        (CleanUpRule(keep_days=30), (50, 40), 1),
        (CleanUpRule(keep_days=0), (0, 0), 1),
        (CleanUpRule(keep_newest=2, keep_days=35), (50, 40, 34, 20, 10), 2),
        (CleanUpRule(keep_newest=3, keep_days=5), (50, 40, 34, 20, 10), 2),
        (CleanUpRule(keep_newest=1), (), 0),
        (CleanUpRule(keep_days=1), (90,), 0),
    ],
)
def test_the_oldest_are_removed(
    rule: CleanUpRule, days_old: tuple[float, ...], removed: int
) -> None:
    assert removable(versions(*days_old), rule, NOW) == IDS[:removed]


@given(
    st.lists(st.integers(0, 100), max_size=6),
    st.none() | st.integers(1, 7),
    st.none() | st.integers(0, 100),
)
def test_a_version_goes_exactly_when_nothing_keeps_it(
    days_old: list[int], newest: int | None, days: int | None
) -> None:
    if newest is None and days is None:
        return
    there = versions(*days_old)
    removed = removable(there, CleanUpRule(keep_newest=newest, keep_days=days), NOW)
    for place, (version, _) in enumerate(there):
        after = len(there) - place - 1
        kept = (
            after == 0
            or (newest is not None and after < newest)
            or (days is not None and days_old[place] < days)
        )
        assert (version in removed) is not kept


@pytest.mark.parametrize("wrong", [{}, {"keep_newest": 0}, {"keep_days": -1}, {"keep": 1}])
def test_a_rule_says_what_to_keep(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        CleanUpRule(**wrong)


@pytest.mark.parametrize("named", [[], [IDS[0], IDS[0]]])
def test_each_version_is_named_once(named: list[UUID]) -> None:
    with pytest.raises(InvalidEvent):
        ArtifactVersionsCleanedUp(
            artifact_id=IDS[5], version_ids=named, rule=CleanUpRule(keep_newest=1)
        )
