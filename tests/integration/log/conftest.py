"""A store of the test's own, and the superuser's eye on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from uuid import uuid4

import psycopg
import pytest

from eventstore import EventStore
from eventstore.connection.database import Connection, connect
from eventstore.embedded import EmbeddedServer
from tests.conftest import copy_database
from tests.integration.log.facts import open_store
from tests.integration.log.waiting import until


@pytest.fixture
def store(database_url: str) -> Iterator[EventStore]:
    with open_store(database_url) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(server: EmbeddedServer, template_database: str) -> Iterator[EventStore]:
    """One store for all tests of a module that keep to streams of their own."""
    name = f"shared_{uuid4().hex}"
    copy_database(server, template_database, name)
    with open_store(server.url(name)) as opened:
        yield opened
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def admin(admin_url: str) -> Iterator[Connection]:
    """The superuser, in autocommit."""
    with psycopg.connect(admin_url, autocommit=True, application_name="test") as connection:
        yield connection


@pytest.fixture
def appender(database_url: str) -> Iterator[Connection]:
    """A raw connection that plays the appender, in autocommit."""
    with connect(database_url, role="appender", tenant="default") as connection:
        yield connection


@pytest.fixture
def wait_for_blocked(admin: Connection) -> Callable[[int], None]:
    """Waits until that many sessions of the database wait for a lock."""

    def wait(count: int = 1) -> None:
        query = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        until(lambda: (admin.execute(query).fetchone() or (0,))[0] >= count)

    return wait
