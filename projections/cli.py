"""`eventstore projections`: keep read models up to date, rebuild them, and check them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_record, print_rows, progress, say
from eventstore.errors import ConfigurationError
from projections import daemons_cli, failures_cli
from projections.hooks import cli as hooks_cli

if TYPE_CHECKING:
    from threading import Event as Signal

    from projections.drift import Checked
    from projections.projection import Projection
    from projections.rebuild import Progress
    from projections.verify import Verified

__all__ = ["app"]

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Read models: run, rebuild, check.")
app.add_typer(hooks_cli.app, name="hooks")
app.add_typer(failures_cli.app, name="failures")
app.command()(daemons_cli.daemons)
app.command()(daemons_cli.reshard)

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="By default all.")]
Chosen = Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="See `list`.")]
Every = Annotated[bool, typer.Option("--all", help="Every projection.")]


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
            for versions in _named(None)
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
            "--until-caught-up", "--once", help="Stop when all that is in the log now is applied."
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
    import logging
    import sys
    from threading import Event

    from projections.catalogue import all_projections
    from projections.collector import settled
    from projections.daemon import run_daemon
    from projections.hooks.installed import checked, installed
    from projections.log import use_format

    use_format(log_format)
    logging.basicConfig(stream=sys.stderr, format="%(message)s", level=logging.INFO)
    options = Options.of(context)
    chosen = [each for versions in _named(names) for each in versions]
    running = {each.name for each in chosen}
    hooks = checked(installed(), [each.name for each in all_projections()])
    url, revive = _store(options)
    stop = Event()
    _stop_on_signals(stop)
    with settled():
        failures = run_daemon(
            url,
            chosen,
            stop,
            until_caught_up=until_caught_up,
            lease_seconds=lease,
            revive=revive,
            hooks=[hook for hook in hooks if hook.projection in running],
            http=http,
        )
    if options.json:
        print_json({name: str(error) for name, error in failures.items()})
    if failures:
        raise typer.Exit(1)


@app.command()
def status(
    context: typer.Context,
    names: Names = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Again and again: every 2 s, or every SECONDS after it.")
    ] = False,
) -> None:
    """Show state, lag, failures, hooks and holder of each, what holds all back, what to do."""
    from projections.status_cli import show_status, watch_status

    options = Options.of(context)
    # The command line's parser knows no option whose value may be left out; no name is a number.
    numbers = [each for each in names or () if watch and _is_number(each)]
    named = _named([each for each in names or () if each not in numbers])
    chosen = [versions[-1] for versions in named]
    url, _ = _store(options)
    if watch:
        watch_status(options, url, chosen, max(0.1, float(numbers[-1])) if numbers else 2.0)
    else:
        show_status(options, url, chosen)


@app.command()
def rebuild(
    context: typer.Context,
    names: Chosen = None,
    every: Every = False,
    version: Annotated[
        int | None, typer.Option(help="Version of the rules; by default the newest.")
    ] = None,
) -> None:
    """Build tables from the log beside the live ones, then put them in place.

    A projection that has no tables yet gets them.
    """
    from projections.catalogue import projection
    from projections.rebuild import rebuild_all

    options = Options.of(context)
    chosen = [projection(versions[-1].name, version) for versions in _chosen(names, every)]
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
    from projections.session import open_session
    from projections.tables import live_rules

    options = Options.of(context)
    chosen = _chosen(names, every)
    url, _ = _store(options)
    with closing(open_session(url, part="verify")) as conn:
        live = _of_each(chosen, every, lambda versions: live_rules(conn, versions))
    found = [engine.verify(url, each) for each in live]
    if options.json:
        print_json([asdict(each) for each in found])
    else:
        _print_verified(options, found)
    if any(each.wrong for each in found):
        raise typer.Exit(6)


@app.command()
def check(context: typer.Context, names: Chosen = None, every: Every = False) -> None:
    """Compare tables with the SQL file that makes them; exit code 6 when they differ."""
    from projections import drift
    from projections.session import open_session

    options = Options.of(context)
    chosen = _chosen(names, every)
    url, _ = _store(options)
    with closing(open_session(url, part="check", role="owner")) as owner:
        found = _of_each(chosen, every, lambda versions: drift.check(owner, versions))
    if options.json:
        print_json([asdict(each) for each in found])
    else:
        _print_checked(options, found)
    if any(each.drifts for each in found):
        raise typer.Exit(6)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdecimal()


def _named(names: Iterable[str] | None) -> list[tuple[Projection, ...]]:
    """The versions of each projection that was named, or of all."""
    from projections.catalogue import all_projections, versions

    wanted = dict.fromkeys(names) if names else [each.name for each in all_projections()]
    return [versions(name) for name in wanted]


def _chosen(names: list[str] | None, every: bool) -> list[tuple[Projection, ...]]:
    if bool(names) == every:
        raise ConfigurationError("NAME", "name the projections, or give --all")
    return _named(names)


def _of_each(
    chosen: list[tuple[Projection, ...]],
    every: bool,
    look: Callable[[tuple[Projection, ...]], T],
) -> list[T]:
    """What there is to say of each; of all, those without tables are left out, which is said."""
    from projections.errors import NotInstalled

    found: list[T] = []
    for versions in chosen:
        try:
            found.append(look(versions))
        except NotInstalled as error:
            if not every:
                raise
            say(str(error))
    return found


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
