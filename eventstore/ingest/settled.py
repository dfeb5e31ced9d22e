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

from eventstore.append import Append, Receipt
from eventstore.codec import payload_hash
from eventstore.errors import AppendRefused
from eventstore.ingest.reader import BrokenRecord
from eventstore.ingest.runs import Run
from eventstore.ingest.told import FLAWS, Outcome, RunDiffers, Told
from eventstore.queries import load
from eventstore.store import EventStore

__all__ = ["SettledRuns"]

CHUNK_EVENTS: Final = 1_000
"""So many are looked up at once; about as many as the writer sends at once."""
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
    answer: Future[list[Receipt]] | None = None
    event_ids: tuple[UUID, ...] = ()


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

    def _send(self, file: str, chunk: list[Run | BrokenRecord]) -> Iterator[_Sent]:
        """Sends what is new of a chunk of runs."""
        appends = (append for each in chunk if isinstance(each, Run) for append in each.appends)
        recorded = self._recorded([event.event_id for each in appends for event in each.events])
        for each in chunk:
            if isinstance(each, BrokenRecord):
                yield _Sent(Told(file, "failed", error=each))
                continue
            try:
                yield self._run(file, each, recorded)
            except FLAWS as error:
                yield _Sent(Told(file, "failed", each.correlation_id, error=error))

    def _recorded(self, event_ids: list[UUID]) -> dict[UUID, _Fact]:
        """Those of the events that the log has."""
        parameters = {"tenant": self._store.tenant, "event_ids": list(map(str, event_ids))}
        rows = self._store.database.read(
            lambda c: c.execute(_SQL["recorded"], parameters, binary=True).fetchall()
        )
        return {event_id: (stream_id, digest) for event_id, stream_id, digest in rows}

    def _run(self, file: str, run: Run, recorded: dict[UUID, _Fact]) -> _Sent:
        request = self._store.prepare(run.appends)
        streams = [append.stream_id for append in run.appends for _ in append.events]
        facts = {
            event_id: (stream_id, payload_hash(payload))
            for event_id, stream_id, payload in zip(
                request.event_ids, streams, request.payloads, strict=True
            )
        }
        before = {
            event_id: known
            for event_id in facts
            if (known := recorded.get(event_id) or self._under_way.get(event_id))
        }
        differing = sum(facts[event_id] != known for event_id, known in before.items())
        if differing:
            raise RunDiffers(run.correlation_id, run.events, len(before), differing, None)
        new = [
            append
            for append in run.appends
            if not all(event.event_id in before for event in append.events)
        ]
        types = Counter(event.event_type for append in new for event in append.events)
        there = run.events - types.total()
        if not new:
            return _Sent(Told(file, "already there", run.correlation_id, there))
        outcome: Outcome = "continued" if there else "appended"
        told = Told(file, outcome, run.correlation_id, there, types)
        self._under_way.update(facts)
        if self._dry_run:
            return _Sent(told)
        to_send = self._store.prepare(new) if there else request
        return _Sent(told, self._store.writer.submit(to_send), request.event_ids)

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
