"""One database with many rows of two tenants in every table, for all tests of a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from eventstore.embedded import EmbeddedServer
from eventstore.queries import named
from tests.conftest import copy_database

_FILLING: Final = named(Path(__file__).with_name("filling.sql").read_text(encoding="utf-8"))
ROWS: Final = 12_000
"""In each of the large tables, of the tenant that asks; the other one has a third."""


@pytest.fixture(scope="module")
def filled(server: EmbeddedServer, template_database: str) -> Iterator[str]:
    """The name of the database."""
    name = "test_questions"
    copy_database(server, template_database, name)
    with psycopg.connect(
        server.admin_url(name), autocommit=True, cursor_factory=psycopg.ClientCursor
    ) as conn:
        conn.execute(_FILLING["begin"])
        for tenant, rows in (("default", ROWS), ("other", ROWS // 3)):
            for context in list(_FILLING)[1:]:
                conn.execute(_FILLING[context], {"tenant": tenant, "n": rows})
        conn.execute("VACUUM (ANALYZE)")
    yield name
    with psycopg.connect(server.admin_url(), autocommit=True) as conn:
        conn.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))
