"""`eventstore subscriptions`: named subscriptions, what they deliver and how far they are."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from typing import Annotated, Literal
from uuid import UUID

import typer

from eventstore.cli.opening import open_store
from eventstore.cli.options import Options
from eventstore.cli.output import print_record, print_rows, say
from eventstore.cli.parked import app as parked

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True, help="Named subscriptions: each event to a handler, at least once."
)
app.add_typer(parked, name="parked")

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A subscription; see `subscriptions list`.")
]


@app.command("list")
def list_subscriptions(context: typer.Context) -> None:
    """List the subscriptions: how far each is, and what of it is not settled."""
    options = Options.of(context)
    with open_store(options) as store:
        found = store.subscriptions.list()
    print_rows(
        options,
        map(asdict, found),
        ("name", "checkpoint", "read_position", "unread", "held", "waiting", "parked",
         "behind_parked", "consumers"),
    )  # fmt: skip


@app.command()
def show(context: typer.Context, name: Name) -> None:
    """Show one subscription: its filter and rules, how far it is, and who consumes it."""
    from eventstore.subscriptions.status import consumers

    options = Options.of(context)
    with open_store(options) as store:
        status = asdict(store.subscriptions.show(name))
        there = store.database.read(lambda c: consumers(c, store.tenant, name))
    if options.json:
        print_record(options, {**status, "consumers": there})
        return
    print_record(options, status)
    if there:
        print_rows(options, there, ("consumer", "token", "held", "alive", "heartbeat_at"))


@app.command()
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, for ever.")],
    event_types: Annotated[
        list[str] | None, typer.Option("--type", metavar="TYPE", help="Only these; repeatable.")
    ] = None,
    categories: Annotated[
        list[str] | None, typer.Option("--category", metavar="NAME", help="Only these; repeatable.")
    ] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="With all of these.")
    ] = None,
    correlation: Annotated[UUID | None, typer.Option(help="Only this run.")] = None,
    start: Annotated[str, typer.Option(help="beginning, now, or a position.")] = "beginning",
    after_parked: Annotated[
        str, typer.Option(help="Later events of a stream with a parked one: wait or pass.")
    ] = "wait",
    max_attempts: Annotated[int, typer.Option(min=1, max=1000, help="Then it is parked.")] = 10,
    retry_seconds: Annotated[
        float, typer.Option(min=0, max=3600, help="Before the second attempt; doubles.")
    ] = 1.0,
    lease_seconds: Annotated[
        float, typer.Option(min=1, max=3600, help="So long a handler may take.")
    ] = 30.0,
    max_unsettled: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Then no more is read.")
    ] = 10_000,
) -> None:
    """Create a subscription; one that is there already, just like that, is left as it is."""
    options = Options.of(context)
    with open_store(options) as store:
        created = store.subscriptions.create(
            name,
            event_types=event_types or None,
            categories=categories or None,
            correlation_id=correlation,
            tags=tags or None,
            start=_start(start),
            after_parked=after_parked,
            max_attempts=max_attempts,
            retry_seconds=retry_seconds,
            lease_seconds=lease_seconds,
            max_unsettled=max_unsettled,
        )
    print_record(options, {"name": name, "created": created})


@app.command()
def drop(
    context: typer.Context,
    name: Name,
    force: Annotated[
        bool, typer.Option("--force", help="Even with consumers or parked events.")
    ] = False,
) -> None:
    """Remove a subscription and what it knows of its deliveries; the events stay."""
    options = Options.of(context)
    with open_store(options) as store:
        store.subscriptions.drop(name, force=force)
    print_record(options, {"name": name, "dropped": True})


@app.command()
def consume(
    context: typer.Context,
    name: Name,
    command: Annotated[
        str | None,
        typer.Option(
            "--exec",
            metavar="CMD",
            help="Run by the shell for each event, which is its stdin as JSON. Exit code 0 "
            "acknowledges, 65 parks at once, any other is tried again later.",
        ),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="End when nothing is left to be delivered now.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, max=10_000, help="Claim so many at once.")] = 100,
    consumer: Annotated[str | None, typer.Option(help="How this consumer calls itself.")] = None,
) -> None:
    """Handle each event with a command, or print it; prints what became of each. Ctrl-C ends it."""
    from eventstore.cli.consuming import handle, stopped_by_signals

    options = Options.of(context)
    with ExitStack() as stack:
        store = stack.enter_context(open_store(options))
        consuming = stack.enter_context(
            store.subscriptions.consumer(name, consumer=consumer, batch=batch, until_idle=once)
        )
        stack.enter_context(stopped_by_signals(consuming))
        handled, failed = handle(options, consuming, command)
    late = f", {consuming.refused} acknowledged too late" if consuming.refused else ""
    say(f"{handled} handled, {failed} failed{late}")


def _start(text: str) -> Literal["beginning", "now"] | int:
    if text == "beginning":
        return "beginning"
    if text == "now":
        return "now"
    if text.isascii() and text.isdigit():
        return int(text)
    raise typer.BadParameter(f"{text!r} is not beginning, now or a position", param_hint="--start")
