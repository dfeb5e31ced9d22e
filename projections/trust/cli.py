"""`eventstore trust`: what is done to the trust context from time to time."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_record, say

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="How far agents are trusted.")

_UNITS: Final = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


@app.callback()
def _group() -> None:
    pass


@app.command("roll-up")
def roll_up(
    context: typer.Context,
    older_than: Annotated[
        str, typer.Option(help="How long metrics are kept one by one, such as 30d or 12h.")
    ] = "30d",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say how much would be rolled up.")
    ] = False,
) -> None:
    """Make one row of each day's metrics, agent by agent, when they are old enough."""
    from eventstore.connection.server import connect_to
    from eventstore.store import EventStore
    from projections.trust.roll_up import roll_up as rolled_up

    options, age = Options.of(context), _age(older_than)
    url, _ = connect_to(options.settings())
    with EventStore.open(options.database_url, tenant=options.tenant) as store:
        done = rolled_up(store, url, age=age, dry_run=dry_run)
    print_record(
        options,
        {"days": done.days, "metrics": done.metrics, "left": done.left,
         "last_position": done.last_position, "dry_run": dry_run},
    )  # fmt: skip
    if done.left:
        say(f"{done.left} days are being rolled up by somebody else; run it again later")


def _age(text: str) -> timedelta:
    """A duration such as 30d; raises ConfigurationError."""
    from eventstore.errors import ConfigurationError

    found = re.fullmatch(r"(\d{1,6})([dhms])", text)
    if found is None:
        raise ConfigurationError(
            "--older-than", f"{text!r} is no duration such as 30d, 12h, 90m or 45s"
        )
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
