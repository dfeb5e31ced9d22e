"""The outcomes as a picture: medians as bars, and how far the rounds went apart."""

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
    """Draws what is measured in events/s; a latency is no bar beside it.

    Raises ModuleNotFoundError without matplotlib, which the extra `bench` brings.
    """
    import matplotlib as mpl  # type: ignore[import-not-found, unused-ignore]

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "benchmarks"  # the same picture from the same numbers
    from matplotlib import pyplot as plt  # type: ignore[import-not-found, unused-ignore]

    bars = []
    for outcome in outcomes:
        if outcome.unit == "events/s":
            sides = ([(outcome.floor, _FLOOR)] if outcome.floor else []) + [
                (series, _OURS) for series in outcome.ours
            ]
            bars += [(f"{outcome.title}: {one.label}", one, colour) for one, colour in sides]
    figure, axes = plt.subplots(figsize=(9, 0.32 * len(bars) + 1), layout="constrained")
    for row, (_, series, colour) in enumerate(bars):
        axes.barh(row, series.middle, color=colour, height=0.7)
        spread = [[series.middle - series.low], [series.high - series.middle]]
        axes.errorbar(series.middle, row, xerr=spread, color="#333333", linewidth=1, capsize=2)
        axes.text(series.low * 0.95, row, f"{series.middle:,.0f}", va="center", ha="right",
                  fontsize=7, color="white")  # fmt: skip
    axes.set_yticks(range(len(bars)), [label for label, _, _ in bars], fontsize=7)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(left=100)
    axes.set_xlabel("events a second (median, lowest and highest round); grey: the floor")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
