"""The tests' own context beside the real ones, in a database of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from eventstore import EventStore
from eventstore.connection.database import connect
from projections.session import Connection, open_session
from tests.integration.projections.things import DDL


@pytest.fixture
def url(database_url: str) -> str:
    """A database with the tables of `things`."""
    with connect(database_url, role="owner") as conn, conn.transaction():
        conn.execute(DDL)
    return database_url


@pytest.fixture
def store(url: str) -> Iterator[EventStore]:
    with EventStore.open(url) as opened:
        yield opened


@pytest.fixture
def conn(url: str) -> Iterator[Connection]:
    """A projector's connection."""
    with open_session(url, part="test") as opened:
        yield opened
