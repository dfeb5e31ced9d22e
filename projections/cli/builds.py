"""`eventstore projections`: commands that build tables anew and put them in place."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, say
from eventstore.errors import ConfigurationError
from projections.cli.chosen import Chosen, Every, Workers, chosen, interrupt_on_sigterm, store_of
from projections.cli.progress import showing_progress

if TYPE_CHECKING:
    from projections.builds.progress import Progress
    from projections.builds.rebuild import Rebuilt
    from projections.projection import Projection

__all__ = ["app"]

app = typer.Typer()


@app.command()
def rebuild(
    context: typer.Context,
    names: Chosen = None,
    every: Every = False,
    version: Annotated[
        int | None,
        typer.Option(min=1, help="Version of the rules; by default the newest."),
    ] = None,
    workers: Workers = None,
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="start|POSITION|TIME",
            help="start: don't resume. Else only from the events after that moment.",
        ),
    ] = None,
) -> None:
    """Build tables again from the log beside the live ones, then put them in place.

    A rebuild that was broken off is resumed. A projection that has no tables yet gets them.
    """
    from projections.builds.rebuild import RebuildOptions
    from projections.builds.rebuild_all import rebuild_all
    from projections.catalogue import projection

    options = Options.of(context)
    wanted = [projection(versions[-1].name, version) for versions in chosen(names, every)]
    url, _ = store_of(options)
    how = RebuildOptions(
        workers=workers,
        anew=start == "start",
        starts_after=0 if start in (None, "start") else _position(url, start),
    )
    interrupt_on_sigterm()
    with showing_progress(options, (each.name for each in wanted)) as tell:

        def report(projection: Projection, now: Progress) -> None:
            tell(projection.name, now)

        done = rebuild_all(url, wanted, how, report=report)
    if options.json:
        print_json(
            [asdict(rebuilt) | {"events_per_second": rebuilt.events_per_second} for rebuilt in done]
        )
        return
    for rebuilt in done:
        _say(rebuilt)


@app.command()
def switch(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="See `list`.")],
    back: Annotated[
        bool, typer.Option("--back", help="To the tables that the last switch replaced.")
    ] = False,
) -> None:
    """Bring the replaced tables up to date and put them back; the live ones take their place."""
    from projections.builds.old_build import own_rules, switch_back
    from projections.catalogue import versions

    if not back:
        raise ConfigurationError(
            "--back", "say --back; to what is new, `eventstore projections rebuild` switches"
        )
    options = Options.of(context)
    rules = versions(name)
    url, _ = store_of(options)
    interrupt_on_sigterm()
    with showing_progress(options, [name]) as tell:
        done = switch_back(url, own_rules(url, rules), report=partial(tell, name))
    if options.json:
        print_json(asdict(done))
    else:
        say(
            f"{name}: the old build is live up to position {done.position}, "
            f"{done.events:,} events caught up in {done.seconds:.1f} s"
        )


@app.command("drop-old")
def drop_old(context: typer.Context, names: Chosen = None, every: Every = False) -> None:
    """Drop the tables that rebuilds replaced."""
    from projections.builds.old_build import drop_old as drop
    from projections.errors import NoOldBuild

    options = Options.of(context)
    wanted = [versions[-1] for versions in chosen(names, every)]
    url, _ = store_of(options)
    dropped = {each.name: drop(url, each) for each in wanted}
    if not every:
        for name, was_there in dropped.items():
            if not was_there:
                raise NoOldBuild(name)
    if options.json:
        print_json(dropped)
    else:
        for name, was_there in dropped.items():
            say(f"{name}: {'dropped' if was_there else 'there is no old build'}")


def _position(url: str, text: str) -> int:
    from contextlib import closing

    from projections.audit.replay import position_at
    from projections.cli.moment import moment
    from projections.session import open_session

    at = moment(text, "--from")
    with closing(open_session(url, part="command line")) as conn:
        return position_at(conn, at)


def _say(done: Rebuilt) -> None:
    since = f" after position {done.starts_after}" if done.starts_after else ""
    say(
        f"{done.projection}: {done.events:,} events{since} into {done.rows:,} rows in "
        f"{done.seconds:.1f} s ({done.events_per_second:,.0f} events/s)"
        + (", resumed" if done.resumed else "")
        + (f", {done.in_sql:,} of them in SQL" if done.in_sql else "")
    )
    if done.why_not_sql:
        say(f"{done.projection}: the rules went on after the fold in SQL: {done.why_not_sql}")
    if done.careful:
        why = "the database refused rows, or has triggers on them"
        say(f"{done.projection}: {why}, so events were applied as live")
    if done.held:
        say(f"{done.projection}: {done.held:,} events are held, because some could not be applied")
