"""Outcomes as a table for the terminal, as Markdown for the documentation, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from benchmarks.measure import Outcome, Series

__all__ = ["DOCUMENT", "as_json", "markdown", "outcomes_markdown", "table", "write_between"]

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_NUMBERS: Final = ("median", "lowest", "highest", "of the floor")
_COLUMNS: Final = ("workload", "side", *_NUMBERS, "aim", "met")
_VERDICT: Final = {True: "yes", False: "no", None: ""}
_STYLE: Final = {True: "green", False: "bold red", None: ""}


@dataclass(frozen=True, slots=True)
class _Line:
    side: str
    series: Series
    ratio: str
    aim: str
    met: bool | None

    def cells(self) -> tuple[str, ...]:
        """What stands under _COLUMNS, after the workload."""
        numbers = (_number(self.series.middle), _number(self.series.low), _number(self.series.high))
        return self.side, *numbers, self.ratio, self.aim, _VERDICT[self.met]


def table(outcomes: Iterable[Outcome]) -> Table:
    """For the terminal."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in _COLUMNS:
        made.add_column(column, justify="right" if column in _NUMBERS else "left", no_wrap=True)
    for outcome in outcomes:
        name = f"{outcome.name}, {outcome.unit}"
        for line in _lines(outcome):
            *cells, last = line.cells()
            made.add_row(name, *cells, Text(last, _STYLE[line.met]))
            name = ""
    return made


def markdown(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; columns of numbers to the right."""
    rows = [list(row) for row in rows]
    rules = ["--:" if _numeric(row[at] for row in rows) else "---" for at in range(len(columns))]
    return "\n".join(f"| {' | '.join(line)} |" for line in [list(columns), rules, *rows])


def outcomes_markdown(outcomes: Iterable[Outcome]) -> str:
    """All outcomes as one table."""
    rows = []
    for outcome in outcomes:
        title = f"{outcome.title}, {outcome.unit}"
        for line in _lines(outcome):
            rows.append((title, *line.cells()))
            title = ""
    return markdown(_COLUMNS, rows)


def as_json(facts: Mapping[str, str], outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Everything, with the value of every round."""
    return {
        "facts": dict(facts),
        "outcomes": [
            {
                "name": each.name,
                "title": each.title,
                "unit": each.unit,
                "floor": _series_json(each.floor) if each.floor else None,
                "ours": [_series_json(one) | {"ratio": each.ratio(one)} for one in each.ours],
                "met": each.met(),
            }
            for each in outcomes
        ],
    }


def write_between(mark: str, text: str, document: Path = DOCUMENT) -> None:
    """Replaces what stands between `<!-- MARK -->` and `<!-- end of MARK -->`.

    Raises RuntimeError when the document has not exactly one of each.
    """
    begin, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    old = document.read_text(encoding="utf-8")
    if old.count(begin) != 1 or old.count(end) != 1:
        raise RuntimeError(f"{document.name} needs one {begin} and one {end}")
    before, rest = old.split(begin)
    after = rest.split(end)[1]
    document.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def _lines(outcome: Outcome) -> Iterator[_Line]:
    if outcome.floor is not None:
        yield _Line(f"floor: {outcome.floor.label}", outcome.floor, "", "", None)
    for series in outcome.ours:
        ratio = outcome.ratio(series)
        aim, met = "", None
        if outcome.aim is not None and outcome.aim.of == series.label:
            aim, met = f"{outcome.aim.kind} {_number(outcome.aim.value)}", outcome.met()
        yield _Line(series.label, series, "" if ratio is None else f"{ratio:.2f}", aim, met)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _numeric(cells: Iterable[str]) -> bool:
    return all(not cell or cell[0].isdigit() for cell in cells)


def _series_json(series: Series) -> dict[str, Any]:
    return {"label": series.label, "median": series.middle, "rounds": list(series.values)}
