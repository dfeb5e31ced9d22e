"""Whether a package may be used: the one rule, pure.

Every property that lets code run without being imported, or that leaves a doubt about where it
comes from, adds to the risk:

    native code                   3    runs outside the interpreter's checks
    a .pth file                   3    is read at every start of the interpreter
    from a direct URL             2    the package index never saw it
    files without a usable hash   2    nothing proves them
    commands                      1    are on the PATH
    no license                    1    nobody says that it may be used

0 to 2 is a low risk, 3 and 4 a medium one, 5 and over a high one; it is counted to 10. The package
is approved when the agent that asks stands on the level that the risk needs: L0, L1, L2. Below it,
the request is escalated: somebody else examines the files once more, and when both readings agree,
it is approved. A package with a file that is not as recorded, or that can't be checked, is
rejected, whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from eventstore.vocabulary.work import Approval
from projections.demo.analysis import Analysis
from projections.demo.files import Check
from projections.demo.words import counted

__all__ = ["POLICY_VERSION", "Risk", "RiskLevel", "Ruling", "assess", "rule"]

POLICY_VERSION: Final = "1"
"""Rises when the rule changes; every approval names it."""

RiskLevel = Literal["low", "medium", "high"]

MAX_POINTS: Final = 10
_NEEDED: Final[dict[RiskLevel, int]] = {"low": 0, "medium": 1, "high": 2}


@dataclass(frozen=True, slots=True)
class Risk:
    """How much could go wrong with a package whose files are what they should be."""

    points: int
    """0 to 10."""
    reasons: tuple[str, ...]

    @property
    def level(self) -> RiskLevel:
        """The points in a word."""
        return "low" if self.points < 3 else "medium" if self.points < 5 else "high"

    def __str__(self) -> str:
        why = ", ".join(self.reasons) or "nothing speaks against it"
        return f"{self.level} risk, {self.points} of {MAX_POINTS} ({why})"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is decided about a package, and why."""

    decision: Approval
    reason: str


def assess(facts: Analysis) -> Risk:
    """The risk that the facts make."""
    found = [
        (3, len(facts.native), counted(len(facts.native), "native file")),
        (3, len(facts.starters), counted(len(facts.starters), ".pth file")),
        (2, facts.origin is not None, "from a direct URL"),
        (2, facts.unproved, counted(facts.unproved, "file") + " without a usable hash"),
        (1, len(facts.commands), counted(len(facts.commands), "command")),
        (1, facts.license is None, "no license"),
    ]
    points = sum(weight for weight, there, _ in found if there)
    return Risk(min(points, MAX_POINTS), tuple(reason for _, there, reason in found if there))


def rule(
    facts: Analysis, check: Check | None, trust_level: int, second: Check | None = None
) -> Ruling:
    """What to decide when an agent that stands on `trust_level` asks.

    `check` is what the agent found, None when it came to no check; `second` is what somebody else
    found since, when that was asked for.
    """
    if facts.refusal is not None:
        return Ruling("REJECTED", facts.refusal)
    if check is None:
        return Ruling("REJECTED", "nobody checked its files")
    if not check.passed:
        return Ruling("REJECTED", check.complaint())
    if second is not None:
        if not second.passed:
            return Ruling("REJECTED", f"on a second reading {second.complaint()}")
        if second.fingerprint != check.fingerprint:
            return Ruling("REJECTED", "two readings of its files disagree")
    risk = assess(facts)
    proof = f"{counted(check.proved, 'file')} as recorded"
    needed = _NEEDED[risk.level]
    if second is not None:
        return Ruling("APPROVED", f"{proof}, by two readings that agree; {risk}")
    if trust_level < needed:
        return Ruling(
            "ESCALATED",
            f"{risk}: that needs an agent of L{needed}, and the one that asks is at "
            f"L{trust_level}; read the files a second time",
        )
    return Ruling("APPROVED", f"{proof}; {risk}; asked by an agent at L{trust_level}")
