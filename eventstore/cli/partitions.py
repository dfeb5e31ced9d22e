"""`eventstore partitions`: the partitions of the log, made ahead and sealed behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_rows, say

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The partitions of the log, by class and month.")


@app.command("list")
def list_partitions(context: typer.Context) -> None:
    """List the partitions; the numbers of events are the server's estimates, of all tenants."""
    from eventstore.partitions import gaps, partitions
    from eventstore.store import EventStore

    options = Options.of(context)
    with EventStore.open(options.database_url, tenant=options.tenant) as store:
        found, missing = store.database.read(lambda c: (partitions(c), gaps(c)))
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


@app.command()
def ensure(
    context: typer.Context,
    months_ahead: Annotated[int, typer.Option(min=0, max=120, help="Months after this one.")] = 2,
) -> None:
    """Create the partitions that are missing, from this month on; prints the new ones."""
    from eventstore.partitions import ensure_partitions
    from eventstore.store import EventStore

    options = Options.of(context)
    with EventStore.open(options.database_url, tenant=options.tenant) as store:
        _print_names(options, ensure_partitions(store.database, months_ahead), "none was missing")


@app.command()
def seal(context: typer.Context) -> None:
    """Note the positions of each month that is over, so that reads can skip it; prints which."""
    from eventstore.partitions import seal_partitions
    from eventstore.store import EventStore

    options = Options.of(context)
    with EventStore.open(options.database_url, tenant=options.tenant) as store:
        _print_names(options, seal_partitions(store.database), "no open month is over")


def _print_names(options: Options, names: Sequence[str], none: str) -> None:
    if names or options.json:
        print_rows(options, [{"name": name} for name in names], ("name",))
    else:
        say(none)
