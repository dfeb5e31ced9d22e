"""`eventstore projections hooks`: which there are, and how to forget one that is gone for good."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_rows, say

if TYPE_CHECKING:
    from projections.session import Connection

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="What runs after a projection's commits.")


@app.command("list")
def list_all(context: typer.Context) -> None:
    """List the hooks that were run, with where they are and why they fail."""
    from projections.catalogue import PROJECTIONS
    from projections.monitor.status import status

    options = Options.of(context)
    with _session(options) as conn:
        found = status(conn, PROJECTIONS)
    rows: list[dict[str, Any]] = [
        {"projection": unit.projection, "shard": unit.shard} | asdict(hook)
        for unit in found.projections
        for hook in unit.hooks
    ]
    if options.json:
        print_json(rows)
        return
    for row in rows:
        row["last_error"] = (row["last_error"] or {}).get("error")
    columns = ("projection", "shard", "hook", "position", "told", "lag_events", "late")
    print_rows(options, rows, (*columns, "attempts", "retry_seconds", "last_error"))


@app.command()
def forget(
    context: typer.Context,
    projection: Annotated[str, typer.Argument(metavar="PROJECTION")],
    hook: Annotated[str, typer.Argument(metavar="HOOK")],
) -> None:
    """Forget a hook that is gone for good; one that still runs begins anew, without history."""
    from projections.hooks.place import forget as remove

    options = Options.of(context)
    with _session(options) as conn:
        remove(conn, projection, hook)
    if options.json:
        print_json({"projection": projection, "hook": hook})
    else:
        say(f"hook {hook} of {projection} is forgotten")


@contextmanager
def _session(options: Options) -> Iterator[Connection]:
    """A projector's connection to a store with the schema of this code."""
    from eventstore.connection.server import connect_to
    from eventstore.schema.revision import check_schema
    from projections.session import open_session

    url, _ = connect_to(options.settings())
    with closing(open_session(url, part="hooks")) as conn:
        check_schema(conn)
        yield conn
