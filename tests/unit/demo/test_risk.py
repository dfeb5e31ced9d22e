from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.demo.analysis import Analysis, CoveredFile
from projections.demo.files import Check, Problem
from projections.demo.risk import assess, rule

NATIVE = [CoveredFile(path="a.so", sha256="0" * 64, native=True)]
PLAIN: dict[str, Any] = {"files": 3, "hashed": 2, "exempt": 1, "license": "MIT"}
PASSED = Check(
    files=3,
    proved=2,
    seen=0,
    exempt=1,
    bytes_read=9,
    problem_count=0,
    problems=[],
    fingerprint="f",
)
FAILED = PASSED.model_copy(
    update={
        "problem_count": 1,
        "problems": [Problem(path="a.py", kind="absent", words="is absent")],
    }
)


@pytest.mark.parametrize(
    ("more", "points", "level"),
    [
        ({}, 0, "low"),
        ({"commands": ["a"]}, 1, "low"),
        ({"license": None, "commands": ["a"]}, 2, "low"),
        ({"covered": NATIVE}, 3, "medium"),
        ({"covered": NATIVE, "license": None}, 4, "medium"),
        ({"origin": "file:///a.whl", "unproved": 1}, 4, "medium"),
        ({"covered": NATIVE, "starters": ["a.pth"]}, 6, "high"),
        (
            {
                "covered": NATIVE,
                "starters": ["a.pth"],
                "origin": "x",
                "unproved": 1,
                "commands": ["a"],
                "license": None,
            },
            10,
            "high",
        ),
    ],
)
def test_points(more: dict[str, Any], points: int, level: str) -> None:
    risk = assess(Analysis(**PLAIN | more))
    assert (risk.points, risk.level) == (points, level)
    assert bool(risk.reasons) == bool(points)


@pytest.mark.parametrize(
    ("more", "needed"),
    [({}, 0), ({"covered": NATIVE}, 1), ({"covered": NATIVE, "starters": ["a.pth"]}, 2)],
)
@pytest.mark.parametrize("trust_level", range(5))
def test_a_higher_risk_needs_more_trust(
    more: dict[str, Any], needed: int, trust_level: int
) -> None:
    facts = Analysis(**PLAIN | more)
    ruling = rule(facts, PASSED, trust_level)
    assert ruling.decision == ("APPROVED" if trust_level >= needed else "ESCALATED")
    assert str(assess(facts)) in ruling.reason
    assert f"L{trust_level}" in ruling.reason


def test_a_second_reading_takes_the_place_of_trust() -> None:
    facts = Analysis(**PLAIN | {"covered": NATIVE, "starters": ["a.pth"]})
    assert rule(facts, PASSED, 0, PASSED).decision == "APPROVED"
    other = PASSED.model_copy(update={"fingerprint": "g"})
    assert rule(facts, PASSED, 4, other).reason == "two readings of its files disagree"
    assert rule(facts, PASSED, 4, FAILED).reason == "on a second reading a.py is absent"


@given(st.integers(0, 4), st.sampled_from([None, PASSED, FAILED]))
def test_what_is_not_as_recorded_is_rejected_whoever_asks(
    trust_level: int, second: Check | None
) -> None:
    ruling = rule(Analysis(**PLAIN), FAILED, trust_level, second)
    assert (ruling.decision, ruling.reason) == ("REJECTED", "a.py is absent")
    refused = rule(Analysis(**PLAIN | {"refusal": "no"}), PASSED, trust_level, second)
    assert (refused.decision, refused.reason) == ("REJECTED", "no")
    assert rule(Analysis(**PLAIN), None, trust_level).decision == "REJECTED"


PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "covered": st.just(NATIVE),
        "starters": st.just(["a.pth"]),
        "origin": st.just("x"),
        "unproved": st.integers(1, 9),
        "commands": st.lists(st.just("a"), min_size=1, max_size=3),
        "license": st.none(),
    },
)


@given(PROPERTIES, PROPERTIES)
def test_more_doubts_never_lower_the_risk(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert assess(Analysis(**PLAIN | one | other)).points >= assess(Analysis(**PLAIN | one)).points
