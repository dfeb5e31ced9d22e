"""A server of the benchmark's own, with every durability setting on, gone at the end."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from eventstore.connection.queries import load
from eventstore.connection.server import make_database
from eventstore.embedded import EmbeddedServer

__all__ = ["SQL", "Database", "Sandbox", "sandbox"]

SQL = load("benchmarks.sql", "floor.sql")


@dataclass(frozen=True, slots=True)
class Database:
    """A new store, with the bare table beside it: as the application and as the superuser."""

    url: str
    admin_url: str


class Sandbox:
    """The running server; every workload takes a database of its own from it."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.server = server
        self._numbers = itertools.count(1)

    def database(self) -> Database:
        """A database with the newest schema and no event."""
        name = f"bench_{next(self._numbers)}"
        make_database(self.server, name)
        made = Database(self.server.url(name), self.server.admin_url(name))
        with psycopg.connect(made.admin_url, autocommit=True) as connection:
            connection.execute(SQL["bare_table"])
        return made

    def plain_database(self) -> str:
        """The superuser's address of a database that knows nothing of the store."""
        return self._made(f"plain_{next(self._numbers)}", "template0")

    def copy(self, admin_url: str) -> str:
        """The superuser's address of a copy of a database to which nobody is connected."""
        template = str(conninfo_to_dict(admin_url)["dbname"])
        return self._made(f"copy_{next(self._numbers)}", template)

    def admit(self, connections: int) -> None:
        """Restarts the server, so that so many may be connected."""
        statement = sql.SQL(SQL["admit"]).format(connections=sql.Literal(connections))
        with psycopg.connect(self.server.admin_url(), autocommit=True) as connection:
            connection.execute(statement)
        self.server.stop()
        self.server.ensure_running()

    def settle(self, admin_urls: Iterable[str]) -> None:
        """Does now in these databases what autovacuum does a minute later."""
        for admin_url in admin_urls:
            with psycopg.connect(admin_url, autocommit=True) as connection:
                connection.execute(SQL["vacuum"])

    def _made(self, name: str, template: str) -> str:
        statement = sql.SQL(SQL["make_database"]).format(
            name=sql.Identifier(name), template=sql.Identifier(template)
        )
        with psycopg.connect(self.server.admin_url(), autocommit=True) as connection:
            connection.execute(statement)
        return self.server.admin_url(name)

    def settings(self) -> tuple[str, ...]:
        """Server version, fsync, synchronous_commit, full_page_writes, shared_buffers, sync method.

        Raises RuntimeError when the server would promise more than it keeps.
        """
        with psycopg.connect(self.server.admin_url(), autocommit=True) as connection:
            found = connection.execute(SQL["settings"]).fetchone()
        assert found is not None, "a SELECT without FROM gives a row"
        if found[1:4] != ("on", "on", "on"):
            raise RuntimeError(f"fsync, synchronous_commit, full_page_writes are {found[1:4]}")
        return tuple(found)


@contextmanager
def sandbox() -> Iterator[Sandbox]:
    """Starts the server in a temporary home, and removes both at the end."""
    home = Path(tempfile.mkdtemp(prefix="es-bench-"))
    server = EmbeddedServer(home)
    try:
        server.ensure_running()
        yield Sandbox(server)
    finally:
        server.stop()
        shutil.rmtree(home)
