"""`eventstore search`: find rows by what they say, and give embeddings to those without."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_rows, progress, say

if TYPE_CHECKING:
    from projections.search.embedder import Embedder
    from projections.search.search import Mode

__all__ = ["app"]


class _Tables(TyperGroup):
    """What is no command is a table to be searched."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        first = next((word for word in args if not word.startswith("-")), None)
        if first is not None and first not in self.commands:
            args = ["find", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_Tables, no_args_is_help=True, help="Find rows by what they say: TABLE WORDS, or a command."
)


@app.command()
def find(
    context: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="Such as knowledge_items.")],
    words: Annotated[
        str, typer.Argument(metavar="WORDS", help='Such as: words "a phrase" or -not.')
    ],
    mode: Annotated[
        str | None,
        typer.Option(help="hybrid, vector or text; by default text without EVENTSTORE_EMBEDDER."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Rows, at most.")] = 10,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Only such rows; again for another column."),
    ] = None,
) -> None:
    """Show the rows that fit the words best; `find` itself need not be written."""
    from eventstore import EventStore
    from projections.search.search import search

    options = Options.of(context)
    filters = _filters(where or [])
    chosen = _chosen(options) if mode != "text" else None
    with EventStore.open(options.database_url, tenant=options.tenant) as store:
        found = search(
            store,
            table,
            words,
            embedder=chosen,
            mode=_mode(mode),
            filters=filters,
            limit=limit,
        )
    rows = [asdict(each) | {"key": " ".join(map(str, each.key))} for each in found]
    columns = ("key", "title", "score", "vector_place", "text_place", "snippet")
    if options.json:
        print_json([row | {"key": list(each.key)} for row, each in zip(rows, found, strict=True)])
        return
    shown = [
        row | {"score": f"{row['score']:.4f}", "snippet": " ".join(str(row["snippet"]).split())}
        for row in rows
    ]
    print_rows(options, shown, columns if any(row["title"] for row in rows) else _less(columns))


@app.command()
def backfill(
    context: typer.Context,
    tables: Annotated[
        list[str] | None, typer.Argument(metavar="[TABLE]...", help="By default all.")
    ] = None,
) -> None:
    """Record embeddings, of the tenant's rows that have none by EVENTSTORE_EMBEDDER."""
    from eventstore import EventStore
    from eventstore.errors import ConfigurationError
    from projections.catalogue import all_projections
    from projections.search.backfill import backfill as run
    from projections.search.searchable import searchable, searchables

    options = Options.of(context)
    chosen = _chosen(options)
    if chosen is None:
        raise ConfigurationError("EVENTSTORE_EMBEDDER", "not set; name one, such as hashing")
    targets = (
        [searchable(name) for name in tables]
        if tables
        else [each for rules in all_projections() for each in searchables(rules)]
    )
    recorded: dict[str, int] = {}
    with (
        EventStore.open(options.database_url, tenant=options.tenant) as store,
        progress(options) as bar,
    ):
        for target in targets:
            name = target.table.TABLE
            task = bar.add_task(name, total=None)
            recorded[name] = run(
                store,
                target,
                chosen,
                report=lambda number, task=task: bar.update(task, completed=number),  # type: ignore[misc]
            )
    if options.json:
        print_json(recorded)
        return
    for name, number in recorded.items():
        say(f"{name}: {number:,} embeddings recorded, by {chosen.name}")


def _chosen(options: Options) -> Embedder | None:
    """The embedder that the settings name, if they do; raises EmbedderRefused."""
    from projections.search.embedder import embedder

    name = options.settings().embedder
    return None if name is None else embedder(name)


def _mode(name: str | None) -> Mode | None:
    return name  # type: ignore[return-value]  # search judges it


def _filters(where: list[str]) -> dict[str, list[str]]:
    """By column its values: of several for one column, any will do."""
    from eventstore.errors import ConfigurationError

    found: dict[str, list[str]] = {}
    for each in where:
        column, equals, value = each.partition("=")
        if not equals or not column:
            raise ConfigurationError("--where", f"write COLUMN=VALUE, and not {each!r}")
        found.setdefault(column, []).append(value)
    return found


def _less(columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in columns if name != "title")
