"""`eventstore docs` and `eventstore schema`: pages and schemas made from what is there."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_record, print_rows, say
from eventstore.errors import ConfigurationError
from projections.reference.golden_cli import check, freeze

__all__ = ["docs", "schema"]

docs = typer.Typer(no_args_is_help=True, help="Pages made from the database's own comments.")
schema = typer.Typer(no_args_is_help=True, help="What events and tables look like.")

schema.command("check")(check)
schema.command("freeze")(freeze)

Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where the files go.")]
Check = Annotated[
    bool,
    typer.Option("--check", help="Write nothing; exit code 6 when the files in DIR differ."),
]


@docs.callback()
def _docs() -> None:
    pass


@schema.callback()
def _schema() -> None:
    pass


@docs.command("schema")
def docs_schema(context: typer.Context, out: Out = None, check: Check = False) -> None:
    """Write a page for every table, diagrams of them, and a page for each context's events.

    Without --out, list the tables; with --json, all that is known of them.
    """
    from contextlib import closing

    from eventstore.connection.server import prepare
    from projections.reference.event_schema import known_events
    from projections.reference.pages import MARK, chapters, reference_files
    from projections.reference.tables import read_schemas, read_tables
    from projections.session import open_session

    options = Options.of(context)
    with closing(open_session(prepare(options.settings()), part="docs", role="auditor")) as conn:
        tables, schemas = read_tables(conn), read_schemas(conn)
    if out is not None or check:
        files = reference_files(chapters(tables, known_events(), schemas))
        _write_or_check(options, out, files, MARK, check)
    elif options.json:
        print_json([asdict(each) for each in tables])
    else:
        rows = (
            {"table": f"{t.schema}.{t.name}", "projection": t.projection, "what_it_has": t.comment}
            for t in tables
        )
        print_rows(options, rows, ("table", "projection", "what_it_has"))


@schema.command("events")
def schema_events(context: typer.Context, out: Out = None, check: Check = False) -> None:
    """Write the JSON Schema of every version of every event, and an index of them.

    Without --out, list the events; with --json, their schemas by event_type and schema_version.
    """
    from projections.reference.event_pages import MARK, event_files
    from projections.reference.event_schema import event_schema, known_events

    options = Options.of(context)
    events = known_events()
    if out is not None or check:
        _write_or_check(options, out, event_files(events), MARK, check)
    elif options.json:
        print_json([event_schema(cls) for cls in events])
    else:
        rows: list[dict[str, Any]] = [
            {
                "event_type": cls.event_type,
                "schema_version": cls.schema_version,
                "retention": cls.retention,
                "states": cls.__doc__,
            }
            for cls in events
        ]
        print_rows(options, rows, ("event_type", "schema_version", "retention", "states"))


def _write_or_check(
    options: Options, out: Path | None, files: dict[str, str], mark: str, check: bool
) -> None:
    from projections.reference.files import differences, write

    if out is None:
        raise ConfigurationError("--check", "it goes with --out, which names the files to check")
    found = (differences if check else write)(out, files, mark)
    if options.json:
        print_json({"files": len(files), **asdict(found)})
    elif not check:
        print_record(
            options,
            {
                "files": len(files),
                "written": len(found.missing) + len(found.changed),
                "removed": len(found.stale),
            },
        )
    else:
        for what, names in asdict(found).items():
            for name in names:
                say(f"{what}: {out / name}")
    if check and found:
        raise typer.Exit(6)
