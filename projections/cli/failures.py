"""`eventstore projections failures`: events that a projection could not apply."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_record, print_rows, say
from eventstore.cli.user import user
from eventstore.errors import ConfigurationError

if TYPE_CHECKING:
    from projections.apply.failures import HeldEvent
    from projections.projection import Projection

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Events that a projection could not apply.")

Name = Annotated[str, typer.Argument(help="A projection; see `projections list`.")]
Position = Annotated[int, typer.Argument(min=1, help="The event's position in the log.")]
Patience = Annotated[
    float, typer.Option("--timeout", min=0, help="Seconds to wait for the running projector.")
]


@app.command("list")
def list_all(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="By default every projection.")] = None,
) -> None:
    """List the events that failed; what waits behind them is counted."""
    from projections.apply.failures import failures
    from projections.catalogue import PROJECTIONS
    from projections.session import open_session

    options = Options.of(context)
    chosen = [_projection(name)] if name is not None else list(PROJECTIONS)
    with closing(open_session(_url(options), part="failures")) as conn:
        found = failures(conn, chosen)
    columns = (
        "projection", "position", "tenant_id", "event_type", "stream_id", "error", "attempts",
        "held_at", "retry_at", "waiting",
    )  # fmt: skip
    print_rows(options, map(asdict, found), columns)


@app.command()
def show(context: typer.Context, name: Name, position: Position) -> None:
    """Show one event that is held: its payload, its rows, the traceback, what waits for it."""
    from projections.apply.failures import held_event
    from projections.session import open_session

    options = Options.of(context)
    projection = _projection(name)
    with closing(open_session(_url(options), part="failures")) as conn:
        found = held_event(conn, projection, position)
    _print_event(options, found)


@app.command()
def retry(
    context: typer.Context,
    name: Name,
    positions: Annotated[
        list[int] | None, typer.Argument(metavar="[POSITION]...", help="See `list`.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that failed.")] = False,
    timeout: Patience = 30.0,
) -> None:
    """Try events again now, and what waits for them; exit code 1 when one still fails."""
    from projections.apply.by_hand import retry_now

    options = Options.of(context)
    projection = _projection(name)
    if bool(positions) == every:
        raise ConfigurationError("POSITION", "name the positions, or give --all")
    tried = retry_now(_url(options), projection, positions or None, seconds=timeout)
    print_rows(
        options,
        (asdict(each) | {"applied": not each.error} for each in tried),
        ("position", "applied", "error"),
    )
    if any(each.error for each in tried):
        raise typer.Exit(1)


@app.command()
def discard(
    context: typer.Context,
    name: Name,
    position: Position,
    reason: Annotated[str, typer.Option("--reason", help="Why; the log keeps it.")],
    agent: Annotated[
        str | None, typer.Option("--agent", help="Who decides; by default the user of the machine.")
    ] = None,
    timeout: Patience = 30.0,
) -> None:
    """Leave out an event that failed, for good and in every replay; the log says who and why."""
    from projections.apply.by_hand import discard as engine

    options = Options.of(context)
    projection = _projection(name)
    tried = engine(
        _url(options), projection, position, reason, agent=agent or user("--agent"), seconds=timeout
    )
    if options.json:
        print_json({"projection": name, "position": position, "discarded": not tried.error})
    else:
        say(f"{name} leaves out the event at position {position}")


def _projection(name: str) -> Projection:
    from projections.catalogue import projection

    return projection(name)


def _url(options: Options) -> str:
    """Address of a store with the schema of this code."""
    from eventstore.connection.server import connect_to
    from eventstore.schema.revision import check_schema
    from projections.session import open_session

    url, _ = connect_to(options.settings())
    with closing(open_session(url, part="command line")) as conn:
        check_schema(conn)
    return url


def _print_event(options: Options, found: HeldEvent) -> None:
    event = found.event.as_json() if found.event is not None else None
    record: dict[str, Any] = {
        name: getattr(found, name) for name in found.__slots__ if name not in {"event", "waiting"}
    }
    waiting = [asdict(each) for each in found.waiting]
    if options.json:
        print_json(record | {"event": event, "waiting": waiting})
        return
    traceback = record.pop("traceback")
    print_record(options, record | {"payload": event and event["data"]})
    if waiting:
        say("These wait for it:")
        print_rows(options, waiting, ("position", "event_type", "stream_id"))
    if traceback:
        print_record(options, {"traceback": f"\n{traceback}"})
