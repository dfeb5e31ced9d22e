"""A list beside the real log: a query means the same events in both, for reads and conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import uuid4

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    rule,
    run_state_machine_as_test,
)

from eventstore import Append, EventStore, Query, Receipt
from eventstore.errors import ConditionFailed
from eventstore.reading.selection import Selection, find
from tests.integration.log.facts import Asked, Said, open_store

TAGS = ["a", "b", "c", 'd"\\{é,}']
TYPES = ["log.said", "log.asked"]

tags = st.lists(st.sampled_from(TAGS), unique=True, max_size=3)
some_tags = st.lists(st.sampled_from(TAGS), unique=True, min_size=1, max_size=3)
types = st.lists(st.sampled_from([Said, "log.asked", "log.none"]), max_size=2)
items = st.builds(lambda types, tags: Query(types=types, tags=tags), types, some_tags)
conditions = st.lists(items, min_size=1, max_size=3).map(lambda queries: Query.any(*queries))
queries = conditions | st.lists(
    items | st.sampled_from([Query(types=[Said]), Query(types=[Asked, Said])]),
    min_size=1,
    max_size=3,
).map(lambda queries: Query.any(*queries))
places = st.integers(0, 40)


@dataclass(frozen=True)
class Entry:
    position: int
    event_type: str
    tags: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """An append as drawn; `after` is the number of an entry, or a place after all."""

    stream_id: str
    kinds: list[type[Said] | type[Asked]]
    tags: list[str]
    fail_if_any: Query | None
    after: int


parts = st.builds(
    Part,
    st.sampled_from(["s-1", "s-2"]),
    st.lists(st.sampled_from([Said, Asked]), min_size=1, max_size=3),
    tags,
    st.none() | conditions,
    places,
)


class QueryMachine(RuleBasedStateMachine):
    """Every example is a tenant of its own in one database."""

    url: str
    recorded: Bundle[tuple[list[Append], list[Receipt]]] = Bundle("recorded")

    @initialize()
    def open(self) -> None:
        self.log: list[Entry] = []
        self.store: EventStore = open_store(self.url, f"tenant-{uuid4()}")

    def teardown(self) -> None:
        self.store.close()

    def position(self, number: int) -> int:
        """Of an entry; of the newest, for a number that none has."""
        return self.log[min(number, len(self.log) - 1)].position if self.log and number else 0

    def meant(self, query: Query, after: int, until: int = 2**62) -> list[Entry]:
        return [
            entry
            for entry in self.log
            if after < entry.position <= until and query.matches(entry.event_type, entry.tags)
        ]

    @rule(target=recorded, drawn=st.lists(parts, min_size=1, max_size=3))
    def append(self, drawn: list[Part]) -> tuple[list[Append], list[Receipt]]:
        request = [
            Append(
                part.stream_id,
                [kind() for kind in part.kinds],
                tags=part.tags,
                fail_if_any=part.fail_if_any,
                after=self.position(part.after) if part.fail_if_any else 0,
            )
            for part in drawn
        ]
        for part in request:
            if part.fail_if_any and (there := self.meant(part.fail_if_any, part.after)):
                with pytest.raises(ConditionFailed) as caught:
                    self.store.append_many(request)
                assert caught.value.facts == {
                    "query": part.fail_if_any,
                    "after": part.after,
                    "position": there[0].position,
                    "event_type": there[0].event_type,
                }
                return [], []
        receipts = self.store.append_many(request)
        for part, receipt in zip(request, receipts, strict=True):
            for event, position in zip(part.events, receipt.positions, strict=True):
                self.log.append(Entry(position, event.event_type, tuple(sorted(part.tags))))
        return request, receipts

    @rule(before=consumes(recorded), unless=conditions)
    def repeat(self, before: tuple[list[Append], list[Receipt]], unless: Query) -> None:
        """The same again, with its own conditions and with another one."""
        request, receipts = before
        if request:
            assert self.store.append_many(request) == receipts
            again = [Append(part.stream_id, part.events, fail_if_any=unless) for part in request]
            assert self.store.append_many(again) == receipts

    @rule(query=queries, bounds=st.tuples(places, places), limit=st.none() | st.integers(0, 4))
    def read(self, query: Query, bounds: tuple[int, int], limit: int | None) -> None:
        after, until = map(self.position, bounds)
        found = self.store.read_all(after, until, query=query, limit=limit)
        assert list(entries(found)) == self.meant(query, after, until)[:limit]

    @rule(query=queries, after=places, limit=st.integers(1, 3))
    def follow(self, query: Query, after: int, limit: int) -> None:
        start, delivered = self.position(after), []
        with self.store.subscribe(start, query=query) as following:
            while page := following.fetch(limit):
                delivered += list(entries(iter(page)))
        assert delivered == self.meant(query, start)

    @rule(tags=some_tags, types=types, after=places, reverse=st.booleans(), limit=st.integers(1, 4))
    def select(
        self,
        tags: list[str],
        types: list[type[Said] | str],
        after: int,
        reverse: bool,
        limit: int,
    ) -> None:
        names = [each if isinstance(each, str) else each.event_type for each in types]
        start = self.position(after)
        wanted = Selection(after=start, event_types=names, tags=tags)
        meant = self.meant(Query(types=types, tags=tags), start)
        found = entries(find(self.store, wanted, limit=limit, reverse=reverse))
        assert list(found) == (meant[::-1] if reverse else meant)[:limit]


def entries(events: Iterator[object]) -> Iterator[Entry]:
    for each in events:
        yield Entry(each.position, each.event_type, each.tags)  # type: ignore[attr-defined]


def test_the_log_agrees_with_a_list(database_url: str) -> None:
    check(database_url, 4, 20)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_the_log_agrees_with_a_list_at_length(database_url: str) -> None:
    check(database_url, 60, 50)


def check(url: str, examples: int, steps: int) -> None:
    machine = type("Machine", (QueryMachine,), {"url": url})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
