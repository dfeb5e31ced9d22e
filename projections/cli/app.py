"""`eventstore projections`: keep read models up to date, rebuild them, and check them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_record, print_rows
from projections.cli import builds, checks, daemons, failures
from projections.cli.chosen import (
    Chosen,
    Every,
    Names,
    chosen,
    named,
    of_each,
    stop_on_signals,
    store_of,
)
from projections.hooks import cli as hooks_cli

if TYPE_CHECKING:
    from projections.audit.drift import Checked
    from projections.projection import Projection

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Read models: run, rebuild, check.")
app.add_typer(builds.app)
app.add_typer(checks.app)
app.add_typer(hooks_cli.app, name="hooks")
app.add_typer(failures.app, name="failures")
app.command()(daemons.daemons)
app.command()(daemons.reshard)


@app.command("list")
def list_all(context: typer.Context) -> None:
    """List the projections and their versions, with their tables and event types."""
    print_rows(
        Options.of(context),
        (
            {
                "projection": each.name,
                "projection_version": each.version,
                "tables": [table.TABLE for table in each.tables],
                "event_types": list(each.event_types),
            }
            for versions in named(None)
            for each in versions
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
            "--until-caught-up",
            "--once",
            help="Stop when all that is in the log now is applied; exit code 6 when some is held.",
        ),
    ] = False,
    lease: Annotated[
        float, typer.Option(min=0.5, help="Seconds after which a dead holder is followed.")
    ] = 5.0,
    http: Annotated[
        str | None,
        typer.Option(
            metavar="[HOST:]PORT",
            help="Serve /metrics, /healthz and /readyz there; on this machine without a HOST.",
        ),
    ] = None,
    log_format: Annotated[
        Literal["logfmt", "json"], typer.Option(help="How the lines on stderr look.")
    ] = "logfmt",
) -> None:
    """Keep tables up to date until SIGTERM or Ctrl-C; ends a batch, then stops.

    Any number of processes, on any number of hosts, share the work evenly.
    """
    from threading import Event

    from projections.collector import settled
    from projections.hook_list import hooks_of
    from projections.live.daemon import run_daemon
    from projections.log import show_on_stderr

    show_on_stderr(log_format)
    options = Options.of(context)
    wanted = [each for versions in named(names) for each in versions]
    url, revive = store_of(options)
    stop = Event()
    stop_on_signals(stop)
    running = {each.name for each in wanted}
    with settled(), hooks_of(options.settings(), url, running) as hooks:
        failures = run_daemon(
            url,
            wanted,
            stop,
            until_caught_up=until_caught_up,
            lease_seconds=lease,
            revive=revive,
            hooks=hooks,
            http=http,
            months_ahead=options.settings().months_ahead,
        )
    held = _held(url, wanted) if until_caught_up else {}
    if options.json:
        print_json(held | {name: str(error) for name, error in failures.items()})
    if failures:
        raise typer.Exit(1)
    if held:
        raise typer.Exit(6)


@app.command()
def status(
    context: typer.Context,
    names: Names = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Again and again: every 2 s, or every SECONDS after it.")
    ] = False,
) -> None:
    """Show state, lag, failures, hooks and holder of each, what holds all back, what to do."""
    from projections.cli.status import show_status, watch_status

    options = Options.of(context)
    # The command line's parser knows no option whose value may be left out; no name is a number.
    numbers = [each for each in names or () if watch and _is_number(each)]
    rules = named([each for each in names or () if each not in numbers])
    wanted = [versions[-1] for versions in rules]
    url, _ = store_of(options)
    if watch:
        watch_status(options, url, wanted, max(0.1, float(numbers[-1])) if numbers else 2.0)
    else:
        show_status(options, url, wanted)


@app.command()
def check(context: typer.Context, names: Chosen = None, every: Every = False) -> None:
    """Compare tables with the SQL file that makes them; exit code 6 when they differ."""
    from projections.audit import drift
    from projections.session import open_session

    options = Options.of(context)
    wanted = chosen(names, every)
    url, _ = store_of(options)
    with closing(open_session(url, part="check", role="owner")) as owner:
        found = of_each(wanted, every, lambda versions: drift.check(owner, versions))
    if options.json:
        print_json([asdict(each) for each in found])
    else:
        _print_checked(options, found)
    if any(each.drifts for each in found):
        raise typer.Exit(6)


def _held(url: str, projections: list[Projection]) -> dict[str, str]:
    """What each projection holds and so has not applied, in words, which are logged too."""
    from projections.apply.failures import failures
    from projections.log import LOG
    from projections.session import open_session

    with closing(open_session(url, part="command line")) as conn:
        found = failures(conn, {each.name: each for each in projections}.values())
    words: dict[str, str] = {}
    for name in dict.fromkeys(each.projection for each in found):
        waiting = [each.waiting for each in found if each.projection == name]
        words[name] = (
            f"holds {len(waiting)} failed events, and {sum(waiting)} that wait for them: "
            f"`eventstore projections failures list {name}`"
        )
        LOG.warning("events are held", projection=name, reason=words[name])
    return words


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def _print_checked(options: Options, found: list[Checked]) -> None:
    for each in found:
        wrong = f"{len(each.drifts)} of their parts differ from their SQL file"
        verdict = wrong if each.drifts else "as their SQL file makes them"
        print_record(
            options, {each.projection: f"tables of version {each.projection_version}, {verdict}"}
        )
    drifts = [asdict(drift) for each in found for drift in each.drifts]
    if drifts:
        print_rows(options, drifts, ("thing", "expected", "found"))
