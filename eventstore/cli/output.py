"""What commands print: data on stdout, talk on stderr.

With `--json`, stdout carries JSON and nothing else. Colours follow the terminal and NO_COLOR.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from eventstore.cli.options import Options
    from eventstore.errors import EventStoreError

__all__ = [
    "print_error",
    "print_json",
    "print_record",
    "print_rows",
    "progress",
    "say",
    "stderr",
    "stdout",
    "table",
]

_WIDE = 10_000
"""Columns of a stdout that is no terminal: a pipe wants whole lines."""


def print_rows(options: Options, rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Many things of a kind, as a table of these columns, or a JSON array of whole rows."""
    if options.json:
        print_json(list(rows))
        return
    stdout().print(table(rows, columns))


def table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Table:
    """A table of these columns, to be printed."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in columns:
        made.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        made.add_row(*(Text(_words(row.get(column))) for column in columns))
    return made


def print_record(options: Options, record: Mapping[str, Any]) -> None:
    """The facts about one thing, a line each, or a JSON object."""
    if options.json:
        print_json(dict(record))
        return
    width = max(map(len, record), default=0)
    for name, value in record.items():
        sys.stdout.write(f"{name.replace('_', ' '):{width}}  {_words(value)}\n")


def print_json(value: Any, *, line: bool = False) -> None:
    """JSON on stdout: indented, or on one `line` for streams of values."""
    layout = 0 if line else orjson.OPT_INDENT_2
    encoded = orjson.dumps(
        value, default=str, option=layout | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    )
    sys.stdout.write(encoded.decode())
    if line:
        sys.stdout.flush()


def print_error(options: Options, error: EventStoreError) -> None:
    """One error on stderr: a message, or a JSON object with the facts."""
    if options.json:
        document = {"error": type(error).__name__, "message": str(error), "facts": error.facts}
        encoded = orjson.dumps(document, default=str, option=orjson.OPT_APPEND_NEWLINE)
        sys.stderr.write(encoded.decode())
    else:
        from rich.text import Text

        stderr().print(Text.assemble(("error: ", "bold red"), str(error)))


def say(text: str) -> None:
    """A remark for people, on stderr."""
    sys.stderr.write(f"{text}\n")


def progress(options: Options) -> Progress:
    """A progress display on stderr; silent with `--json` or without a terminal."""
    from rich.progress import Progress

    console = stderr()
    return Progress(console=console, disable=options.json or not console.is_terminal)


def stdout() -> Console:
    """A console for data."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)


def stderr() -> Console:
    """A console for talk."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def _words(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dict, list, tuple)):
        return orjson.dumps(value, default=str).decode()
    return str(value)
