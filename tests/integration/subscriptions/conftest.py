"""One database for all of these tests, in which each has a tenant of its own."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from eventstore import EventStore
from eventstore.connection.database import Connection
from eventstore.embedded import EmbeddedServer
from tests.conftest import copy_database
from tests.integration.log.facts import open_store


@pytest.fixture(scope="session")
def shared_database(server: EmbeddedServer, template_database: str) -> Iterator[str]:
    """The database's name; what changes its functions or its partitions takes another."""
    name = f"shared_{uuid4().hex}"
    copy_database(server, template_database, name)
    yield name
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture
def shared_url(server: EmbeddedServer, shared_database: str) -> str:
    return server.url(shared_database)


@pytest.fixture
def store(shared_url: str) -> Iterator[EventStore]:
    with open_store(shared_url, f"tenant-{uuid4().hex}") as opened:
        yield opened


@pytest.fixture
def admin(server: EmbeddedServer, shared_database: str) -> Iterator[Connection]:
    """The superuser, in autocommit."""
    url = server.admin_url(shared_database)
    with psycopg.connect(url, autocommit=True, application_name="test") as connection:
        yield connection


@pytest.fixture
def own_store(database_url: str) -> Iterator[EventStore]:
    """A store over a database of the test's own."""
    with open_store(database_url) as opened:
        yield opened


@pytest.fixture
def own_admin(admin_url: str) -> Iterator[Connection]:
    with psycopg.connect(admin_url, autocommit=True, application_name="test") as connection:
        yield connection
