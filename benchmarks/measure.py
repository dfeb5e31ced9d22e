"""Rounds that take turns, and what comes out of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

__all__ = ["Aim", "Outcome", "Plan", "Series", "Unit", "take_turns"]

Unit = Literal["events/s", "events", "ms", "%", "µs an event", "MB", "s", "recall@10"]


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
    history: int
    """Events of the package histories, where they are rebuilt."""
    burst: int
    """Events that come at once, where they are followed live."""
    lengths: tuple[int, ...]
    """Of the log, shortest first, where the cost of an event is followed as it grows."""
    peer_events: int
    """That each peer folds; ours folds as many, and PEER_FACTOR times as many."""


@dataclass(frozen=True, slots=True)
class Series:
    """One side of a workload: a value a round."""

    label: str
    values: tuple[float, ...]
    events: int | None = None
    """Length of the log, where an outcome compares lengths."""

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
    """What we want of one series: a ratio to its floor, or a value."""

    of: str
    """Label of the series."""
    kind: Literal["ratio at least", "at least", "at most", "of the shortest at most"]
    value: float
    beside: str = ""
    """Label of what a ratio is to, where it is not the first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one workload gave."""

    name: str
    title: str
    unit: Unit
    ours: tuple[Series, ...]
    beside: tuple[Series, ...] = ()
    """What was measured in turn with ours; ratios are to the first of the same length."""
    beside_are: Literal["floor", "peer"] = "floor"
    aims: tuple[Aim, ...] = ()

    def reference(self, series: Series, label: str = "") -> Series | None:
        """What `series` is compared with: what has that label, or the first."""
        alike = (one for one in self.beside if one.events == series.events)
        return next((one for one in alike if label in ("", one.label)), None)

    def ratio(self, series: Series, label: str = "") -> float | None:
        """Median, over the rounds, of ours to the reference of the same round.

        The two sides of a round ran one after the other, so what else the machine did in that
        time touched both.
        """
        reference = self.reference(series, label)
        if reference is None or self.unit == "events":
            return None
        return median(a / b for a, b in zip(series.values, reference.values, strict=True))

    def aims_of(self, series: Series) -> tuple[Aim, ...]:
        """What we want of one series."""
        return tuple(aim for aim in self.aims if aim.of == series.label)

    def met(self, aim: Aim) -> bool:
        """Whether an aim is met."""
        series = next(one for one in self.ours if one.label == aim.of)
        match aim.kind:
            case "ratio at least":
                ratio = self.ratio(series, aim.beside)
                assert ratio is not None, "an aim at a ratio has a reference"
                return ratio >= aim.value
            case "at least":
                return series.middle >= aim.value
            case "at most":
                return series.middle <= aim.value
            case "of the shortest at most":
                return series.middle <= aim.value * self.ours[0].middle


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
