"""The root of the command line: finds commands, and turns errors into messages and exit codes.

Commands are loaded when they are asked for. Other packages add theirs through the entry-point
group `eventstore.commands`: a name, and the Typer app behind it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.metadata import entry_points, version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from eventstore.cli import output
from eventstore.cli.options import Options, global_options
from eventstore.errors import EventStoreError

__all__ = ["main"]

OWN: Final = {
    "db": "eventstore.cli.db",
    "config": "eventstore.cli.config",
    "events": "eventstore.cli.events",
    "streams": "eventstore.cli.streams",
    "trace": "eventstore.cli.trace",
    "subscriptions": "eventstore.cli.subscriptions",
    "partitions": "eventstore.cli.partitions",
    "health": "eventstore.cli.health",
    "ingest": "eventstore.cli.ingest",
    "seed": "eventstore.cli.seed",
}
"""Commands of this package: the module that has each one's Typer app, called `app`."""
GROUP: Final = "eventstore.commands"
_COMPLETION: Final = {"install_completion", "show_completion"}


class Commands(TyperGroup):
    """A group whose commands are loaded by name."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command that can be loaded; one that can't is named on stderr."""
        for name in _loaders():
            self._load(name)
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, or None."""
        if cmd_name not in _loaders():
            self.list_commands(ctx)  # so that the error can suggest a similar name
            return None
        self._load(cmd_name)
        return self.commands.get(cmd_name)

    def _load(self, name: str) -> None:
        if name in self.commands:
            return
        try:
            command = get_command(_loaders()[name]())
        except Exception as error:  # noqa: BLE001  # somebody else's package; others still work
            output.say(f"eventstore: the command {name} can't be loaded: {error}")
            return
        command.name = name
        _add_global_options(command)
        self.commands[name] = command


def _loaders() -> dict[str, Callable[[], typer.Typer]]:
    """How to get the app of each command; our own can't be replaced."""
    found: dict[str, Callable[[], typer.Typer]] = {}
    for name, module in OWN.items():
        found[name] = lambda module=module: import_module(module).app  # type: ignore[misc]
    for point in sorted(entry_points(group=GROUP)):
        found.setdefault(point.name, point.load)
    return found


def _add_global_options(command: Any) -> None:
    """Lets a command, and every one below it, take the global options after its name."""
    command.rich_markup_mode = None  # plain help, alike in every package's commands
    command.params = [param for param in command.params if param.name not in _COMPLETION]
    below = getattr(command, "commands", None)
    if below is not None:
        for each in below.values():
            _add_global_options(each)
        return
    taken = {name for param in command.params for name in param.opts}
    for option in _global_parameters():
        if taken.isdisjoint(option.opts):
            command.params.append(option)


def _global_parameters() -> list[Any]:
    declared = typer.Typer(add_completion=False)
    declared.command()(global_options)
    return list(get_command(declared).params)


app = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode=None)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"eventstore {version('agent-eventstore')}")  # noqa: T201
        raise typer.Exit


@app.callback()
def _root(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """An append-only event store on PostgreSQL that AI agents can be held to account by."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code; see eventstore.errors for their meaning."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    own_words = words[: words.index("--")] if "--" in words else words
    options = Options(json="--json" in own_words)
    # The pool warns of connections that Ctrl-C broke off; what the user needs to know, we say.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    command = get_command(app)
    command.params.extend(_global_parameters())
    try:
        command.main(words, prog_name="eventstore", obj=options)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except EventStoreError as error:
        output.print_error(options, error)
        return error.exit_code
    return 0
