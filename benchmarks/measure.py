"""Rounds that take turns, and what comes out of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

__all__ = ["Aim", "Outcome", "Plan", "Series", "take_turns"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure."""

    rounds: int
    seconds: float
    """Of one side's turn, where a turn is bounded by time."""
    events: int
    """In the log, where everything is read or replayed."""
    appends: int
    """Of one round, where each append is timed."""


@dataclass(frozen=True, slots=True)
class Series:
    """One side of a workload: a value a round."""

    label: str
    values: tuple[float, ...]

    @property
    def middle(self) -> float:
        """Median of the rounds."""
        return median(self.values)

    @property
    def low(self) -> float:
        """The lowest round."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The highest round."""
        return max(self.values)


@dataclass(frozen=True, slots=True)
class Aim:
    """What we want of one series: a ratio to the floor, or a value."""

    of: str
    """Label of the series."""
    kind: Literal["ratio at least", "at least", "at most"]
    value: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one workload gave."""

    name: str
    title: str
    unit: Literal["events/s", "ms"]
    ours: tuple[Series, ...]
    floor: Series | None = None
    aim: Aim | None = None

    def ratio(self, series: Series) -> float | None:
        """Median, over the rounds, of ours to the floor of the same round.

        The two sides of a round ran one after the other, so what else the machine did in that
        time touched both.
        """
        if self.floor is None:
            return None
        return median(a / b for a, b in zip(series.values, self.floor.values, strict=True))

    def met(self) -> bool | None:
        """Whether the aim is met; None without one."""
        if self.aim is None:
            return None
        series = next(one for one in self.ours if one.label == self.aim.of)
        if self.aim.kind == "ratio at least":
            ratio = self.ratio(series)
            assert ratio is not None, "an aim at a ratio has a floor"
            return ratio >= self.aim.value
        if self.aim.kind == "at least":
            return series.middle >= self.aim.value
        return series.middle <= self.aim.value


def take_turns(
    rounds: int, sides: Mapping[str, Callable[[], float]], tell: Callable[[str], None]
) -> tuple[Series, ...]:
    """Runs the sides in turn, round after round; a series for each, in order."""
    values: dict[str, list[float]] = {label: [] for label in sides}
    for number in range(1, rounds + 1):
        for label, side in sides.items():
            tell(f"round {number} of {rounds}: {label}")
            values[label].append(side())
    return tuple(Series(label, tuple(found)) for label, found in values.items())
