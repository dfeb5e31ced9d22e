"""`eventstore streams`: which streams there are, and the history of one."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from eventstore.cli.event_rows import print_events
from eventstore.cli.opening import open_log
from eventstore.cli.options import Options
from eventstore.cli.output import print_rows, say
from eventstore.cli.stream_life import close, describe, info, reopen
from eventstore.cli.stream_links import categories, of, runs

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Streams: the ordered events of one thing each.")

for _command in (info, close, reopen, describe, categories, runs, of):
    app.command()(_command)

Limit = Annotated[int, typer.Option(min=1, max=2**31, help="At most so many.")]


@app.command("list")
def list_streams(
    context: typer.Context,
    category: Annotated[str | None, typer.Option(help="Only this category.")] = None,
    after: Annotated[str, typer.Option(help="Only stream ids above this, bytewise.")] = "",
    limit: Limit = 100,
) -> None:
    """List the streams in order of their ids."""
    from eventstore.append import check_name
    from eventstore.limits import MAX_STREAM_ID
    from eventstore.reading import read

    options = Options.of(context)
    for name, value in (("--category", category), ("--after", after or None)):
        if value is not None:
            check_name(value, name, MAX_STREAM_ID)
    with open_log(options) as store:
        found = store.database.read(
            lambda c: read.streams_page(c, store.tenant, after, limit + 1, category)
        )
    rows = [
        {
            "stream_id": each,
            "category": each.partition("-")[0],
            "stream_version": number,
            "closed_at": closed_at,
        }
        for each, number, closed_at in found[:limit]
    ]
    print_rows(options, rows, ("stream_id", "category", "stream_version", "closed_at"))
    if len(found) > limit:
        say(f"there are more: --after {found[limit - 1][0]}, or a larger --limit")


@app.command()
def show(
    context: typer.Context,
    stream_id: Annotated[str, typer.Argument(metavar="STREAM", help="A stream id.")],
    from_version: Annotated[
        int | None, typer.Option(min=1, max=2**62, help="Start at this stream_version.")
    ] = None,
    backwards: Annotated[bool, typer.Option("--backwards", help="Towards the first.")] = False,
    limit: Limit = 1000,
) -> None:
    """Show the events of a stream."""
    from eventstore.append import check_name
    from eventstore.errors import NotFound
    from eventstore.limits import MAX_STREAM_ID

    options = Options.of(context)
    check_name(stream_id, "STREAM", MAX_STREAM_ID)
    with open_log(options) as store:
        if not store.stream_version(stream_id):
            raise NotFound("stream", stream_id, "see `eventstore streams list`")
        found = store.read_stream(stream_id, from_version, backwards=backwards, limit=limit + 1)
        print_events(options, islice(found, limit))
        more = next(found, None)
    if more is not None:
        say(f"there are more: --from-version {more.stream_version}, or a larger --limit")
