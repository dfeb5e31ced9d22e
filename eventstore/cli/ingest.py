"""`eventstore ingest`: runs that other systems recorded, appended from their files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from eventstore.cli.opening import open_store
from eventstore.cli.options import Options
from eventstore.cli.output import print_json, print_record, print_rows, progress, say
from eventstore.ingest.reader import find_reader, formats

if TYPE_CHECKING:
    from eventstore.ingest.files import Files
    from eventstore.ingest.told import Told

__all__ = ["app"]

_LISTED: Final = 1000
"""Runs, and failures, that the JSON report lists one by one; all are counted."""

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
    from eventstore.ingest.collecting import collecting_rarely
    from eventstore.ingest.files import find_files
    from eventstore.ingest.run import Ingest

    reader = find_reader(name)
    files = find_files(paths, reader)
    report = _Report()
    with (
        open_store(options) as store,
        progress(options) as display,
        collecting_rarely(),
    ):
        ingest = Ingest(store, reader, dry_run=dry_run)
        for path in display.track(files.paths, description=name):
            for each in ingest.file(path):
                report.add(each)
                if each.error is not None:
                    say(f"{each.file}: {each.error}")
    report.show(options, files, dry_run)
    if report.runs["failed"]:
        raise typer.Exit(5)


@dataclass
class _Report:
    """What became of all runs, counted as they are told: a file may hold very many."""

    runs: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    already_there: int = 0
    listed: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, told: Told) -> None:
        self.runs[told.outcome] += 1
        self.types.update(told.appended)
        self.already_there += told.events_already_there
        place = {"file": told.file, "correlation_id": told.correlation_id}
        if len(self.listed) < _LISTED:
            self.listed.append({**place, "outcome": told.outcome})
        if told.error is not None and len(self.failures) < _LISTED:
            self.failures.append(
                {
                    **place,
                    "error": type(told.error).__name__,
                    "message": str(told.error),
                    "facts": told.error.facts,
                }
            )

    def show(self, options: Options, files: Files, dry_run: bool) -> None:
        summary: dict[str, Any] = {
            "dry_run": dry_run,
            "files": len(files.paths),
            "files_skipped": dict(files.skipped),
            "runs_appended": self.runs["appended"],
            "runs_continued": self.runs["continued"],
            "runs_already_there": self.runs["already there"],
            "failed": self.runs["failed"],
            "events_appended": self.types.total(),
            "events_already_there": self.already_there,
        }
        if options.json:
            left_out = self.runs.total() - len(self.listed)
            print_json(
                {**summary, "event_types": dict(self.types.most_common()), "runs": self.listed,
                 "runs_not_listed": left_out, "failures": self.failures,
                 "failures_not_listed": self.runs["failed"] - len(self.failures)}
            )  # fmt: skip
            return
        print_record(options, summary)
        if self.types:
            types = self.types.most_common()
            rows = [{"event_type": name, "events": number} for name, number in types]
            print_rows(options, rows, ("event_type", "events"))
