"""Outcomes as a table for the terminal, as Markdown for the documentation, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.table import Table
from rich.text import Text

from benchmarks.measure import Aim, Outcome, Series

__all__ = ["DOCUMENT", "as_json", "markdown", "outcomes_markdown", "table", "write_between"]

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_NUMBERS: Final = ("median", "lowest", "highest", "ratio")
_COLUMNS: Final = ("workload", "side", *_NUMBERS, "aim", "met")
_STYLE: Final = {True: "green", False: "bold red", None: ""}


@dataclass(frozen=True, slots=True)
class _Line:
    cells: tuple[str, ...]
    """What stands under _COLUMNS, between the workload and the verdict."""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        """What stands under the last column."""
        return {True: "yes", False: "no", None: ""}[self.met]


def table(outcomes: Iterable[Outcome]) -> Table:
    """For the terminal."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in _COLUMNS:
        made.add_column(column, justify="right" if column in _NUMBERS else "left", no_wrap=True)
    for outcome in outcomes:
        name = f"{outcome.name}, {outcome.unit}"
        for line in _lines(outcome):
            made.add_row(name, *line.cells, Text(line.verdict, _STYLE[line.met]))
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
            rows.append((title, *line.cells, line.verdict))
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
                each.beside_are + "s": [_series_json(one) for one in each.beside],
                "ours": [
                    _series_json(one)
                    | {"ratio": each.ratio(one), "met": [each.met(a) for a in each.aims_of(one)]}
                    for one in each.ours
                ],
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
    for series in outcome.beside:
        yield _Line((f"{outcome.beside_are}: {series.label}", *_numbers(series), "", ""))
    for series in outcome.ours:
        ratio = outcome.ratio(series)
        side: tuple[str, ...] = (
            series.label,
            *_numbers(series),
            "" if ratio is None else _number(ratio),
        )
        for aim in outcome.aims_of(series):
            yield _Line((*side, _aim(outcome, series, aim)), outcome.met(aim))
            side = ("",) * len(side)  # a further aim of the same side
        if not outcome.aims_of(series):
            yield _Line((*side, ""))


def _aim(outcome: Outcome, series: Series, aim: Aim) -> str:
    """What is wanted; and what the ratio is, where it is to another than the first."""
    text = f"{aim.kind} {_number(aim.value)}"
    if not aim.beside or aim.beside == outcome.beside[0].label:
        return text
    ratio = outcome.ratio(series, aim.beside)
    return f"{text} of {aim.beside}, is {'none' if ratio is None else _number(ratio)}"


def _numbers(series: Series) -> tuple[str, str, str]:
    return _number(series.middle), _number(series.low), _number(series.high)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _numeric(cells: Iterable[str]) -> bool:
    return all(not cell or cell[0].isdigit() for cell in cells)


def _series_json(series: Series) -> dict[str, Any]:
    return {"label": series.label, "median": series.middle, "rounds": list(series.values)}
