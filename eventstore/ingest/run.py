"""Appends what a reader finds in files: a run at a time, all of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import orjson

from eventstore.append import Append
from eventstore.encoding.codec import encode, payload_hash
from eventstore.ingest.files import shown
from eventstore.ingest.reader import BrokenFile, BrokenRecord, Reader, Records
from eventstore.ingest.runs import Run, runs
from eventstore.ingest.settled import SettledRuns
from eventstore.ingest.told import FLAWS, Outcome, RunDiffers, Told
from eventstore.recorded import RecordedEvent
from eventstore.store import EventStore

__all__ = ["Ingest"]

_Recorded = dict[UUID, tuple[bytes, str | None]]
"""By event id: the hash of the payload, and the file that it was read from, if from one."""


class Ingest:
    """Reads files into a store; with `dry_run` it only says what it would do."""

    def __init__(self, store: EventStore, reader: Reader, *, dry_run: bool = False) -> None:
        self._store, self._reader, self._dry_run = store, reader, dry_run
        self._shared: set[UUID] = set()
        self._pretended: dict[UUID, _Recorded] = {}
        """In a dry run, what would be recorded by now."""
        self._settled = SettledRuns(store, dry_run=dry_run) if reader.settled else None

    def file(self, path: Path) -> Iterator[Told]:
        """Appends the runs of a file, one after the other, and says what became of each.

        Whatever is wrong with the file is told as `failed`. What is wrong with the store is raised:
        StoreUnavailable, PermissionDenied and so on.
        """
        name, empty = shown(path), True
        try:
            with ExitStack() as files:
                found = runs(self._records(path, files))
                each = self._settled.told if self._settled else self._one_by_one
                for told in each(name, found):
                    empty = False
                    yield told
        except FLAWS as error:
            yield Told(name, "failed", error=error)
            return
        if empty:
            yield Told(name, "failed", error=BrokenFile("holds no run"))

    def _records(self, path: Path, files: ExitStack) -> Records:
        """What the reader finds in a file, and in the one beside it if there is one."""
        reader, name = self._reader, self._name(path)
        file = files.enter_context(_opened(path))
        if reader.beside is not None:
            second = path.with_name(path.name.partition(".")[0] + reader.beside.ending)
            if second.is_file():
                return reader.beside.read(file, files.enter_context(_opened(second)), name)
        return reader.read(file, name)

    def _name(self, path: Path) -> str:
        """The file's name, after those of as many folders as the reader wants to know."""
        folders = path.absolute().parent.parts[1:]
        wanted = folders[max(0, len(folders) - self._reader.folders) :]
        return shown(Path(*wanted, path.name))

    def _one_by_one(
        self, name: str, found: Iterable[Run | Append | BrokenRecord]
    ) -> Iterator[Told]:
        shared: dict[UUID, Append] = {}
        for each in found:
            if isinstance(each, Append):
                shared.setdefault(each.events[0].event_id, each)
            else:
                yield self._told(name, each, shared)

    def _told(self, name: str, run: Run | BrokenRecord, shared: dict[UUID, Append]) -> Told:
        if isinstance(run, BrokenRecord):
            return Told(name, "failed", error=run)
        try:
            return self._run(name, run, shared)
        except FLAWS as error:
            return Told(name, "failed", run.correlation_id, error=error)

    def _run(self, name: str, run: Run, shared: dict[UUID, Append]) -> Told:
        self._store.prepare(run.appends)  # before anything of it is recorded
        new = self._new(run.correlation_id, run.appends)
        there = run.events - sum(len(append.events) for append in new)
        if not new:
            return Told(name, "already there", run.correlation_id, there)
        types: Counter[str] = Counter()
        for append in shared.values():
            types.update(self._share(append))
        shared.clear()
        if not self._dry_run:
            self._store.append_many(new)
        types.update(event.event_type for append in new for event in append.events)
        outcome: Outcome = "continued" if there else "appended"
        return Told(name, outcome, run.correlation_id, there, types)

    def _new(self, run: UUID, appends: list[Append]) -> list[Append]:
        """The appends that are not recorded yet; raises RunDiffers.

        A run that went on since it was recorded is continued, if all that was recorded of it
        still stands in the file, unchanged and before everything else.
        """
        recorded = self._recorded(run)
        limit = self._store.settings.max_payload_bytes
        events = [event for append in appends for event in append.events]
        hashes = {e.event_id: payload_hash(encode(e, limit=limit)) for e in events}
        known = [event for event in events if event.event_id in recorded]
        differing = [e for e in known if recorded[e.event_id][0] != hashes[e.event_id]]
        sources = [source for each, (_, source) in recorded.items() if each not in hashes]
        from_files = [source for source in sources if source is not None]
        continues = known == events[: len(known)] and not from_files
        if differing or not (len(known) == len(events) or continues):
            from_files += [source for e in known if (source := recorded[e.event_id][1])]
            source = from_files[0] if from_files else None
            raise RunDiffers(run, len(events), len(known), len(differing), source)
        if self._dry_run:
            name = "a file before it"
            pretended = {each: (digest, name) for each, digest in hashes.items()}
            self._pretended[run] = recorded | pretended
        return [append for append in appends if append.events[0].event_id not in recorded]

    def _recorded(self, run: UUID) -> _Recorded:
        if run in self._pretended:
            return self._pretended[run]
        return {
            each.event_id: (each.data_hash, _source(each))
            for each in self._store.read_correlation(run)
        }

    def _share(self, append: Append) -> list[str]:
        """Appends what belongs to no run, once; returns the types of what is new."""
        ids = [event.event_id for event in append.events]
        if self._shared.issuperset(ids):
            return []
        new = [e.event_type for e in append.events if self._store.read_event(e.event_id) is None]
        if not self._dry_run:
            self._store.append_many([append])
        self._shared.update(ids)
        return new


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, open to be read; raises BrokenFile when it can't be."""
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise BrokenFile(f"can't be read: {error.strerror or error}") from error


def _source(recorded: RecordedEvent) -> str | None:
    """The file that an event was read from; None when it was not read from one."""
    metadata = orjson.loads(recorded.metadata)
    source = metadata.get("source")
    return str(source.get("file")) if isinstance(source, dict) else None
