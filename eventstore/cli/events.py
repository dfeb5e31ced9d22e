"""`eventstore events`: the log itself, listed, shown, followed and counted."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from itertools import islice
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

import typer

from eventstore.cli.event_rows import event_line, print_events
from eventstore.cli.opening import open_log
from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_record, print_rows, say

if TYPE_CHECKING:
    from eventstore.reader import LogReader
    from eventstore.reading.selection import Selection
    from eventstore.reading.subscription import Subscription
    from eventstore.recorded import RecordedEvent

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The log: list, show, follow and count its events.")

MAX_POSITION: Final = 2**63 - 1
TAIL: Final = 10
"""Events that `tail` shows before it follows."""

Categories = Annotated[
    list[str] | None, typer.Option("--category", metavar="NAME", help="Only these; repeatable.")
]
EventTypes = Annotated[
    list[str] | None, typer.Option("--type", metavar="TYPE", help="Only these; repeatable.")
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="TAG", help="Only events with this tag; repeated, with all."),
]


@app.command("list")
def list_events(
    context: typer.Context,
    after: Annotated[int, typer.Option(min=0, max=MAX_POSITION, help="Positions above this.")] = 0,
    until: Annotated[
        int | None, typer.Option(min=0, max=MAX_POSITION, help="Positions up to this.")
    ] = None,
    categories: Categories = None,
    event_types: EventTypes = None,
    tags: Tags = None,
    stream: Annotated[str | None, typer.Option(help="Only this stream.")] = None,
    correlation: Annotated[UUID | None, typer.Option(help="Only this run.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=2**31, help="Events at most.")] = 100,
    reverse: Annotated[bool, typer.Option("--reverse", help="The newest first.")] = False,
) -> None:
    """List events in the order of the log."""
    from eventstore.reading.selection import Selection, find

    options = Options.of(context)
    wanted = Selection(
        after=after,
        until=until,
        categories=categories,
        event_types=event_types,
        stream_id=stream,
        correlation_id=correlation,
        tags=tags,
    )
    with open_log(options) as store:
        found = find(store, wanted, limit=limit + 1, reverse=reverse)
        last: list[int] = []
        print_events(options, _remembering(islice(found, limit), last))
        if next(found, None) is not None:
            bound = f"--until {last[0] - 1}" if reverse else f"--after {last[0]}"
            say(f"there are more: {bound}, or a larger --limit")


@app.command()
def show(
    context: typer.Context,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="An event id or a position.")],
) -> None:
    """Show one event with everything that was recorded of it."""
    from eventstore.encoding.codec import payload_hash

    options = Options.of(context)
    wanted = _id_or_position(event)
    with open_log(options) as store:
        recorded = _find(store, wanted)
    intact = payload_hash(recorded.data) == recorded.data_hash
    values = {**recorded.as_json(), "hash_matches": intact}
    if options.json:
        print_json(values)
    else:
        documents = {name: values.pop(name) for name in ("data", "metadata")}
        print_record(options, values)
        for name, document in documents.items():
            sys.stdout.write(f"{name}\n")
            print_json(document)
    if not intact:
        say(f"error: the payload of event {recorded.event_id} is not the one that was hashed")
        raise typer.Exit(6)


@app.command()
def tail(
    context: typer.Context,
    after: Annotated[
        int | None, typer.Option(min=0, max=MAX_POSITION, help="Start above this position.")
    ] = None,
    from_now: Annotated[
        bool, typer.Option("--from-now", help="Start with what comes next.")
    ] = False,
    categories: Categories = None,
    event_types: EventTypes = None,
    tags: Tags = None,
) -> None:
    """Show the newest events, then follow; with --json a line each. Ctrl-C ends it."""
    from eventstore.reading.selection import Selection, find

    options = Options.of(context)
    if after is not None and from_now:
        raise typer.BadParameter("--after and --from-now exclude each other")
    wanted = Selection(categories=categories, event_types=event_types, tags=tags)
    with open_log(options) as store:
        start = store.watermark() if after is None else after
        if after is None and not from_now:
            newest = list(find(store, replace(wanted, until=start), limit=TAIL, reverse=True))
            start = newest[-1].position - 1 if newest else start
        with _follow(store, start, wanted) as following:
            _close_with_pipe(following)
            for recorded in filter(wanted.holds, following):
                if options.json:
                    print_json(recorded.as_json(), line=True)
                else:
                    sys.stdout.write(event_line(recorded) + "\n")
                    sys.stdout.flush()


@app.command("types")
def list_types(
    context: typer.Context,
    category: Annotated[str | None, typer.Option(help="Only in this category.")] = None,
) -> None:
    """List the event types, each with its number of events: exact, and without reading them."""
    options = Options.of(context)
    with open_log(options) as store:
        found = [asdict(each) for each in store.streams.event_types(category)]
    print_rows(options, found, ("event_type", "retention_class", "events", "streams"))


@app.command()
def stats(
    context: typer.Context,
    exact: Annotated[
        bool, typer.Option("--exact", help="Count each partition; takes as long as reading it.")
    ] = False,
) -> None:
    """Count the log by category, type, retention class and month; show its ends and watermark."""
    from eventstore.reading.stats import log_stats

    options = Options.of(context)
    with open_log(options) as store:
        counted = log_stats(store.database, exact=exact)
    if options.json:
        print_json(asdict(counted))
        return
    tables = ("categories", "event_types", "partitions", "appends_in_flight")
    record = {name: value for name, value in asdict(counted).items() if name not in tables}
    print_record(options, {**record, "appends_in_flight": len(counted.appends_in_flight)})
    _section(options, "categories", counted.categories)
    _section(options, "event types", counted.event_types)
    how = "" if exact else " (the server's estimate, of all tenants; --exact counts)"
    _section(options, f"partitions{how}", counted.partitions)
    _section(options, "appends in flight", counted.appends_in_flight)


def _follow(store: LogReader, start: int, wanted: Selection) -> Subscription:
    if wanted.query is not None:
        return store.subscribe(start, query=wanted.query)
    return store.subscribe(start, categories=wanted.categories, event_types=wanted.event_types)


def _close_with_pipe(following: Subscription) -> None:
    """Ends the following when whoever reads stdout is gone, even if no event comes any more."""
    try:
        output = sys.stdout.fileno()
        if not stat.S_ISFIFO(os.fstat(output).st_mode):
            return
    except OSError:
        return

    def watch() -> None:
        poll = select.poll()
        poll.register(output, 0)  # no event but the error of a pipe without a reader
        poll.poll()
        following.close()

    Thread(target=watch, name="stdout", daemon=True).start()


def _remembering(events: Iterator[RecordedEvent], last: list[int]) -> Iterator[RecordedEvent]:
    """The events; `last` holds the position of the one that was handed out last."""
    for recorded in events:
        last[:] = [recorded.position]
        yield recorded


def _id_or_position(text: str) -> UUID | int:
    if text.isascii() and text.isdigit() and int(text) <= MAX_POSITION:
        return int(text)
    try:
        return UUID(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is neither an event id such as 0198c0de-0000-7000-8000-000000000000 "
            "nor a position such as 42"
        ) from None


def _find(store: LogReader, wanted: UUID | int) -> RecordedEvent:
    from eventstore.errors import NotFound
    from eventstore.reading import read

    if isinstance(wanted, UUID):
        found = store.read_event(wanted)
        if found is None:
            raise NotFound("event", wanted, "a run is shown by `eventstore trace`")
        return found
    page = store.database.read(
        lambda c: read.page_after(
            c, wanted - 1, wanted, 1, tenant=store.tenant, registry=store.registry
        )
    )
    if not page:
        raise NotFound("event at position", wanted, "positions have gaps; see `events list`")
    return page[0]


def _section(options: Options, title: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        sys.stdout.write(f"\n{title}\n")
        print_rows(options, rows, tuple(rows[0]))
