"""Which projections a command is about, and the store that it works on."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import say
from eventstore.errors import ConfigurationError

if TYPE_CHECKING:
    from threading import Event as Signal

    from projections.projection import Projection

__all__ = [
    "Chosen",
    "Every",
    "Names",
    "Workers",
    "chosen",
    "interrupt_on_sigterm",
    "live",
    "named",
    "of_each",
    "stop_on_signals",
    "store_of",
]

T = TypeVar("T")

Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="By default all.")]
Chosen = Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="See `list`.")]
Every = Annotated[bool, typer.Option("--all", help="Every projection.")]
Workers = Annotated[
    int | None,
    typer.Option(min=1, max=256, help="Shards folded at once; by default as many as cores."),
]


def named(names: Iterable[str] | None) -> list[tuple[Projection, ...]]:
    """The versions of each projection of those names, or of all; raises UnknownProjection."""
    from projections.catalogue import all_projections, versions

    wanted = dict.fromkeys(names) if names else [each.name for each in all_projections()]
    return [versions(name) for name in wanted]


def chosen(names: list[str] | None, every: bool) -> list[tuple[Projection, ...]]:
    """Those that were named, or all if that was said; raises ConfigurationError."""
    if bool(names) == every:
        raise ConfigurationError("NAME", "name the projections, or give --all")
    return named(names)


def of_each(
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


def live(url: str, chosen: list[tuple[Projection, ...]], every: bool = False) -> list[Projection]:
    """The version of each for which its live tables are; raises NotInstalled and RulesDiffer."""
    from projections.session import open_session
    from projections.tables import live_rules

    with closing(open_session(url, part="command line")) as conn:
        return of_each(chosen, every, lambda versions: live_rules(conn, versions))


def store_of(options: Options) -> tuple[str, Callable[[], None]]:
    """Address of a store with the schema of this code, and what brings its server back."""
    from eventstore.connection.server import connect_to
    from eventstore.schema.revision import check_schema
    from projections.session import open_session

    url, revive = connect_to(options.settings())
    with closing(open_session(url, part="command line")) as conn:
        check_schema(conn)
    return url, revive


def stop_on_signals(stop: Signal) -> None:
    """The first signal asks for an orderly end, a second one ends at once."""

    def ask(number: int, frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)


def interrupt_on_sigterm() -> None:
    """SIGTERM ends the command as Ctrl-C does, and takes its processes with it."""

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
