"""`eventstore demo`: a crew of agents examines what is installed here, and is held to account."""

from __future__ import annotations

import platform
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, say, stdout
from eventstore.errors import NotFound
from projections.demo.words import counted

if TYPE_CHECKING:
    from eventstore.config import Settings
    from projections.demo.findings import Findings

__all__ = ["app"]

app = typer.Typer()


@app.command()
def demo(
    context: typer.Context,
    path: Annotated[
        Path | None,
        typer.Option(
            "--path",
            metavar="DIR",
            help="A directory of distributions, instead of those that this Python imports.",
            exists=True,
            file_okay=False,
            resolve_path=True,
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="At most so many, in order of name.")
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=16, help="Analysts, and as many testers.")
    ] = 2,
) -> None:
    """Let a crew of agents examine the Python distributions that are installed here.

    They read, hash, script, test and approve, while a projector in another process builds the
    tables. Then see what came of it, how it came about, and whether the tables are what the log
    says; exit code 6 if they are not. Run it again, and everything is looked at once more.
    """
    from rich.console import Console

    from eventstore import EventStore
    from projections.demo.distributions import find
    from projections.demo.findings import gather
    from projections.demo.projector import Projector
    from projections.demo.report import print_report
    from projections.demo.run import run
    from projections.demo.sight import Sight
    from projections.demo.team import Team
    from projections.session import open_session

    options = Options.of(context)
    settings = options.settings()
    there = find(None if path is None else [path])
    locations = there.locations[:limit]
    if not locations:
        raise NotFound("distribution in", path or sys.prefix, "no *.dist-info lies there")
    where = str(path) if path is not None else f"Python {platform.python_version()}, {sys.prefix}"
    say(f"{counted(len(locations), 'distribution')} of {where}")
    for shadowed in there.shadowed:
        say(f"left out, for an import finds another of that name first: {shadowed}")
    team, screen = Team(workers), Console(stderr=True, highlight=False)
    with EventStore.open(options.database_url, tenant=options.tenant) as store:
        url = store.database.url
        with (
            closing(open_session(url, part="demo")) as conn,
            Projector(settings) as projector,
            Sight(screen, team, len(locations), quiet=options.json) as sight,
        ):
            say(f"{_place(settings)}; process {projector.pid} builds the tables")
            began = perf_counter()
            try:
                planner = run(
                    store,
                    team,
                    locations,
                    title=f"Examine {counted(len(locations), 'Python distribution')}",
                    metadata={"from": where},
                    watch=sight.message,
                )
            except KeyboardInterrupt:
                say("interrupted: what was open has ended as failed; a new run gives it a new try")
                raise
            worked = perf_counter()
            target = store.watermark()
            projector.wait(conn, target, lambda position: sight.tables(position, target))
            built = perf_counter()
        found = gather(store, url, team, planner)
    commands = _commands(options, found)
    if options.json:
        seconds = {"work": worked - began, "tables_later": built - worked}
        print_json(found.as_json() | {"from": where, "seconds": seconds, "next": commands})
    else:
        opening = (
            f"{len(team.agents)} agents appended {found.events:,} events in {worked - began:.1f} s;"
            f" the tables were there {built - worked:.1f} s later.",
            f"They read {_size(found.bytes_read)}, and found {found.files_proved:,} files"
            " as recorded.",
            *_plans(planner.plans),
        )
        print_report(stdout(), found, opening, commands, _note(options))
    if found.wrong:
        raise typer.Exit(6)


def _place(settings: Settings) -> str:
    from eventstore.config import mask

    if settings.database_url is not None:
        return f"the store is {mask(settings.database_url)}"
    return f"the store is an embedded PostgreSQL in {settings.home}"


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e5 else counted(count, "byte")


def _plans(plans: Mapping[str, int]) -> Iterator[str]:
    """What was done differently because an earlier run had been there."""
    if plans["check again"]:
        yield (
            f"{counted(plans['check again'], 'package')} of an earlier run had been completed, "
            "which is final: only the files were read again."
        )
    if plans["try again"]:
        yield f"{counted(plans['try again'], 'package')} of an earlier run got a new try."


def _commands(options: Options, found: Findings) -> list[str]:
    """Three commands that show more, as they have to be typed here."""
    program = _program()
    tail = f" --tenant {shlex.quote(options.tenant)}" if options.tenant else ""
    if options.database_url and not _secret(options):
        tail += f" --database-url {shlex.quote(options.database_url)}"
    commands = [f"{program} trace {found.example.correlation_id}{tail}"]
    if found.as_of is not None:
        commands.append(
            f"{program} audit as-of {found.as_of.table} {found.as_of.key} "
            f"--at {found.as_of.before}{tail}"
        )
    commands.append(f"{program} projections status{tail}")
    return commands


def _note(options: Options) -> str:
    """What has to be done first; a password is not repeated."""
    return "with EVENTSTORE_DATABASE_URL set to the same address:" if _secret(options) else ""


def _secret(options: Options) -> bool:
    from eventstore.config import mask

    return options.database_url is not None and mask(options.database_url) != options.database_url


def _program() -> str:
    """How `eventstore` is called from here."""
    called = Path(sys.argv[0])
    if called.name != "eventstore":
        return f"{shlex.quote(sys.executable)} -m eventstore"
    on_path = shutil.which("eventstore")
    if on_path is not None and Path(on_path).resolve() == called.resolve():
        return "eventstore"
    near = called.absolute()
    here = Path.cwd()
    return shlex.quote(str(near.relative_to(here) if near.is_relative_to(here) else near))
