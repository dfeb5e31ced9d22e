"""`eventstore partitions`: the partitions of the log, made ahead and sealed behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from eventstore.cli.opening import open_store
from eventstore.cli.options import Options
from eventstore.cli.output import print_rows, say

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The partitions of the log, by class and month.")


@app.command("list")
def list_partitions(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Exit code 6 when one of next month is missing.")
    ] = False,
) -> None:
    """List the partitions; the numbers of events are the server's estimates, of all tenants."""
    from eventstore.cli.opening import open_log
    from eventstore.upkeep.partitions import gaps, partitions

    options = Options.of(context)
    with open_log(options) as log:
        found, missing = log.database.read(lambda c: (partitions(c), gaps(c)))
    for row in found:
        del row["relation"]
    print_rows(
        options,
        found,
        ("name", "retention_class", "from_time", "until_time", "sealed", "estimated_events",
         "bytes"),
    )  # fmt: skip
    for gap in missing:
        say(f"missing: {gap['retention_class']} {gap['month']:%Y-%m}; `eventstore partitions "
            "ensure` makes it")  # fmt: skip
    if check and missing:
        raise typer.Exit(6)


@app.command()
def ensure(
    context: typer.Context,
    months_ahead: Annotated[
        int | None,
        typer.Option(min=0, max=120, help="Months after this one; EVENTSTORE_MONTHS_AHEAD, or 2."),
    ] = None,
) -> None:
    """Create the partitions that are missing, from this month on; prints the new ones.

    A daemon does it by itself (`projections run`, `db keep`); without one, let cron do it.
    """
    from eventstore.upkeep.partitions import ensure_partitions

    options = Options.of(context)
    with open_store(options) as store:
        months = store.settings.months_ahead if months_ahead is None else months_ahead
        _print_names(options, ensure_partitions(store.database, months), "none was missing")


@app.command()
def seal(context: typer.Context) -> None:
    """Close each month that is over: note, prove, map and freeze what it has; prints which.

    Reads and appends go on. What was broken off is gone on with.
    """
    from eventstore.upkeep.partitions import seal_partitions

    options = Options.of(context)
    with open_store(options) as store:
        _print_names(options, seal_partitions(store.database), "no open month is over")


def _print_names(options: Options, names: Sequence[str], none: str) -> None:
    if names or options.json:
        print_rows(options, [{"name": name} for name in names], ("name",))
    else:
        say(none)
