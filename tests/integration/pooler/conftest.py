"""A pooler before the test's server, and the test's database through it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from eventstore import EventStore
from eventstore.connection.database import connect
from eventstore.embedded import EmbeddedServer
from tests.integration.log.facts import open_store
from tests.integration.pooler.pgbouncer import PgBouncer, pgbouncer
from tests.integration.projections.things import DDL


@pytest.fixture(scope="module")
def pooler(server: EmbeddedServer) -> Iterator[PgBouncer]:
    """Three server sessions for everybody."""
    with pgbouncer(server) as running:
        yield running


@pytest.fixture
def url(pooler: PgBouncer, database: str, database_url: str) -> str:
    """The test's database through the pooler, with the tables of `things`."""
    with connect(database_url, role="owner") as conn, conn.transaction():
        conn.execute(DDL)
    return pooler.url(database)


@pytest.fixture
def store(url: str) -> Iterator[EventStore]:
    with open_store(url) as opened:
        yield opened
