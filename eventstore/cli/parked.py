"""`eventstore subscriptions parked`: events that a subscription has set aside."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from eventstore.cli.opening import open_store
from eventstore.cli.options import Options
from eventstore.cli.output import print_record, print_rows, say
from eventstore.cli.user import user
from eventstore.errors import ConfigurationError, NotFound

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Events that a subscription has set aside.")

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A subscription; see `subscriptions list`.")
]
Position = Annotated[
    int, typer.Argument(metavar="POSITION", min=1, help="The event's position in the log.")
]
Who = Annotated[
    str | None, typer.Option("--agent", help="Who decides; by default the user of the machine.")
]


@app.command("list")
def list_parked(
    context: typer.Context,
    name: Name,
    after: Annotated[int, typer.Option(min=0, help="Positions above this.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=2**31 - 2, help="At most so many.")] = 100,
) -> None:
    """List what is parked; the later events that wait behind each are counted."""
    options = Options.of(context)
    with open_store(options) as store:
        found = store.subscriptions.parked(name, after=after, limit=limit + 1)
    print_rows(
        options,
        map(asdict, found[:limit]),
        ("position", "stream_id", "event_type", "reason", "attempts", "parked_at", "waiting"),
    )
    if len(found) > limit:
        say(f"there are more: --after {found[limit - 1].position}, or a larger --limit")


@app.command()
def show(context: typer.Context, name: Name, position: Position) -> None:
    """Show one parked event: why, the traceback, and when it was parked before."""
    options = Options.of(context)
    with open_store(options) as store:
        found = store.subscriptions.parked(name, after=position - 1, limit=1)
        if not found or found[0].position != position:
            hint = f"see `eventstore subscriptions parked list {name}`"
            raise NotFound("parked event", position, hint)
        earlier = store.subscriptions.resolved(name, position)
    facts = asdict(found[0])
    if options.json:
        print_record(options, {**facts, "earlier": earlier})
        return
    trace = facts.pop("error")
    print_record(options, facts)
    sys.stdout.write(f"\n{trace.rstrip()}\n" if trace else "")
    if earlier:
        print_rows(options, earlier, ("parked_at", "reason", "resolution", "resolved_by", "remark"))


@app.command()
def retry(
    context: typer.Context,
    name: Name,
    positions: Annotated[
        list[int] | None, typer.Argument(metavar="[POSITION]...", help="See `list`.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that is parked.")] = False,
    agent: Who = None,
) -> None:
    """Have parked events delivered again, and what waits behind them; prints which."""
    options = Options.of(context)
    if bool(positions) == every:
        raise ConfigurationError("POSITION", "name the positions, or give --all")
    with open_store(options) as store:
        found = store.subscriptions.retry(name, positions or None, who=agent or user("--agent"))
    if found or every:
        print_rows(options, [{"position": each} for each in found], ("position",))
    missing = sorted(set(positions or ()) - set(found))
    if missing:
        hint = f"see `eventstore subscriptions parked list {name}`"
        raise NotFound("parked event", ", ".join(map(str, missing)), hint)


@app.command()
def discard(
    context: typer.Context,
    name: Name,
    position: Position,
    reason: Annotated[str, typer.Option("--reason", help="Why; the store keeps it.")],
    agent: Who = None,
) -> None:
    """Leave a parked event out for good, and let go what waits behind it."""
    options = Options.of(context)
    with open_store(options) as store:
        store.subscriptions.discard(name, position, reason, who=agent or user("--agent"))
    print_record(options, {"subscription": name, "position": position, "discarded": True})
