"""`eventstore schema check` and `schema freeze`: released forms of events, kept for ever."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_rows, say

if TYPE_CHECKING:
    from eventstore.event import Event

__all__ = ["check", "freeze"]

Folder = Annotated[Path, typer.Option("--golden", metavar="DIR", help="Where released forms are.")]
Modules = Annotated[
    list[str] | None,
    typer.Option(
        "--module",
        metavar="NAME",
        help="Whose events: a module or package, imported first; repeatable. Without it, ours.",
    ),
]


def check(context: typer.Context, golden: Folder, modules: Modules = None) -> None:
    """Compare the event classes with all forms that were released; exit code 6 on a break.

    A field that is gone, renamed, required or narrower than it was breaks what is in the log; so do
    another retention class, a lost event type, and a version that no upcaster lifts to today's.
    """
    from eventstore.registry import default_registry
    from projections.reference.goldens import breaks, read_goldens, unreleased

    options = Options.of(context)
    classes = _classes(modules)
    goldens = read_goldens(golden)
    broken = [asdict(each) for each in breaks(goldens, default_registry)]
    new = [f"{cls.event_type}.v{cls.schema_version}" for cls in unreleased(goldens, classes)]
    if options.json:
        print_json({"forms": len(goldens), "broken": broken, "unreleased": new})
    elif broken:
        print_rows(options, broken, ("event_type", "schema_version", "reason", "file"))
    if broken:
        say(
            "what was released stays as it was: give the change a new schema_version, and an "
            "upcaster from the last one"
        )
        raise typer.Exit(6)
    if new and not options.json:
        say(f"not released yet ({len(new)}): {', '.join(new[:10])}{', ...' * (len(new) > 10)}")


def freeze(context: typer.Context, golden: Folder, modules: Modules = None) -> None:
    """Keep the form of every event class that is new or was widened; nothing kept is overwritten.

    To be run for each release. Where something released is broken, nothing is written.
    """
    from eventstore.registry import default_registry
    from projections.reference.goldens import breaks, read_goldens, unreleased, write_golden

    options = Options.of(context)
    classes = _classes(modules)
    goldens = read_goldens(golden) if golden.exists() else []
    first = next(breaks(goldens, default_registry), None)
    if first is not None:
        say(f"{first.file}: {first.reason}; see `eventstore schema check`")
        raise typer.Exit(6)
    written = [{"file": write_golden(golden, cls)} for cls in unreleased(goldens, classes)]
    if written or options.json:
        print_rows(options, written, ("file",))
    else:
        say("all forms are kept already")


def _classes(modules: list[str] | None) -> list[type[Event]]:
    """The event classes that these modules, or modules below them, define."""
    import sys
    from importlib import import_module

    from eventstore.errors import ConfigurationError
    from projections.reference.event_schema import known_events

    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    for name in modules or ():
        try:
            import_module(name)
        except Exception as error:
            raise ConfigurationError("--module", f"{name}: {error!r}") from error
    found: list[type[Event]] = []
    for name in modules or ("eventstore", "projections"):
        theirs = [cls for cls in known_events() if f"{cls.__module__}.".startswith(f"{name}.")]
        if not theirs:
            reason = f"{name} defines no event, nor does what it imports from below it"
            raise ConfigurationError("--module", reason)
        found += (cls for cls in theirs if cls not in found)
    return found
