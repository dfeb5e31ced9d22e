"""`eventstore projections daemons` and `reshard`: who shares the work, and into how many parts."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_rows, progress, say

__all__ = ["daemons", "reshard"]


def daemons(context: typer.Context) -> None:
    """List the processes that run projections, and how many shards each one holds."""
    from projections.live.membership import daemons as engine
    from projections.session import open_session

    options = Options.of(context)
    with closing(open_session(_url(options), part="daemons")) as conn:
        found = engine(conn)
    columns = (
        "id", "host", "pid", "holds", "runs", "gave_up", "started_at", "heartbeat_seconds",
    )  # fmt: skip
    print_rows(options, map(asdict, found), columns)


def reshard(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A projection; see `projections list`.")],
    shards: Annotated[int, typer.Option(min=1, max=256, help="How many projectors may share it.")],
) -> None:
    """Divide a projection's work anew, while it runs; its tables stay as they are."""
    from projections.catalogue import projection
    from projections.live.reshard import reshard as engine

    options = Options.of(context)
    chosen = projection(name)
    with progress(options) as display:
        task = display.add_task(name, total=None)

        def report(position: int, target: int) -> None:
            display.update(task, completed=position, total=max(target, 1))

        done = engine(_url(options), chosen, shards, report=report)
    if options.json:
        print_json(asdict(done))
    else:
        say(f"{name}: {done.before} to {done.shards} shards at position {done.position}")


def _url(options: Options) -> str:
    """Address of a store with the schema of this code."""
    from eventstore.connection.server import prepare
    from eventstore.schema.revision import check_schema
    from projections.session import open_session

    url = prepare(options.settings())
    with closing(open_session(url, part="command line")) as conn:
        check_schema(conn)
    return url
