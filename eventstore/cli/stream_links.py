"""`eventstore streams categories | runs | of`: what there is, and what belongs together."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from typing import Annotated
from uuid import UUID

import typer

from eventstore.cli.opening import open_log
from eventstore.cli.options import Options
from eventstore.cli.output import print_rows, say

__all__ = ["categories", "of", "runs"]

Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")]


def categories(context: typer.Context) -> None:
    """List the categories, each with its streams and events: exact, and without reading them."""
    options = Options.of(context)
    with open_log(options) as store:
        found = [asdict(each) for each in store.streams.categories()]
    print_rows(options, found, ("category", "streams", "events"))


def runs(
    context: typer.Context,
    before: Annotated[
        int | None,
        typer.Option(min=1, max=2**62, help="Only runs that end below this position."),
    ] = None,
    limit: Limit = 20,
) -> None:
    """List the runs (correlations), the one with the newest event first."""
    options = Options.of(context)
    with open_log(options) as store:
        walking = store.streams.runs(before=before, limit=limit + 1)
        found = [asdict(each) for each in islice(walking, limit)]
        more = next(walking, None)
    print_rows(
        options,
        found,
        ("correlation_id", "events", "first_position", "last_position", "last_recorded_at"),
    )
    if more is not None:
        say(f"there are more: --before {found[-1]['last_position']}, or a larger --limit")


def of(
    context: typer.Context,
    correlation: Annotated[
        UUID | None, typer.Option("--correlation", help="The streams of this run.")
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="The streams with this tag.")] = None,
    limit: Limit = 100,
) -> None:
    """List the streams that have events of a run, or with a tag, in the order of the first ones."""
    options = Options.of(context)
    if (correlation is None) == (tag is None):
        raise typer.BadParameter("say either --correlation or --tag")
    with open_log(options) as store:
        found = (
            store.streams.of_correlation(correlation, limit=limit + 1)
            if correlation is not None
            else store.streams.of_tag(tag or "", limit=limit + 1)
        )
    rows = [asdict(each) for each in found[:limit]]
    print_rows(options, rows, ("stream_id", "events", "first_position", "last_position"))
    if len(found) > limit:
        say("there are more: a larger --limit shows them")
