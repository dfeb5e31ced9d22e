"""How far an agent is trusted: the one rule, pure and configurable.

An agent stands on a level, L0 to L4, and has a score there, 0 to 1: how sure we are of it. Every
judged decision is a fact:

- success: the streak grows by one. Each `streak`-th success in a row raises the score by
  `raise_by`; a score that reaches 1 lifts the agent to the next level, where it starts again from
  `start_score`. On the top level the score stays at 1.
- failure: the streak is over, and the score falls by `lower_by`; a score that reaches 0 puts the
  agent one level down, to start there from `start_score`. On level 0 the score stays at 0.
- critical_failure: the streak is over, and the agent is one level down, at `start_score`; on level
  0 it has a score of 0.

So with the defaults an agent climbs a level in ten good decisions, and falls one in four failures
or one critical failure. The steps are binary fractions: they add up exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from eventstore.vocabulary.trust import Feedback, Outcome

__all__ = [
    "DEFAULT",
    "TOP_LEVEL",
    "Fact",
    "LadderRules",
    "Standing",
    "new_fact",
    "standing",
    "verdict",
]

TOP_LEVEL: Final = 4

Fact = Literal["success", "failure", "critical_failure"]
"""What a decision turned out to be."""

_WEIGHT: Final[dict[Fact | None, int]] = {
    None: 0,
    "success": 1,
    "failure": 2,
    "critical_failure": 3,
}
_FEEDBACK: Final[dict[Feedback | None, Fact | None]] = {
    None: None,
    "approved": "success",
    "modified": None,
    "rejected": "failure",
}


@dataclass(frozen=True, slots=True)
class LadderRules:
    """What a deployment may choose; raises ValueError for steps that lead nowhere."""

    streak: int = 5
    """Successes in a row that raise the score once."""
    raise_by: float = 0.25
    lower_by: float = 0.125
    start_score: float = 0.5
    start_level: int = 0

    def __post_init__(self) -> None:
        if self.streak < 1 or not 0 <= self.start_level <= TOP_LEVEL:
            raise ValueError(f"{self}: streak is at least 1, start_level is 0 to {TOP_LEVEL}")
        if not (0 < self.start_score < 1 and self.raise_by > 0 and self.lower_by > 0):
            raise ValueError(f"{self}: start_score is between 0 and 1, steps are over 0")


DEFAULT: Final = LadderRules()


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an agent is trusted."""

    level: int
    """0 to 4."""
    score: float
    """0 to 1, on this level."""
    streak: int
    """Successes in a row since the last raise, below `LadderRules.streak`."""


def standing(before: Standing, fact: Fact, rules: LadderRules = DEFAULT) -> Standing:
    """The standing after one more fact.

    From one standing, a success leads at least as high as a failure, and that at least as high as
    a critical failure, in order of (level, score). A success never lowers, the others never raise.
    """
    level, score = before.level, before.score
    if fact == "success":
        if before.streak + 1 < rules.streak:
            return Standing(level, score, before.streak + 1)
        score += rules.raise_by
        if score < 1:
            return Standing(level, score, 0)
        return Standing(level, 1.0, 0) if level == TOP_LEVEL else _at_start(level + 1, rules)
    score -= rules.lower_by
    if fact == "failure" and score > 0:
        return Standing(level, score, 0)
    return Standing(0, 0.0, 0) if level == 0 else _at_start(level - 1, rules)


def verdict(feedback: Feedback | None, outcome: Outcome | None) -> Fact | None:
    """What a decision is held to be: the worse of its feedback and its outcome.

    approved speaks for a success and rejected for a failure; modified speaks for neither.
    """
    judged = _FEEDBACK[feedback]
    return judged if _WEIGHT[judged] > _WEIGHT[outcome] else outcome


def new_fact(before: Fact | None, after: Fact | None) -> Fact | None:
    """The fact to count when a decision's verdict changes: it counts when it gets worse.

    So a decision that is approved and then succeeds counts once, and one that is approved and
    then fails counts as a success and as a failure.
    """
    return after if _WEIGHT[after] > _WEIGHT[before] else None


def _at_start(level: int, rules: LadderRules) -> Standing:
    return Standing(level, rules.start_score, 0)
