"""Several stores on a database, and a projector's session beside them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from eventstore import EventStore
from projections.session import Connection, open_session


@pytest.fixture
def stores(database_url: str) -> Iterator[list[EventStore]]:
    with ExitStack() as opened:
        yield [opened.enter_context(EventStore.open(database_url)) for _ in range(4)]


@pytest.fixture
def store(stores: list[EventStore]) -> EventStore:
    return stores[0]


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with open_session(database_url, part="test") as opened:
        yield opened
