"""Order at length: hundreds of thousands of events."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from eventstore import EventStore
from tests.integration.log.facts import open_store
from tests.integration.log.order import run_check, scan, subscription
from tests.integration.log.processes import Child, children

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

APPENDERS = 8
EVENTS = 200_000


@pytest.fixture
def store(database_url: str) -> Iterator[EventStore]:
    with open_store(database_url) as opened:
        yield opened


@pytest.fixture
def appenders(database_url: str) -> Iterator[list[Child]]:
    with children(APPENDERS, "appender_process", database_url) as started:
        yield started


def test_no_reader_misses_or_repeats_an_event(appenders: list[Child], store: EventStore) -> None:
    start = store.watermark()
    readers = [
        subscription(store, 1_000, start),
        subscription(store, 37, start),
        scan(store, start),
    ]
    committed = run_check(appenders, readers, events=EVENTS, batch=40, pause=0.01)
    assert committed >= EVENTS
