"""`eventstore db`: the server, its schema, and its health."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstore.cli.keep import keep
from eventstore.cli.options import Options
from eventstore.cli.output import print_record, print_rows, say
from eventstore.cli.standby import standby
from eventstore.errors import ConfigurationError

if TYPE_CHECKING:
    from eventstore.embedded import EmbeddedServer
    from eventstore.schema.migrate import Move

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The database: server, schema, health.")
app.command()(keep)
app.command()(standby)

Revision = Annotated[str, typer.Argument(help="A revision, or its number; see `history`.")]


@app.command()
def up(context: typer.Context) -> None:
    """Start the embedded server, and make the store when it is new; prints its URL."""
    from eventstore.connection.server import prepare

    options = Options.of(context)
    settings = options.settings()
    if settings.database_url is not None:
        raise ConfigurationError(
            "database_url",
            f"{settings.origins['database_url']} names a server of your own, which this doesn't "
            "start; unset it to use the embedded one",
        )
    url = prepare(settings)
    if options.json:
        _print_status(options)
    else:
        print_record(options, {"url": url})


@app.command()
def down(context: typer.Context) -> None:
    """Stop the embedded server and its standby; it starts again when a store is opened."""
    from eventstore.embedded.standby import standby_of

    options = Options.of(context)
    server = _embedded(options)
    standby_of(server).stop()
    stopped = server.stop()
    if options.json:
        print_record(options, {"stopped": stopped})
    else:
        say("stopped" if stopped else "it was not running")


@app.command()
def status(context: typer.Context) -> None:
    """Show which server is used, whether it answers, and its schema."""
    _print_status(Options.of(context))


@app.command()
def url(
    context: typer.Context,
    reveal: Annotated[bool, typer.Option("--reveal", help="With its password.")] = False,
) -> None:
    """Print the database's URL, ready for other programs."""
    from eventstore.config import mask

    options = Options.of(context)
    address = _address(options)
    shown = address if reveal else mask(address)
    if options.json:
        print_record(options, {"url": shown})
    else:
        sys.stdout.write(shown + "\n")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def psql(
    context: typer.Context,
    role: Annotated[
        str,
        typer.Option("--role", help="auditor, projector, appender, archiver, subscriber or owner."),
    ] = "auditor",
) -> None:
    """Open psql as one of the store's roles; arguments after `--` go to psql."""
    from eventstore.connection.server import prepare

    options = Options.of(context)
    settings = options.settings()
    address = prepare(settings)
    embedded = _embedded(options).binary("psql") if settings.database_url is None else None
    program = str(embedded) if embedded is not None else shutil.which("psql")
    if program is None:
        program = str(_embedded(options).binary("psql"))
    session = f"-c role=eventstore_{role} -c search_path=projections,eventstore,public"
    environment = os.environ | {"PGOPTIONS": f"{os.environ.get('PGOPTIONS', '')} {session}".strip()}
    sys.stdout.flush()
    os.execve(program, [program, address, *context.args], environment)


@app.command()
def bootstrap(
    context: typer.Context,
    login: Annotated[
        str | None, typer.Option(help="Login that may use the store; by default the URL's own.")
    ] = None,
) -> None:
    """Make roles, schemas and rights, as an administrator; once a database, again at will."""
    from eventstore.connection.server import DATABASE
    from eventstore.embedded import APPLICATION_LOGIN
    from eventstore.schema import bootstrap as preparation

    options = Options.of(context)
    address = _prepared(options)
    if options.settings().database_url is None:
        address, login = _embedded(options).admin_url(DATABASE), login or APPLICATION_LOGIN
    allowed = preparation.bootstrap(address, login)
    print_record(options, {"bootstrapped": True, "login": allowed})


@app.command()
def upgrade(context: typer.Context, revision: Revision = "head") -> None:
    """Apply migrations, up to the newest or to REVISION."""
    from eventstore.schema import migrate

    options = Options.of(context)
    _print_move(options, migrate.upgrade(_prepared(options), revision))


@app.command()
def downgrade(
    context: typer.Context,
    revision: Annotated[str, typer.Argument(help="A revision, -1, or base.")],
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Take migrations back: what they made is deleted, with `base` every event."""
    from eventstore.schema import migrate

    options = Options.of(context)
    address = _prepared(options)
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigurationError("--yes", "a downgrade deletes data; say --yes to go on")
        typer.confirm(f"Delete what was made after {revision}?", abort=True, err=True)
    _print_move(options, migrate.downgrade(address, revision))


@app.command()
def current(context: typer.Context) -> None:
    """Print the revision that the database is at."""
    from eventstore.schema import migrate

    options = Options.of(context)
    at = migrate.current(_prepared(options))
    if options.json:
        print_record(options, {"revision": at})
    else:
        sys.stdout.write(f"{at or 'base'}\n")


@app.command()
def history(context: typer.Context) -> None:
    """List the migrations, and which of them the database has."""
    from eventstore.schema import migrate

    options = Options.of(context)
    rows = [asdict(revision) for revision in migrate.history(_prepared(options))]
    print_rows(options, rows, ("revision", "applied", "current", "summary"))


@app.command()
def check(context: typer.Context) -> None:
    """Check schema, roles, rights and partitions; exit code 6 when something is wrong."""
    from eventstore.schema import checks

    options = Options.of(context)
    findings = checks.inspect(_prepared(options))
    print_rows(options, map(asdict, findings), ("check", "ok", "detail", "cure"))
    if not all(finding.ok for finding in findings):
        raise typer.Exit(6)


@app.command()
def stamp(context: typer.Context, revision: Revision) -> None:
    """Record that the database is at REVISION without running anything."""
    from eventstore.schema import migrate

    options = Options.of(context)
    _print_move(options, migrate.stamp(_prepared(options), revision))


def _embedded(options: Options) -> EmbeddedServer:
    from eventstore.embedded import EmbeddedServer

    return EmbeddedServer(options.settings().home)


def _address(options: Options) -> str:
    """The database's URL, without making anything run."""
    return options.settings().database_url or _embedded(options).url()


def _prepared(options: Options) -> str:
    """The URL of a database whose server runs."""
    from eventstore.connection.server import prepare

    return prepare(options.settings())


def _print_move(options: Options, move: Move) -> None:
    if options.json:
        print_record(options, asdict(move))
    elif move.before == move.after:
        say(f"nothing to do: at {move.after or 'base'}")
    else:
        say(f"{move.before or 'base'} -> {move.after or 'base'}")


def _print_status(options: Options) -> None:
    from eventstore.config import mask
    from eventstore.connection.server import DATABASE, database_exists
    from eventstore.schema import migrate

    settings = options.settings()
    facts: dict[str, Any] = {"server": settings.origins["database_url"], "state": "running"}
    there = True
    if settings.database_url is None:
        server = _embedded(options)
        facts = {"server": "embedded"} | asdict(server.status())
        there = facts["state"] == "running" and database_exists(server, DATABASE)
    address = _address(options)
    revision = migrate.current(address) if there else None
    print_record(options, facts | {"url": mask(address), "revision": revision})
