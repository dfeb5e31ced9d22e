"""What administrators do, through a pooler: look and maintain, but not migrate."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from eventstore import EventStore
from eventstore.embedded import EmbeddedServer
from eventstore.errors import ConfigurationError
from eventstore.reading.stats import log_stats
from eventstore.schema import checks, migrate
from eventstore.schema import revision as schema
from eventstore.schema.bootstrap import bootstrap
from eventstore.upkeep.partitions import ensure_partitions, gaps
from tests.integration.log.facts import said
from tests.integration.pooler.pgbouncer import PgBouncer

HEAD = schema.revisions()[-1]


@pytest.mark.parametrize(
    "do",
    [
        lambda url: migrate.upgrade(url),
        lambda url: migrate.downgrade(url, "base"),
        lambda url: migrate.stamp(url, HEAD),
    ],
)
def test_a_migration_is_refused(url: str, do: Callable[[str], object]) -> None:
    """It sets its role for the session and holds a lock on it: the next client would have both."""
    with pytest.raises(ConfigurationError, match="needs a session of its own"):
        do(url)
    assert migrate.current(url) == HEAD
    with psycopg.connect(url, autocommit=True) as stranger:
        assert stranger.execute("SELECT current_user").fetchall() == [("eventstore",)]
        locks = "SELECT FROM pg_locks WHERE locktype = 'advisory'"
        assert stranger.execute(locks).fetchall() == []


def test_looking_and_maintaining(url: str, store: EventStore) -> None:
    migrate.check(url)
    assert [one.applied for one in migrate.history(url)] == [True] * len(schema.revisions())
    assert all(finding.ok for finding in checks.inspect(url))
    store.append("s-1", said(3))
    for exact in (False, True):
        found = log_stats(store.database, exact=exact)
        assert (found.events, found.streams) == (3, 1)
    assert len(ensure_partitions(store.database, 3)) == 4
    with store.database.reading() as connection:
        assert gaps(connection) == []


def test_a_database_without_a_store(
    pooler: PgBouncer, server: EmbeddedServer, empty_database: str
) -> None:
    url = pooler.url(empty_database)
    assert migrate.current(url) is None
    bootstrap(pooler.url(empty_database, user="postgres"), "eventstore")
    with pytest.raises(ConfigurationError):
        migrate.upgrade(url)
    assert migrate.upgrade(server.url(empty_database)).after == HEAD
    assert migrate.current(url) == HEAD
    pooler.console(f"KILL {empty_database}")  # else the database could not be dropped
