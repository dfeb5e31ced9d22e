"""The outcomes as pictures: rates as dots, and the cost of an event over the length of the log."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import Outcome
from benchmarks.report import DOCUMENT
from benchmarks.scale import Point

__all__ = ["draw_cost", "draw_rates", "draw_scale", "picture"]

_BESIDE, _OURS = "#9aa5b1", "#1f6f8b"


def picture(section: str) -> Path:
    """Where the picture of a section lies."""
    return DOCUMENT.with_name(f"benchmarks-{section}.svg")


def draw_rates(outcomes: Sequence[Outcome], path: Path) -> None:
    """Draws what is measured in events/s: the median, and from the lowest round to the highest.

    Raises ModuleNotFoundError without matplotlib, which the extra `bench` brings.
    """
    plt = _pyplot()
    rows = []
    for outcome in outcomes:
        if outcome.unit == "events/s":
            sides = [(series, _BESIDE) for series in outcome.beside]
            sides += [(series, _OURS) for series in outcome.ours]
            rows += [(f"{outcome.title}: {one.label}", one, colour) for one, colour in sides]
    figure, axes = plt.subplots(figsize=(9, 0.32 * len(rows) + 1), layout="constrained")
    for row, (_, series, colour) in enumerate(rows):
        axes.plot([series.low, series.high], [row, row], color=colour, linewidth=3)
        axes.plot(series.middle, row, "o", color=colour, markersize=7)
        axes.annotate(
            f"{series.middle:,.0f}",
            (series.high, row),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    axes.set_yticks(range(len(rows)), [label for label, _, _ in rows], fontsize=7)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.grid(axis="x", color="#e4e7eb")
    axes.set_axisbelow(True)
    axes.margins(x=0.15)
    axes.set_xlabel("events a second (median, lowest and highest round); grey: floors and peers")
    _save(plt, figure, axes, path)


def draw_cost(outcome: Outcome, path: Path) -> None:
    """Draws what an event costs over the length of the log.

    Raises ModuleNotFoundError without matplotlib.
    """
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(7, 3.5), layout="constrained")
    for label, colour, sides in (
        ("rebuild, Python fold", _OURS, outcome.ours),
        ("floor: SQL, 10,000 events a transaction", _BESIDE, outcome.beside),
    ):
        lengths = [series.events or 0 for series in sides]
        axes.plot(lengths, [one.middle for one in sides], "o-", color=colour, label=label)
        axes.vlines(lengths, [one.low for one in sides], [one.high for one in sides], color=colour)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color="#e4e7eb")
    axes.set_axisbelow(True)
    axes.set_xlabel("events in the log")
    axes.set_ylabel(outcome.unit)
    axes.legend(frameon=False, fontsize=8)
    _save(plt, figure, axes, path)


def draw_scale(points: Sequence[Point], path: Path) -> None:
    """Draws what each operation costs, over the length of the log and over its partitions.

    Raises ModuleNotFoundError without matplotlib.
    """
    plt = _pyplot()
    figure, both = plt.subplots(1, 2, figsize=(9, 3.5), sharey=True, layout="constrained")
    usual = points[0].partitions
    middle = next(point.events for point in points if point.partitions != usual)
    by_length = [(point.events, point) for point in points if point.partitions == usual]
    by_number = [(point.partitions, point) for point in points if point.events == middle]
    for axes, sized in zip(both, (by_length, by_number), strict=True):
        for what in dict.fromkeys(point.what for point in points):
            some = sorted((size, median(one.walls)) for size, one in sized if one.what == what)
            axes.plot(*zip(*some, strict=True), "o-", label=what)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.grid(axis="y", color="#e4e7eb")
        axes.set_axisbelow(True)
    both[0].set_xlabel(f"events in the log, in {usual} partitions")
    both[1].set_xlabel(f"partitions of a log of {middle:,} events")
    both[0].set_ylabel("ms (median)")
    both[0].legend(frameon=False, fontsize=7)
    for axes in both:
        _without_box(axes)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _pyplot() -> Any:
    import matplotlib as mpl  # type: ignore[import-not-found, unused-ignore]

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "benchmarks"  # the same picture from the same numbers
    from matplotlib import pyplot as plt  # type: ignore[import-not-found, unused-ignore]

    return plt


def _without_box(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _save(plt: Any, figure: Any, axes: Any, path: Path) -> None:
    _without_box(axes)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
