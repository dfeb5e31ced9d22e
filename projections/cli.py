"""`eventstore projections`: keep read models up to date, rebuild them, and check them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_record, print_rows
from projections import builds_cli, checks_cli
from projections.chosen_cli import Names, named, stop_on_signals, store_of

if TYPE_CHECKING:
    from projections.status import Status

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Read models: run, rebuild, check.")
app.add_typer(builds_cli.app)
app.add_typer(checks_cli.app)


@app.command("list")
def list_all(context: typer.Context) -> None:
    """List the projections with their tables and event types."""
    print_rows(
        Options.of(context),
        (
            {
                "projection": each.name,
                "projection_version": each.version,
                "tables": [table.TABLE for table in each.tables],
                "event_types": list(each.event_types),
            }
            for each in named(None)
        ),
        ("projection", "projection_version", "tables", "event_types"),
    )


@app.command()
def run(
    context: typer.Context,
    names: Names = None,
    until_caught_up: Annotated[
        bool,
        typer.Option(
            "--until-caught-up", "--once", help="Stop when all that is in the log now is applied."
        ),
    ] = False,
    lease: Annotated[
        float, typer.Option(min=0.5, help="Seconds after which a dead holder is followed.")
    ] = 10.0,
) -> None:
    """Keep tables up to date until SIGTERM or Ctrl-C; ends a batch, then stops.

    Where another process runs a projection already, this one stands by.
    """
    import logging
    import sys
    from threading import Event

    from projections.daemon import run_daemon

    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.INFO)
    options = Options.of(context)
    chosen = named(names)
    url, revive = store_of(options)
    stop = Event()
    stop_on_signals(stop)
    failures = run_daemon(
        url, chosen, stop, until_caught_up=until_caught_up, lease_seconds=lease, revive=revive
    )
    if options.json:
        print_json({name: str(error) for name, error in failures.items()})
    if failures:
        raise typer.Exit(1)


@app.command()
def status(context: typer.Context, names: Names = None) -> None:
    """Show position, lag, rate, holder and last error of each, and what holds all back."""
    from projections import status as engine
    from projections.session import open_session

    options = Options.of(context)
    chosen = named(names)
    url, _ = store_of(options)
    with closing(open_session(url, part="status")) as conn:
        found = engine.status(conn, chosen)
    if options.json:
        print_json(asdict(found))
    else:
        _print_status(options, found)


def _print_status(options: Options, found: Status) -> None:
    print_rows(
        options,
        (
            {
                "projection": each.projection + ("" if each.build == "live" else " (rebuild)"),
                "state": each.state,
                "position": each.position,
                "lag": f"{each.lag_events:,} events, {each.lag_seconds:.1f} s",
                "rate": f"{each.events_per_second:,.0f}/s",
                "holder": each.holder,
                "heartbeat": each.holder and f"{each.heartbeat_seconds:.1f} s ago",
                "last_error": (each.last_error or {}).get("error"),
            }
            for each in found.projections
        ),
        ("projection", "state", "position", "lag", "rate", "holder", "heartbeat", "last_error"),
    )
    print_record(options, {"watermark": found.watermark})
    held = found.held_back_by
    if held is not None:
        who = held.prepared or f"pid {held.pid} ({held.login}, {held.application}, {held.state})"
        print_record(options, {"held_back_by": f"an append in flight since {held.began_at}: {who}"})
