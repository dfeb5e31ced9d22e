"""The history of a package index from its file into the log, and the same file again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from benchmarks.history import commit_lines, source
from benchmarks.measure import Aim, Outcome, Plan, take_turns
from benchmarks.sandbox import Sandbox
from eventstore import EventStore
from eventstore.append import Append
from eventstore.ingest.collecting import collecting_rarely
from eventstore.ingest.package_history import reader
from eventstore.ingest.run import Ingest

__all__ = ["ingest"]

_INGEST: Final = "ingest"
_AIM: Final = Aim(_INGEST, "at least", 10_000.0)


def ingest(sandbox: Sandbox, plan: Plan, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """One outcome: the reader by itself, a new log, and a log that has it all."""
    commits = plan.burst // 2  # a commit has two events, a version and the one that it replaces
    with TemporaryDirectory() as folder:
        path = Path(folder, "index", "history.jsonl")
        path.parent.mkdir()
        with path.open("wb") as file:
            file.writelines(islice(commit_lines(), commits))
        events = 0
        url = ""

        def read() -> float:
            nonlocal events
            began = perf_counter()
            with path.open("rb") as file:
                told = reader.read(file, "index/history.jsonl")
                events = sum(len(each.events) for each in told if isinstance(each, Append))
            return events / (perf_counter() - began)

        def new() -> float:
            nonlocal url
            url = sandbox.database().url
            return _ingested(url, path)

        floor, *ours = take_turns(
            plan.rounds,
            {
                "reader alone": read,
                _INGEST: new,
                "the same file again": lambda: _ingested(url, path),
            },
            tell,
        )
    yield Outcome(
        name="ingest",
        title=f"a {source()} package history, {events:,} events",
        unit="events/s",
        ours=tuple(ours),
        beside=(floor,),
        aims=(_AIM,),
    )


def _ingested(url: str, path: Path) -> float:
    with EventStore.open(url) as store, collecting_rarely():
        began, events = perf_counter(), 0
        for told in Ingest(store, reader).file(path):
            assert told.error is None, told.error
            events += told.appended.total() + told.events_already_there
        return events / (perf_counter() - began)
