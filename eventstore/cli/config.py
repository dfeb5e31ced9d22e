"""`eventstore config`: which settings are in force, and why."""

from __future__ import annotations

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_rows

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Which settings are in force.")


@app.callback()
def _group() -> None:
    pass


@app.command()
def show(context: typer.Context) -> None:
    """Show every setting, its value, and where the value came from."""
    options = Options.of(context)
    settings = options.settings()
    rows = (
        {"setting": name, "value": value, "origin": settings.origins[name]}
        for name, value in settings.shown().items()
    )
    print_rows(options, rows, ("setting", "value", "origin"))
