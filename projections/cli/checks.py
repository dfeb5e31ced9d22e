"""`eventstore projections`: commands that compare tables with what the log says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from functools import partial
from threading import Event as Signal
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_record, print_rows, say
from eventstore.errors import ConfigurationError
from projections.cli.chosen import (
    Chosen,
    Every,
    Workers,
    chosen,
    interrupt_on_sigterm,
    live,
    named,
    store_of,
)
from projections.cli.progress import showing_progress

if TYPE_CHECKING:
    from projections.audit.change import Change
    from projections.audit.compare import Compared
    from projections.audit.verify import Verified
    from projections.projection import Projection

__all__ = ["app"]

app = typer.Typer()

_FOUND = 6
"""Exit code: the check found something."""


@app.command()
def verify(
    context: typer.Context,
    names: Chosen = None,
    every: Every = False,
    workers: Workers = None,
    continuous: Annotated[
        bool, typer.Option("--continuous", help="Again and again, until SIGTERM or Ctrl-C.")
    ] = False,
    seconds: Annotated[
        float, typer.Option("--every", min=0.0, help="From one pass to the next.")
    ] = 300.0,
    sample: Annotated[
        str, typer.Option(metavar="1/N", help="Of the keys in each pass; all come in turn.")
    ] = "1/1",
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Past a pass that found something.")
    ] = False,
) -> None:
    """Compare tables with a replay of the log, row for row; exit code 6 when they differ."""
    from projections.audit.verify import verify as verify_one

    options = Options.of(context)
    asked = chosen(names, every)
    parts = _parts(sample)
    if parts > 1 and not continuous:
        raise ConfigurationError("--sample", "it goes with --continuous")
    url, _ = store_of(options)
    wanted = live(url, asked, every)
    interrupt_on_sigterm()
    if continuous:
        _verify_continuously(options, url, wanted, seconds, parts, keep_going)
        return
    with showing_progress(options, (each.name for each in wanted)) as tell:
        found = [
            verify_one(url, each, workers=workers, report=partial(tell, each.name))
            for each in wanted
        ]
    if options.json:
        print_json([asdict(each) for each in found])
    else:
        for each in found:
            print_record(options, {each.projection: _verdict(each)})
        _print_differences(options, found)
    if any(each.wrong for each in found):
        raise typer.Exit(_FOUND)


@app.command()
def compare(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="See `list`.")],
    other: Annotated[
        str, typer.Option("--with", metavar="MODULE:CLASS", help="The rules to compare with.")
    ],
    workers: Workers = None,
) -> None:
    """Run other rules over the log, and show how their rows differ from the live ones.

    Nothing is switched. Exit code 6 when they differ. With --json every change is a line, and the
    last line is the summary.
    """
    from projections.audit.compare import compare as compare_rules
    from projections.audit.compare import load_rules

    options = Options.of(context)
    versions, rules = named([name]), load_rules(other)
    url, _ = store_of(options)
    (wanted,) = live(url, versions)
    interrupt_on_sigterm()

    def each(change: Change) -> None:
        if options.json:
            print_json(asdict(change), line=True)

    with showing_progress(options, [name]) as tell:
        found = compare_rules(
            url, wanted, rules, workers=workers, report=partial(tell, name), each=each
        )
    if options.json:
        summary = asdict(found) | {"equal": found.equal}
        del summary["changes"]
        print_json(summary, line=True)
    else:
        _print_compared(options, found)
    if not found.equal:
        raise typer.Exit(_FOUND)


def _verify_continuously(
    options: Options,
    url: str,
    wanted: list[Projection],
    seconds: float,
    parts: int,
    keep_going: bool,
) -> None:
    from projections.audit.verify_continuously import verify_continuously

    wrong = False
    passes = verify_continuously(
        url,
        wanted,
        Signal(),
        every=seconds,
        sample=parts,
        away=lambda error: say(f"the database is away, tried again at the next pass: {error}"),
    )
    try:
        for each in passes:
            if options.json:
                print_json(asdict(each), line=True)
            else:
                print_record(options, {each.projection: _verdict(each)})
                _print_differences(options, [each])
            wrong = wrong or each.wrong > 0
            if wrong and not keep_going:
                break
    except KeyboardInterrupt:
        say("stopped")
    if wrong:
        raise typer.Exit(_FOUND)


def _parts(sample: str) -> int:
    """N of 1/N."""
    one, _, parts = sample.partition("/")
    if one != "1" or not parts.isascii() or not parts.isdigit() or not 0 < int(parts) <= 100_000:
        raise ConfigurationError("--sample", f"it is written 1/N, such as 1/16, and not {sample!r}")
    return int(parts)


def _verdict(found: Verified) -> str:
    wrong = f"{found.wrong:,} {'is' if found.wrong == 1 else 'are'} wrong"
    words = f"{found.rows:,} rows at position {found.position}"
    if found.starts_after:
        words += f", of the events after {found.starts_after}"
    if found.bucket is not None:
        words += f", bucket {found.bucket[0] + 1} of {found.bucket[1]}"
    words += f": {wrong if found.wrong else 'all as the events say'}"
    if found.held:
        words += f", but for {found.held:,} events that are held"
    if found.failed:
        words += (
            f"; these rules can't apply {found.failed:,} events, the first at position "
            f"{found.failures[0].position}: {found.failures[0].error}"
        )
    return words


def _print_differences(options: Options, found: Iterable[Verified]) -> None:
    differences = [difference for each in found for difference in each.differences]
    if differences:
        print_rows(
            options,
            (
                {
                    "table": difference.table,
                    "key": _key(difference.key),
                    "problem": difference.problem,
                    "stored_and_said": difference.columns or None,
                }
                for difference in differences
            ),
            ("table", "key", "problem", "stored_and_said"),
        )


def _print_compared(options: Options, found: Compared) -> None:
    print_rows(
        options,
        (
            {
                "table": each.table,
                "in": each.sides,
                "rows": each.rows,
                **{kind: each.counts.get(kind, 0) for kind in ("added", "removed", "changed")},
                "columns_only_live": ", ".join(each.columns_only_live) or None,
                "columns_only_other": ", ".join(each.columns_only_other) or None,
            }
            for each in found.tables
        ),
        (
            "table",
            "in",
            "rows",
            "added",
            "removed",
            "changed",
            "columns_only_live",
            "columns_only_other",
        ),
    )
    if found.failures:
        shown = len(found.failures)
        which = "these" if shown == found.failed else f"{found.failed:,}, the first {shown:,} being"
        say(f"{found.held:,} events are not applied by {found.other}; of them failed {which}:")
        print_rows(
            options,
            (asdict(failed) for failed in found.failures),
            ("position", "event_type", "error"),
        )
    if found.changes:
        total = sum(sum(each.counts.values()) for each in found.tables)
        if total > len(found.changes):
            say(f"the first {len(found.changes)} of {total:,} changes; --json prints all")
        print_changes(options, found.changes, "live_and_other")
    verdict = "the same rows" if found.equal else "they differ"
    say(f"{found.other} at position {found.position}: {verdict}")


def print_changes(options: Options, changes: Iterable[Change], both: str) -> None:
    """A table of changes, whose last column is called `both`."""

    def row(change: Change) -> dict[str, Any]:
        values = {"table": change.table, "key": _key(change.key), "kind": change.kind}
        return values | {both: change.columns if change.kind == "changed" else None}

    print_rows(options, map(row, changes), ("table", "key", "kind", both))


def _key(key: tuple[Any, ...]) -> str:
    return " ".join(map(str, key))
