"""A dictionary beside the real store: whatever is done to both, they agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from eventstore import ANY, NO_STREAM, STREAM_EXISTS, Append, EventStore, Receipt, RecordedEvent
from eventstore.errors import AppendRefused, ConcurrencyConflict, DuplicateEventId
from tests.integration.log.facts import Asked, Said, open_store

STREAMS = ["a-1", "a-2", "b-1", "b", "c-1-x", 'd-"{,}\\']
RUNS = [uuid4() for _ in range(3)]
Fact = Said | Asked

streams = st.sampled_from(STREAMS)
facts = st.lists(
    st.builds(Said, text=st.sampled_from(["", "x", "é"]), number=st.integers(0, 3))
    | st.builds(Asked, text=st.just("?")),
    min_size=1,
    max_size=4,
)
expectations = st.sampled_from([ANY, ANY, NO_STREAM, STREAM_EXISTS, "right", "right", 1, 2, 10**6])
runs = st.sampled_from([None, *RUNS])


@dataclass
class Entry:
    """What the model knows of a recorded event."""

    stream_id: str
    stream_version: int
    position: int
    fact: Fact
    correlation_id: UUID


@dataclass
class Model:
    """The log as a list, and what follows from it."""

    log: list[Entry] = field(default_factory=list)

    def stream(self, stream_id: str) -> list[Entry]:
        return [entry for entry in self.log if entry.stream_id == stream_id]

    def find(self, event_id: UUID) -> Entry | None:
        return next((entry for entry in self.log if entry.fact.event_id == event_id), None)

    def outcome(self, appends: list[Append]) -> AppendRefused | None:
        """The error that a request has to end with, None if it is recorded now or was before."""
        known = {fact.event_id: self.find(fact.event_id) for one in appends for fact in one.events}
        if any(known.values()):
            for one in appends:
                for fact in one.events:
                    entry = known[fact.event_id]
                    reason = None
                    if entry is None:
                        reason = "partly recorded"
                    elif entry.stream_id != one.stream_id:
                        reason = "another stream"
                    elif entry.fact != fact:
                        reason = "other content"
                    if reason:
                        where = entry.stream_id if entry else one.stream_id
                        return DuplicateEventId(fact.event_id, one.stream_id, where, reason)
            return None
        lengths = {stream_id: len(self.stream(stream_id)) for stream_id in STREAMS}
        for one in appends:
            actual, expected = lengths[one.stream_id], one.expected_version
            if not (expected in (ANY, actual) or (expected == STREAM_EXISTS and actual > 0)):
                return ConcurrencyConflict(one.stream_id, expected, actual)
            lengths[one.stream_id] += len(one.events)
        return None

    def record(self, appends: list[Append], receipts: list[Receipt]) -> None:
        """Takes over a request, with the positions that the store gave it."""
        for one, receipt in zip(appends, receipts, strict=True):
            for fact, position in zip(one.events, receipt.positions, strict=True):
                if self.find(fact.event_id) is None:
                    length = len(self.stream(one.stream_id))
                    run = one.correlation_id or fact.event_id
                    assert isinstance(fact, Fact)
                    self.log.append(Entry(one.stream_id, length + 1, position, fact, run))

    def receipt(self, one: Append) -> Receipt:
        """What an append answers, whether it was recorded now or long ago."""
        entries = [entry for fact in one.events if (entry := self.find(fact.event_id))]
        return Receipt(
            one.stream_id,
            entries[-1].stream_version,
            tuple(entry.position for entry in entries),
            tuple(fact.event_id for fact in one.events),
        )


class StoreMachine(RuleBasedStateMachine):
    """Every example is a tenant of its own in one database."""

    url: str
    requests: Bundle[list[Append]] = Bundle("requests")
    checkpoints: Bundle[Any] = Bundle("checkpoints")

    @initialize()
    def open(self) -> None:
        self.tenant = f"tenant-{uuid4()}"
        self.model = Model()
        self.store: EventStore = open_store(self.url, self.tenant)

    def teardown(self) -> None:
        self.store.close()

    # Appends ----------------------------------------------------------------------------------

    def append(self, appends: list[Append]) -> None:
        """Does it to both."""
        expected = self.model.outcome(appends)
        if expected is not None:
            with pytest.raises(type(expected)) as caught:
                self.store.append_many(appends)
            assert caught.value.facts == expected.facts
            return
        receipts = self.store.append_many(appends)
        self.model.record(appends, receipts)
        assert receipts == [self.model.receipt(one) for one in appends]

    def one(
        self, stream_id: str, said: list[Fact], expected: int | str, run: UUID | None
    ) -> Append:
        version = len(self.model.stream(stream_id)) if isinstance(expected, str) else expected
        return Append(stream_id, said, version, correlation_id=run)

    @rule(target=requests, stream_id=streams, said=facts, expected=expectations, run=runs)
    def append_to_one(
        self, stream_id: str, said: list[Fact], expected: int | str, run: UUID | None
    ) -> list[Append]:
        request = [self.one(stream_id, said, expected, run)]
        self.append(request)
        return request

    @rule(
        target=requests,
        parts=st.lists(st.tuples(streams, facts, expectations, runs), min_size=1, max_size=4),
    )
    def append_to_many(self, parts: list[tuple[str, list[Fact], int | str, UUID | None]]) -> Any:
        request = [self.one(*part) for part in parts]
        ids = [fact.event_id for one in request for fact in one.events]
        if len(set(ids)) < len(ids):
            return multiple()
        self.append(request)
        return request

    @rule(request=requests, expected=expectations)
    def repeat(self, request: list[Append], expected: int | str) -> None:
        """The same again, under any expectation."""
        self.append([self.one(a.stream_id, list(a.events), expected, a.correlation_id)  # type: ignore[arg-type]
                     for a in request])  # fmt: skip

    @rule(request=requests, stream_id=streams)
    def repeat_elsewhere(self, request: list[Append], stream_id: str) -> None:
        self.append([Append(stream_id, request[0].events)])

    @rule(request=requests, more=facts, before=st.booleans())
    def repeat_with_more(self, request: list[Append], more: list[Fact], before: bool) -> None:
        known = list(request[0].events)
        said = [*more, *known] if before else [*known, *more]
        if len({fact.event_id for fact in said}) == len(said):
            self.append([Append(request[0].stream_id, said)])

    @rule(request=requests, text=st.sampled_from(["", "x", "other"]))
    def another_fact_under_a_known_id(self, request: list[Append], text: str) -> None:
        first = request[0].events[0]
        self.append([Append(request[0].stream_id, [Said(text=text).with_id(first.event_id)])])

    @rule(request=consumes(requests))
    def forget(self, request: list[Append]) -> None:
        """Keeps the bundle small."""

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = open_store(self.url, self.tenant)

    # Reads ------------------------------------------------------------------------------------

    def same(self, found: Iterator[RecordedEvent], expected: list[Entry]) -> None:
        read = list(found)
        assert [
            (one.stream_id, one.stream_version, one.position, one.event_id, one.correlation_id)
            for one in read
        ] == [
            (one.stream_id, one.stream_version, one.position, one.fact.event_id, one.correlation_id)
            for one in expected
        ]
        assert [one.event for one in read] == [one.fact for one in expected]
        assert {one.tenant_id for one in read} <= {self.tenant}

    @rule(
        stream_id=streams,
        start=st.none() | st.integers(0, 12),
        backwards=st.booleans(),
        limit=st.none() | st.integers(0, 5),
    )
    def read_stream(
        self, stream_id: str, start: int | None, backwards: bool, limit: int | None
    ) -> None:
        entries = self.model.stream(stream_id)
        if backwards:
            chosen = [e for e in reversed(entries) if start is None or e.stream_version <= start]
        else:
            chosen = [e for e in entries if e.stream_version >= (start or 1)]
        found = self.store.read_stream(stream_id, start, backwards=backwards, limit=limit)
        self.same(found, chosen[:limit])

    @rule(
        bounds=st.tuples(st.integers(0, 30), st.integers(0, 30)),
        categories=st.none() | st.lists(st.sampled_from(["a", "b", "c", "zzz"])),
        types=st.none() | st.lists(st.sampled_from(["log.said", "log.asked", "log.none"])),
        limit=st.none() | st.integers(0, 5),
    )
    def read_all(
        self,
        bounds: tuple[int, int],
        categories: list[str] | None,
        types: list[str] | None,
        limit: int | None,
    ) -> None:
        log = self.model.log
        after, until = (log[n % len(log)].position if log and n < 25 else None for n in bounds)
        chosen = [
            entry
            for entry in log
            if entry.position > (after or 0)
            and (until is None or entry.position <= until)
            and (categories is None or entry.stream_id.split("-")[0] in categories)
            and (types is None or entry.fact.event_type in types)
        ]
        found = self.store.read_all(
            after or 0, until, categories=categories, event_types=types, limit=limit
        )
        self.same(found, chosen[:limit])

    @rule(run=st.sampled_from(RUNS))
    def read_correlation(self, run: UUID) -> None:
        chosen = [entry for entry in self.model.log if entry.correlation_id == run]
        self.same(self.store.read_correlation(run), chosen)

    @rule(n=st.integers(0, 30))
    def read_event(self, n: int) -> None:
        assert self.store.read_event(uuid4()) is None
        if self.model.log:
            entry = self.model.log[n % len(self.model.log)]
            found = self.store.read_event(entry.fact.event_id)
            assert found is not None
            self.same(iter([found]), [entry])

    @rule(target=checkpoints, limit=st.integers(1, 4))
    def subscribe(self, limit: int) -> Any:
        return self.follow(0, limit)

    @rule(target=checkpoints, checkpoint=consumes(checkpoints), limit=st.integers(1, 4))
    def go_on(self, checkpoint: Any, limit: int) -> Any:
        return self.follow(checkpoint, limit)

    def follow(self, checkpoint: Any, limit: int) -> Any:
        """Takes up to `limit` events from a checkpoint on; gives the next checkpoint."""
        with self.store.subscribe(after=checkpoint) as subscription:
            begin = subscription.checkpoint.position
            chosen = [entry for entry in self.model.log if entry.position > begin][:limit]
            self.same(iter([next(subscription) for _ in chosen]), chosen)
            if len(chosen) < limit:
                assert subscription.fetch() == []
            return subscription.checkpoint

    @invariant()
    def streams_have_the_same_versions(self) -> None:
        for stream_id in STREAMS[:2]:
            expected = len(self.model.stream(stream_id))
            assert self.store.stream_version(stream_id) == expected


def test_the_store_agrees_with_a_dictionary(database_url: str) -> None:
    check(database_url, 15, 30)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_the_store_agrees_with_a_dictionary_at_length(database_url: str) -> None:
    check(database_url, 60, 50)


def check(url: str, examples: int, steps: int) -> None:
    machine = type("Machine", (StoreMachine,), {"url": url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
