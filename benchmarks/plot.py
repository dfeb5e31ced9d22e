"""The outcomes as a picture: a dot for the median, a line from the lowest round to the highest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.measure import Outcome
from benchmarks.report import DOCUMENT

__all__ = ["PICTURE", "draw"]

PICTURE: Final = DOCUMENT.with_suffix(".svg")
_FLOOR, _OURS = "#9aa5b1", "#1f6f8b"


def draw(outcomes: Sequence[Outcome], path: Path = PICTURE) -> None:
    """Draws what is measured in events/s; a latency has no place on that scale.

    Raises ModuleNotFoundError without matplotlib, which the extra `bench` brings.
    """
    import matplotlib as mpl  # type: ignore[import-not-found, unused-ignore]

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "benchmarks"  # the same picture from the same numbers
    from matplotlib import pyplot as plt  # type: ignore[import-not-found, unused-ignore]

    rows = []
    for outcome in outcomes:
        if outcome.unit == "events/s":
            sides = ([(outcome.floor, _FLOOR)] if outcome.floor else []) + [
                (series, _OURS) for series in outcome.ours
            ]
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
    axes.set_xlabel("events a second (median, lowest and highest round); grey: the floor")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
