"""`eventstore health`: whether the log is well, in one look."""

from __future__ import annotations

from dataclasses import asdict

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_record, say

__all__ = ["app"]

app = typer.Typer()


@app.command()
def health(context: typer.Context) -> None:
    """Show which server answers, how new its reads are, and whether partitions are missing.

    It looks at the server that is read from: `--read-url`, if there is one. Exit code 6 when
    something needs somebody, 4 when nobody answers.
    """
    from eventstore.cli.opening import open_log
    from eventstore.upkeep.health import health as look

    options = Options.of(context)
    with open_log(options) as log:
        found = log.database.read(look)
    print_record(options, asdict(found) | {"problems": found.problems})
    for problem in found.problems:
        say(problem)
    if found.problems:
        raise typer.Exit(6)
