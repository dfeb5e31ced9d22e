"""What the demo tells at its end, for people: tables, one package's way, and what to try next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from eventstore.reading.summary import one_line
from eventstore.reading.trace import Step, lines
from projections.demo.findings import AsOf, Findings, Item

__all__ = ["print_report"]

_GOOD: Final = frozenset({"completed", "COMPLETED"})
_BAD: Final = frozenset({"failed", "FAILED"})
_LONGEST: Final = 400
"""Characters of one cell."""


def print_report(
    console: Console,
    found: Findings,
    opening: Iterable[str],
    commands: Iterable[str],
    note: str,
) -> None:
    """Writes everything: `opening` first, `commands` last, under `note` if there is one."""
    for sentence in opening:
        console.print(Text(sentence))
    _heading(console, "Packages by status")
    _counts(console, "packages", found.packages)
    _heading(console, "Work items by status")
    _counts(console, "items", found.work_items)
    if found.failed:
        _heading(console, "What failed, and why")
        _failed(console, found.failed)
    _heading(console, "How far each agent is trusted")
    _rows(console, found.trust_levels, right=("score", "decisions", "approved", "rejected"))
    _heading(console, "What was measured of their work in this run")
    _rows(console, found.trust_metrics, right=("measured", "lowest", "mean", "highest"))
    _heading(console, f"What led to what: {found.example.title}")
    _tree(console, found.tree)
    if found.as_of is not None:
        _as_of(console, found.example, found.as_of)
    _heading(console, "The tables beside a replay of the log")
    for each in found.verified:
        verdict = (
            Text(f"{each.wrong:,} are wrong", "bold red")
            if each.wrong
            else Text("all as the events say", "green")
        )
        console.print(
            Text.assemble(
                f"{each.projection:10}{each.rows:>7,} rows from {each.events:,} events: ", verdict
            )
        )
    _heading(console, "Try next")
    if note:
        console.print(Text(note))
    for command in commands:
        console.print(Text(command, "bold"), soft_wrap=True)


def _heading(console: Console, words: str) -> None:
    console.print()
    console.print(Text(words, "bold"))


def _counts(console: Console, noun: str, counts: Mapping[str, int]) -> None:
    if not counts:
        console.print(Text("none"))
        return
    table = _table()
    table.add_column("status")
    table.add_column(noun, justify="right")
    for status, count in counts.items():
        style = "green" if status in _GOOD else "red" if status in _BAD else ""
        table.add_row(Text(status, style), f"{count:,}")
    console.print(table)


def _failed(console: Console, failed: Iterable[Item]) -> None:
    table = _table()
    table.add_column("package")
    table.add_column("its status")
    table.add_column("reason")
    for item in failed:
        table.add_row(
            Text(item.title, overflow="fold"),
            item.package_status or "none",
            Text(one_line(item.reason, _LONGEST)),
        )
    console.print(table)


def _rows(console: Console, rows: Sequence[Mapping[str, Any]], right: Sequence[str]) -> None:
    if not rows:
        console.print(Text("nothing"))
        return
    table = _table()
    for name in rows[0]:
        table.add_column(
            name.removesuffix("_id").replace("_", " "),
            justify="right" if name in right else "left",
        )
    for row in rows:
        table.add_row(*(Text(_value(name, value)) for name, value in row.items()))
    console.print(table)


def _value(name: str, value: Any) -> str:
    if name == "level":
        return f"L{value}"
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.{3 if name == 'score' else 1}f}".rstrip("0").rstrip(".")


def _tree(console: Console, roots: Iterable[Step]) -> None:
    for guide, each in lines(roots):
        if each.target_agent is not None:  # a message; what it says is enough
            who, what = f"{each.agent} → {each.target_agent}  ", ""
        else:
            who, what = f"{each.agent}  ", f"{each.event_type.partition('.')[2]}  "
        console.print(
            Text.assemble((guide, "dim"), (who, "bold"), (what, "green"), each.summary),
            no_wrap=True,
            overflow="ellipsis",
        )


def _as_of(console: Console, item: Item, found: AsOf) -> None:
    _heading(console, f"{item.title} in {found.table}, before and after it was decided")
    table = _table()
    table.add_column("column")
    table.add_column(f"at {found.before}")
    table.add_column(f"at {found.after}")
    for name, (before, after) in found.changed.items():
        table.add_row(name, *(Text(one_line(str(value), _LONGEST)) for value in (before, after)))
    console.print(table)


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
