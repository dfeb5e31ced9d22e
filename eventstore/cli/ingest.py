"""`eventstore ingest`: runs that other systems recorded, appended from their files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_record, print_rows, progress, say
from eventstore.ingest.reader import find_reader, formats

if TYPE_CHECKING:
    from eventstore.ingest.run import Files, Told

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Append recorded runs of other systems.")


@app.callback()
def _group() -> None:
    pass


def _command(name: str) -> Callable[..., None]:
    def ingest(
        context: typer.Context,
        paths: Annotated[
            list[Path], typer.Argument(metavar="PATH...", help="Files, and directories of them.")
        ],
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Say what would be appended, and append nothing.")
        ] = False,
    ) -> None:
        _ingest(Options.of(context), name, paths, dry_run)

    return ingest


for _name in formats():
    app.command(
        _name,
        help=f"Append the runs in files of the format {_name}, a run at a time, all or nothing. "
        "A file that was read before adds nothing; one that can't be read is named, and the rest "
        "goes on.",
    )(_command(_name))


def _ingest(options: Options, name: str, paths: list[Path], dry_run: bool) -> None:
    from eventstore.ingest.run import Ingest, find_files
    from eventstore.store import EventStore

    reader = find_reader(name)
    files = find_files(paths, reader)
    told: list[Told] = []
    with (
        EventStore.open(options.database_url, tenant=options.tenant) as store,
        progress(options) as display,
    ):
        ingest = Ingest(store, reader, dry_run=dry_run)
        for path in display.track(files.paths, description=name):
            for each in ingest.file(path):
                told.append(each)
                if each.error is not None:
                    say(f"{each.file}: {each.error}")
    _report(options, files, told, dry_run)
    if any(each.outcome == "failed" for each in told):
        raise typer.Exit(5)


def _report(options: Options, files: Files, told: list[Told], dry_run: bool) -> None:
    runs = Counter(each.outcome for each in told)
    types: Counter[str] = Counter()
    for each in told:
        types.update(each.appended)
    summary: dict[str, Any] = {
        "dry_run": dry_run,
        "files": len(files.paths),
        "files_skipped": dict(files.skipped),
        "runs_appended": runs["appended"],
        "runs_continued": runs["continued"],
        "runs_already_there": runs["already there"],
        "failed": runs["failed"],
        "events_appended": types.total(),
        "events_already_there": sum(each.events_already_there for each in told),
    }
    if options.json:
        failed = [
            {
                "file": each.file,
                "correlation_id": each.correlation_id,
                "error": type(each.error).__name__,
                "message": str(each.error),
                "facts": each.error.facts,
            }
            for each in told
            if each.error is not None
        ]
        runs_told = [
            {"file": e.file, "correlation_id": e.correlation_id, "outcome": e.outcome} for e in told
        ]
        print_json(
            {**summary, "event_types": dict(types.most_common()), "runs": runs_told,
             "failures": failed}
        )  # fmt: skip
        return
    print_record(options, summary)
    if types:
        rows = [{"event_type": name, "events": number} for name, number in types.most_common()]
        print_rows(options, rows, ("event_type", "events"))
