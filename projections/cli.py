"""`eventstore projections`: keep read models up to date, rebuild them, and check them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_record, print_rows, progress, say
from eventstore.errors import ConfigurationError

if TYPE_CHECKING:
    from threading import Event as Signal

    from projections.projection import Projection
    from projections.build import Progress
    from projections.status import Status
    from projections.verify import Verified

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Read models: run, rebuild, check.")

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="By default all.")]
Chosen = Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="See `list`.")]
Every = Annotated[bool, typer.Option("--all", help="Every projection.")]


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
            for each in _named(None)
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
    chosen = _named(names)
    url, revive = _store(options)
    stop = Event()
    _stop_on_signals(stop)
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
    chosen = _named(names)
    url, _ = _store(options)
    with closing(open_session(url, part="status")) as conn:
        found = engine.status(conn, chosen)
    if options.json:
        print_json(asdict(found))
    else:
        _print_status(options, found)


@app.command()
def rebuild(context: typer.Context, names: Chosen = None, every: Every = False) -> None:
    """Build tables again from the log beside the live ones, then put them in place."""
    from projections.rebuild import rebuild_all

    options = Options.of(context)
    chosen = _chosen(names, every)
    url, _ = _store(options)
    with progress(options) as display:
        tasks = {each.name: display.add_task(each.name, total=None) for each in chosen}

        def report(projection: Projection, now: Progress) -> None:
            rate = f"{now.done / now.seconds:,.0f}/s" if now.seconds > 0 else ""
            display.update(
                tasks[projection.name],
                total=max(now.target, 1),
                completed=now.position,
                description=f"{projection.name}: {now.phase}, {now.done:,} ({rate})",
            )

        done = rebuild_all(url, chosen, report=report)
    if options.json:
        print_json([asdict(each) | {"events_per_second": each.events_per_second} for each in done])
        return
    for each in done:
        say(
            f"{each.projection}: {each.events:,} events into {each.rows:,} rows in "
            f"{each.seconds:.1f} s ({each.events_per_second:,.0f} events/s)"
        )


@app.command()
def verify(context: typer.Context, names: Chosen = None, every: Every = False) -> None:
    """Compare tables with a replay of the log, row for row; exit code 6 when they differ."""
    from projections import verify as engine

    options = Options.of(context)
    url, _ = _store(options)
    found = [engine.verify(url, each) for each in _chosen(names, every)]
    if options.json:
        print_json([asdict(each) for each in found])
    else:
        _print_verified(options, found)
    if any(each.wrong for each in found):
        raise typer.Exit(6)


def _named(names: Iterable[str] | None) -> list[Projection]:
    from projections.catalogue import PROJECTIONS, projection

    return [projection(name) for name in dict.fromkeys(names)] if names else list(PROJECTIONS)


def _chosen(names: list[str] | None, every: bool) -> list[Projection]:
    if bool(names) == every:
        raise ConfigurationError("NAME", "name the projections, or give --all")
    return _named(names)


def _store(options: Options) -> tuple[str, Callable[[], None]]:
    """Address of a store with the schema of this code, and what brings its server back."""
    from eventstore.schema import check_schema
    from eventstore.server import connect_to
    from projections.session import open_session

    url, revive = connect_to(options.settings())
    with closing(open_session(url, part="command line")) as conn:
        check_schema(conn)
    return url, revive


def _stop_on_signals(stop: Signal) -> None:
    """The first signal asks for an orderly end, a second one ends at once."""

    def ask(number: int, frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)


def _print_verified(options: Options, found: list[Verified]) -> None:
    for each in found:
        wrong = f"{each.wrong:,} {'is' if each.wrong == 1 else 'are'} wrong"
        verdict = wrong if each.wrong else "all as the events say"
        words = f"{each.rows:,} rows at position {each.position}: {verdict}"
        print_record(options, {each.projection: words})
    differences = [difference for each in found for difference in each.differences]
    if differences:
        print_rows(
            options,
            (
                {
                    "table": difference.table,
                    "key": " ".join(map(str, difference.key)),
                    "problem": difference.problem,
                    "stored_and_said": difference.columns or None,
                }
                for difference in differences
            ),
            ("table", "key", "problem", "stored_and_said"),
        )


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
