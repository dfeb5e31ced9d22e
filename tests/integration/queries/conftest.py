"""A database with rows of two tenants in every table, for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from eventstore.connection.queries import named
from eventstore.embedded import EmbeddedServer
from tests.conftest import copy_database

_FILLING: Final = named(Path(__file__).with_name("filling.sql").read_text(encoding="utf-8"))
ROWS: Final = 12_000
"""In each of the large tables, of the tenant that asks; the other one has a third."""
FEW: Final = 600
"""As many, where all rows are looked at."""


@pytest.fixture(scope="module")
def filled(server: EmbeddedServer, template_database: str) -> Iterator[str]:
    """The name of a database with large tables."""
    with filled_database(server, template_database, ROWS) as name:
        yield name


@pytest.fixture(scope="module")
def sparse(server: EmbeddedServer, template_database: str) -> Iterator[str]:
    """The name of a database with small tables."""
    with filled_database(server, template_database, FEW) as name:
        yield name


@contextmanager
def filled_database(server: EmbeddedServer, template: str, rows: int) -> Iterator[str]:
    """A database with so many rows in each of the large tables, and its name."""
    name = f"questions_{rows}"
    copy_database(server, template, name)
    with psycopg.connect(
        server.admin_url(name), autocommit=True, cursor_factory=psycopg.ClientCursor
    ) as conn:
        conn.execute(_FILLING["begin"])
        for tenant, share in (("default", 1), ("other", 3)):
            for context in list(_FILLING)[1:]:
                conn.execute(_FILLING[context], {"tenant": tenant, "n": rows // share})
        conn.execute("VACUUM (ANALYZE)")
    yield name
    with psycopg.connect(server.admin_url(), autocommit=True) as conn:
        conn.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
