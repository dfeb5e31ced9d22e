"""Runs whose events are never told otherwise: many with one call, while the next are being read.

The log is asked once for thousands of events which of them it has. What is new is imported in one
transaction, each run all or nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from eventstore.append import Append, Request
from eventstore.connection.queries import load
from eventstore.encoding.codec import payload_hash
from eventstore.errors import AppendRefused
from eventstore.ingest.reader import BrokenRecord
from eventstore.ingest.runs import Run
from eventstore.ingest.told import FLAWS, Outcome, RunDiffers, Told
from eventstore.store import EventStore
from eventstore.writing.importer import Importer
from eventstore.writing.importer import Outcome as Recorded
from eventstore.writing.importing import BATCH_BYTES, BATCH_EVENTS

__all__ = ["SettledRuns"]

_SQL = load("eventstore.sql", "ingest.sql")
_Fact = tuple[str, bytes]
"""The stream of an event, and the hash of its payload."""
_Found = Run | Append | BrokenRecord


@dataclass(frozen=True, slots=True)
class _Ready:
    """A run that can be recorded."""

    run: Run
    request: Request


@dataclass(slots=True)
class _Sent:
    """What will be told when the log has answered."""

    told: Told
    request: Request | None = None
    """What is to be sent, if anything."""


class SettledRuns:
    """Appends the runs of readers that are `settled`."""

    def __init__(self, store: EventStore, *, dry_run: bool) -> None:
        self._store, self._dry_run = store, dry_run
        self._under_way: dict[UUID, _Fact] = {}
        """What was sent and is not answered; in a dry run all that would have been sent."""

    def told(self, file: str, found: Iterable[_Found]) -> Iterator[Told]:
        """Appends what is found, and says what became of each run, in order.

        Raises what the reader raises, after everything before it is told, and what is wrong with
        the store.
        """
        under_way: list[_Sent] = []
        flaw: Exception | None = None
        with self._store.importers.lend() as importer:
            try:
                for chunk in self._chunks(file, found):
                    following = self._decided(file, chunk)
                    yield from self._answers(importer, under_way)
                    self._begin(importer, following)
                    under_way = following
            except (*FLAWS, OSError) as error:
                flaw = error
            yield from self._answers(importer, under_way)
        if flaw is not None:
            raise flaw

    def _chunks(self, file: str, found: Iterable[_Found]) -> Iterator[list[_Ready | Told]]:
        """Runs that can be recorded, and what became of the others.

        An error of the reader comes after everything that was whole.
        """
        chunk: list[_Ready | Told] = []
        events = size = 0
        flaw: Exception | None = None
        try:
            for each in found:
                ready = self._ready(file, each)
                if isinstance(ready, _Ready):
                    events += ready.run.events
                    size += ready.request.size
                chunk.append(ready)
                if events >= BATCH_EVENTS or size >= BATCH_BYTES or len(chunk) >= BATCH_EVENTS:
                    yield chunk
                    chunk, events, size = [], 0, 0
        except (*FLAWS, OSError) as error:
            flaw = error
        if chunk:
            yield chunk
        if flaw is not None:
            raise flaw

    def _ready(self, file: str, each: _Found) -> _Ready | Told:
        if isinstance(each, BrokenRecord):
            return Told(file, "failed", error=each)
        if isinstance(each, Append):  # of no run: one of its own
            each = Run(each.events[0].event_id, [each], len(each.events))
        try:
            return _Ready(each, self._store.prepare(each.appends))
        except FLAWS as error:
            return Told(file, "failed", each.correlation_id, error=error)

    def _decided(self, file: str, chunk: list[_Ready | Told]) -> list[_Sent]:
        """What is to be sent of a chunk: what is new."""
        ready = (each for each in chunk if isinstance(each, _Ready))
        recorded = self._recorded([event_id for r in ready for event_id in r.request.event_ids])
        return [
            self._run(file, each, recorded) if isinstance(each, _Ready) else _Sent(each)
            for each in chunk
        ]

    def _begin(self, importer: Importer, sent: list[_Sent]) -> None:
        requests = [each.request for each in sent if each.request is not None]
        if requests and not self._dry_run:
            importer.begin(requests, importer.parameters(requests))

    def _recorded(self, event_ids: list[UUID]) -> dict[UUID, _Fact]:
        """Those of the events that the log has."""
        parameters = {"tenant": self._store.tenant, "event_ids": list(map(str, event_ids))}
        rows = self._store.database.read(
            lambda c: c.execute(_SQL["recorded"], parameters, binary=True).fetchall()
        )
        return {event_id: (stream_id, digest) for event_id, stream_id, digest in rows}

    def _run(self, file: str, ready: _Ready, recorded: dict[UUID, _Fact]) -> _Sent:
        """What is to be sent of a run, and what will be told of it."""
        run, request = ready.run, ready.request
        streams = (append.stream_id for append in run.appends for _ in append.events)
        said = zip(streams, map(payload_hash, request.payloads), strict=True)
        facts = dict(zip(request.event_ids, said, strict=True))
        before = {
            event_id: known
            for event_id in facts
            if (known := recorded.get(event_id) or self._under_way.get(event_id))
        }
        differing = sum(facts[event_id] != known for event_id, known in before.items())
        if differing:
            error = RunDiffers(run.correlation_id, run.events, len(before), differing, None)
            return _Sent(Told(file, "failed", run.correlation_id, error=error))
        new = run.appends
        if before:
            new = [a for a in new if not all(event.event_id in before for event in a.events)]
        types = Counter(event.event_type for append in new for event in append.events)
        there = run.events - types.total()
        if not new:
            return _Sent(Told(file, "already there", run.correlation_id, there))
        outcome: Outcome = "continued" if there else "appended"
        told = Told(file, outcome, run.correlation_id, there, types)
        if there:
            request = self._store.prepare(new)
        self._under_way.update((event_id, facts[event_id]) for event_id in request.event_ids)
        return _Sent(told, request)

    def _answers(self, importer: Importer, sent: list[_Sent]) -> Iterator[Told]:
        """Waits for the log, and says what became of each run."""
        outcomes: Iterator[Recorded] = iter(())
        if not self._dry_run and any(each.request is not None for each in sent):
            outcomes = iter(importer.finish())
        for each in sent:
            told = each.told
            if each.request is not None and not self._dry_run:
                outcome = next(outcomes)
                if isinstance(outcome, AppendRefused):
                    told = Told(told.file, "failed", told.correlation_id, error=outcome)
                for event_id in each.request.event_ids:
                    self._under_way.pop(event_id, None)
            yield told
