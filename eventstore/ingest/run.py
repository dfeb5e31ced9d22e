"""Appends what a reader finds in files: a run at a time, all of it or nothing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

import orjson

from eventstore.append import Append
from eventstore.codec import encode, payload_hash
from eventstore.errors import AppendRefused, EventStoreError, InvalidEvent, NotFound
from eventstore.event import RecordedEvent
from eventstore.ingest.reader import BrokenFile, Reader
from eventstore.store import EventStore

__all__ = ["MAX_FILE_BYTES", "Files", "Ingest", "RunDiffers", "Told", "find_files"]

MAX_FILE_BYTES: Final = 64 * 1024 * 1024
"""Of one file; a file is in memory as a whole, one at a time."""

_FLAWS: Final = (BrokenFile, InvalidEvent, AppendRefused)
"""What can be wrong with a file, as against with the store."""

_Recorded = dict[UUID, tuple[bytes, str | None]]
"""By event id: the hash of the payload, and the file that it was read from, if from one."""

Outcome = Literal["appended", "continued", "already there", "failed"]


class RunDiffers(AppendRefused):
    """A run is recorded with other content than the file has; nothing was appended.

    Of the file's `events`, `recorded` are in the log, `differing` of these with other content;
    `recorded_from` is the file that the recorded ones came from, if they say so.
    """

    def __init__(
        self, run: UUID, events: int, recorded: int, differing: int, recorded_from: str | None
    ) -> None:
        self.run, self.events, self.recorded = run, events, recorded
        self.differing, self.recorded_from = differing, recorded_from
        source = f" from {recorded_from}" if recorded_from else ""
        super().__init__(
            f"run {run} is recorded{source} with other content: of {events} events in this file "
            f"{recorded} are recorded, {differing} of them otherwise; what is recorded stays"
        )


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one run, or of a file in which none could be read."""

    file: str
    outcome: Outcome
    correlation_id: UUID | None = None
    events_already_there: int = 0
    appended: Counter[str] = field(default_factory=Counter)
    """Events by type; in a dry run those that would be appended."""
    error: EventStoreError | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """Which files are to be read, and how many were passed over, by the end of their name."""

    paths: list[Path]
    skipped: Counter[str]


def find_files(paths: Iterable[Path], reader: Reader) -> Files:
    """The files themselves, and in directories, at any depth, those that the format reads.

    In order of name, a directory's own files before those of the directories in it; no file
    twice. Raises NotFound for what is not there, and BrokenFile for a
    directory that can't be listed.
    """
    found: dict[Path, None] = {}
    skipped: Counter[str] = Counter()
    for path in paths:
        if not path.is_dir():
            if not path.exists():
                raise NotFound("file or directory", _shown(path))
            found[path] = None
            continue
        for folder, folders, names in os.walk(path, onerror=_unlisted):
            folders.sort()
            for name in sorted(names):
                file = Path(folder, name)
                # A pipe or a socket would never end, a link may lead nowhere.
                if reader.reads(name) and file.is_file():
                    found[file] = None
                else:
                    skipped["".join(file.suffixes[-2:]) or name] += 1
    return Files(list(found), skipped)


def _unlisted(error: OSError) -> None:
    raise BrokenFile(f"can't be listed: {error.strerror}", path=str(error.filename)) from error


class Ingest:
    """Reads files into a store; with `dry_run` it only says what it would do."""

    def __init__(self, store: EventStore, reader: Reader, *, dry_run: bool = False) -> None:
        self._store, self._reader, self._dry_run = store, reader, dry_run
        self._shared: set[UUID] = set()
        self._pretended: dict[UUID, _Recorded] = {}
        """In a dry run, what would be recorded by now."""

    def file(self, path: Path) -> Iterator[Told]:
        """Appends the runs of a file and says what became of each.

        Whatever is wrong with the file is told as `failed`. What is wrong with the store is raised:
        StoreUnavailable, PermissionDenied and so on.
        """
        shown = _shown(path)
        try:
            runs = self._runs(path)
        except _FLAWS as error:
            yield Told(shown, "failed", error=error)
            return
        shared = runs.pop(None, [])
        if not runs and not shared:
            yield Told(shown, "failed", error=BrokenFile("holds no event"))
        for run, appends in runs.items():
            assert run is not None, "what belongs to no run is in `shared`"
            try:
                yield self._run(shown, run, appends, shared)
            except _FLAWS as error:
                yield Told(shown, "failed", run, error=error)

    def _runs(self, path: Path) -> dict[UUID | None, list[Append]]:
        """The appends of a file by run, in order; raises BrokenFile or InvalidEvent."""
        try:
            with path.open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise BrokenFile(f"can't be read: {error.strerror or error}") from error
        if len(data) > MAX_FILE_BYTES:
            raise BrokenFile(f"is larger than {MAX_FILE_BYTES:,} bytes")
        runs: dict[UUID | None, list[Append]] = {}
        for append in self._reader.read(data, _shown(Path(path.name))):
            runs.setdefault(append.correlation_id, []).append(append)
        return runs

    def _run(self, shown: str, run: UUID, appends: list[Append], shared: list[Append]) -> Told:
        self._store.prepare(appends)  # before anything of it is recorded
        new = self._new(run, appends)
        there = _events(appends) - _events(new)
        if not new:
            return Told(shown, "already there", run, there)
        types: Counter[str] = Counter()
        for append in shared:
            types.update(self._share(append))
        if not self._dry_run:
            self._store.append_many(new)
        types.update(event.event_type for append in new for event in append.events)
        return Told(shown, "continued" if there else "appended", run, there, types)

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


def _events(appends: list[Append]) -> int:
    return sum(len(append.events) for append in appends)


def _source(recorded: RecordedEvent) -> str | None:
    """The file that an event was read from; None when it was not read from one."""
    metadata = orjson.loads(recorded.metadata)
    source = metadata.get("source")
    return str(source.get("file")) if isinstance(source, dict) else None


def _shown(path: Path) -> str:
    """A path in words that can be printed and stored, whatever bytes it is made of."""
    return os.fsencode(path).decode(errors="backslashreplace")
