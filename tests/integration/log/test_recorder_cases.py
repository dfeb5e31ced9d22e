"""The recorder cases that the package `eventsourcing` ships, over this store.

Left out are those of its factories, which are about its settings; and the one that wants the ids
of two inserts not to stand between each other, which is there so that a reader misses nothing.
That it misses nothing is shown here instead, with inserts of several processes' worth of stores.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Event as Signal
from uuid import uuid4

import pytest

eventsourcing = pytest.importorskip("eventsourcing.tests.persistence")

from eventsourcing.persistence import StoredEvent  # noqa: E402
from eventsourcing.tests.persistence import (  # noqa: E402
    AggregateRecorderTestCase,
    ApplicationRecorderTestCase,
    ProcessRecorderTestCase,
    TrackingRecorderTestCase,
)

from eventstore import EventStore  # noqa: E402
from tests.adapters.eventsourcing_recorder import (  # noqa: E402
    EVENTS,
    AggregateEvents,
    ApplicationEvents,
    ProcessEvents,
)
from tests.integration.log.order import assert_exactly_once  # noqa: E402


class OverThisStore:
    """Gives the cases a database of their own each."""

    store: EventStore
    test_performance = None  # it prints, and asserts nothing

    @pytest.fixture(autouse=True)
    def _opened(self, database_url: str) -> Iterator[None]:
        with EventStore.open(database_url, registry=EVENTS) as self.store:
            yield


class TestAggregateRecorder(OverThisStore, AggregateRecorderTestCase):
    def create_recorder(self) -> AggregateEvents:
        return AggregateEvents(self.store)


class TestApplicationRecorder(OverThisStore, ApplicationRecorderTestCase[ApplicationEvents]):
    def create_recorder(self) -> ApplicationEvents:
        return ApplicationEvents(self.store)

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()

    @pytest.mark.faults  # ten thousand events
    def test_concurrent_no_conflicts(self) -> None:
        super().test_concurrent_no_conflicts()


class TestTrackingRecorder(OverThisStore, TrackingRecorderTestCase):
    def create_recorder(self) -> ProcessEvents:
        return ProcessEvents(self.store)


class TestProcessRecorder(OverThisStore, ProcessRecorderTestCase):
    def create_recorder(self) -> ProcessEvents:
        return ProcessEvents(self.store)


def test_a_tail_misses_nothing_of_inserts_that_interleave(database_url: str) -> None:
    with ExitStack() as stack:
        writers, reader = (
            [
                ApplicationEvents(
                    stack.enter_context(EventStore.open(database_url, registry=EVENTS))
                )
                for _ in range(number)
            ]
            for number in (3, 1)
        )
        over = Signal()

        def insert(writer: ApplicationEvents) -> list[int]:
            originator_id, ids = uuid4(), []
            for begin in range(0, 300, 30):
                events = [
                    StoredEvent(originator_id, number, "topic", b"state")
                    for number in range(begin, begin + 30)
                ]
                ids += list(writer.insert_events(events) or [])
            return ids

        def follow() -> list[int]:
            seen: list[int] = []
            while True:
                last_look = over.is_set()
                after = seen[-1] if seen else 0
                found = reader[0].select_notifications(after, 50, inclusive_of_start=False)
                seen += [each.id for each in found]
                if last_look and not found:
                    return seen

        with ThreadPoolExecutor(4) as pool:
            following = pool.submit(follow)
            inserted = [each for ids in pool.map(insert, writers) for each in ids]
            over.set()
            assert_exactly_once(following.result(), inserted)
