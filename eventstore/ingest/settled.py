"""Runs whose events are never told otherwise: many with one call, while the next are being read.

The log is asked once for a thousand events which of them it has. What is new goes to the writer,
which sends the runs that wait in one transaction, each of them all or nothing.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from eventstore.append import Append, Receipt, Request
from eventstore.codec import payload_hash
from eventstore.errors import AppendRefused
from eventstore.ingest.reader import BrokenRecord
from eventstore.ingest.runs import Run
from eventstore.ingest.told import FLAWS, Outcome, RunDiffers, Told
from eventstore.queries import load
from eventstore.store import EventStore

__all__ = ["SettledRuns"]

CHUNK_EVENTS: Final = 900
"""So many are looked up and sent at once: what the writer takes into one transaction."""
AHEAD_EVENTS: Final = 4_000
"""So many may be on their way to the log."""

_SQL = load("eventstore.sql", "ingest.sql")
_Fact = tuple[str, bytes]
"""The stream of an event, and the hash of its payload."""
_Found = Run | Append | BrokenRecord


@dataclass(slots=True)
class _Sent:
    """What will be told when the log has answered."""

    told: Told
    request: Request | None = None
    """What is to be sent, if anything."""
    answer: Future[list[Receipt]] | None = None

    @property
    def event_ids(self) -> tuple[UUID, ...]:
        """Of the events that are on their way."""
        return self.request.event_ids if self.request is not None else ()


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
        sent: deque[_Sent] = deque()
        on_its_way, flaw = 0, None
        try:
            for chunk in _chunks(found):
                for each in self._send(file, chunk):
                    sent.append(each)
                    on_its_way += len(each.event_ids)
                while on_its_way > AHEAD_EVENTS:
                    on_its_way -= len(sent[0].event_ids)
                    yield self._answer(sent.popleft())
        except FLAWS as error:
            flaw = error
        for each in sent:
            yield self._answer(each)
        if flaw is not None:
            raise flaw

    def _send(self, file: str, chunk: list[Run | BrokenRecord]) -> list[_Sent]:
        """Sends what is new of a chunk of runs, all at once."""
        appends = (append for each in chunk if isinstance(each, Run) for append in each.appends)
        recorded = self._recorded([event.event_id for each in appends for event in each.events])
        sent = [self._each(file, each, recorded) for each in chunk]
        if not self._dry_run:
            requests = [each.request for each in sent if each.request is not None]
            answers = iter(self._store.writer.submit_many(requests))
            for each in sent:
                if each.request is not None:
                    each.answer = next(answers)
        return sent

    def _each(self, file: str, each: Run | BrokenRecord, recorded: dict[UUID, _Fact]) -> _Sent:
        if isinstance(each, BrokenRecord):
            return _Sent(Told(file, "failed", error=each))
        try:
            return self._run(file, each, recorded)
        except FLAWS as error:
            return _Sent(Told(file, "failed", each.correlation_id, error=error))

    def _recorded(self, event_ids: list[UUID]) -> dict[UUID, _Fact]:
        """Those of the events that the log has."""
        parameters = {"tenant": self._store.tenant, "event_ids": list(map(str, event_ids))}
        rows = self._store.database.read(
            lambda c: c.execute(_SQL["recorded"], parameters, binary=True).fetchall()
        )
        return {event_id: (stream_id, digest) for event_id, stream_id, digest in rows}

    def _run(self, file: str, run: Run, recorded: dict[UUID, _Fact]) -> _Sent:
        request = self._store.prepare(run.appends)
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
            raise RunDiffers(run.correlation_id, run.events, len(before), differing, None)
        new = run.appends
        if before:
            new = [a for a in new if not all(event.event_id in before for event in a.events)]
        types = Counter(event.event_type for append in new for event in append.events)
        there = run.events - types.total()
        if not new:
            return _Sent(Told(file, "already there", run.correlation_id, there))
        outcome: Outcome = "continued" if there else "appended"
        self._under_way.update(facts)
        told = Told(file, outcome, run.correlation_id, there, types)
        return _Sent(told, self._store.prepare(new) if there else request)

    def _answer(self, sent: _Sent) -> Told:
        """Waits for the log, and says what became of a run."""
        if sent.answer is None:
            return sent.told
        try:
            sent.answer.result()
        except AppendRefused as error:
            return Told(sent.told.file, "failed", sent.told.correlation_id, error=error)
        finally:
            for event_id in sent.event_ids:
                self._under_way.pop(event_id, None)
        return sent.told


def _chunks(found: Iterable[_Found]) -> Iterator[list[Run | BrokenRecord]]:
    """The runs in lists of so many events; an error of the reader comes after what was whole."""
    chunk: list[Run | BrokenRecord] = []
    events, flaw = 0, None
    try:
        for each in found:
            if isinstance(each, Append):  # of no run: one of its own
                each = Run(each.events[0].event_id, [each], len(each.events))
            chunk.append(each)
            events += each.events if isinstance(each, Run) else 0
            if events >= CHUNK_EVENTS or len(chunk) >= CHUNK_EVENTS:
                yield chunk
                chunk, events = [], 0
    except (*FLAWS, OSError) as error:
        flaw = error
    if chunk:
        yield chunk
    if flaw is not None:
        raise flaw
