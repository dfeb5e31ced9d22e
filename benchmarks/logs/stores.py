"""Which stores there are, where each runs, and how its process is started."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Final

import psycopg
from psycopg import sql

from benchmarks.logs.child import Child
from benchmarks.logs.environment import Environment
from benchmarks.sandbox import Sandbox
from eventstore.connection.queries import load

__all__ = ["OURS", "OURS_TYPED", "STORES", "Store", "Stored", "made"]

_SQL: Final = load("benchmarks.sql", "logs.sql")
_ROOT: Final = Path(__file__).parents[2]
_PATIENCE: Final = 20.0
"""Seconds that a server may take to answer."""


@dataclass(frozen=True, slots=True)
class Store:
    """One store: its name here, its package, its module, and the table that it writes to."""

    name: str
    package: str
    adapter: str
    table: tuple[str, ...] = ()
    """Empty for one that is not on PostgreSQL."""

    @property
    def on_postgresql(self) -> bool:
        """Whether it is on the same server as ours."""
        return bool(self.table)

    @property
    def gives_objects(self) -> bool:
        """Whether a read in Python gives objects that are made for the purpose, not rows."""
        return self.name.startswith(("eventsourc", "logicblocks"))

    def label(self, environment: Environment) -> str:
        """Name and version."""
        return f"{self.name} {environment.versions.get(self.package, '')}".rstrip()


OURS: Final = Store("ours", "", "with_ours", ("eventstore", "events"))
OURS_TYPED: Final = Store("ours, typed", "", "with_ours_typed", ("eventstore", "events"))
STORES: Final = (
    Store("message-db", "@eventide/message-db", "with_message_db", ("message_store", "messages")),
    Store("eventsourcing", "eventsourcing", "with_eventsourcing", ("bench_events",)),
    Store(
        "eventsourcing, functions",
        "eventsourcing",
        "with_eventsourcing_functions",
        ("bench_events",),
    ),
    Store("eventsource-py", "eventsource-py", "with_eventsource", ("events",)),
    Store("logicblocks", "logicblocks-event-store", "with_logicblocks", ("events",)),
    Store("emmett", "@event-driven-io/emmett-postgresql", "with_emmett", ("emt_messages",)),
    Store("UmaDB", "umadb", "with_umadb"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A store with a database of its own, empty at first."""

    store: Store
    url: str
    admin_url: str
    environment: Environment

    @property
    def label(self) -> str:
        """Name and version."""
        return self.store.label(self.environment)

    @contextmanager
    def children(self, number: int) -> Iterator[list[Child]]:
        """So many processes that have it open."""
        command, variables = self._command()
        told = {"message_db": str(self.environment.modules / "@eventide/message-db/database")}
        with ExitStack() as stack:
            yield [
                stack.enter_context(each)
                for each in [Child(command, variables, told) for _ in range(number)]
            ]

    def commit_late(self) -> None:
        """From now on its commits take a time that varies, if it is on PostgreSQL."""
        if not self.store.on_postgresql:
            return
        statement = sql.SQL(_SQL["late_commits"]).format(table=sql.Identifier(*self.store.table))
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(statement)

    def _command(self) -> tuple[Sequence[str], dict[str, str]]:
        variables = {**os.environ, "PYTHONPATH": str(_ROOT)}
        if self.store.adapter == "with_emmett":
            script = str(Path(__file__).with_name("with_emmett.mjs"))
            return ["node", script, self.url], variables | {
                "EMMETT_HOME": str(self.environment.home)
            }
        python = (
            sys.executable if self.store in (OURS, OURS_TYPED) else str(self.environment.python)
        )
        return [
            python, "-m", "benchmarks.logs.driver", self.store.adapter, self.url
        ], variables  # fmt: skip


@contextmanager
def made(store: Store, sandbox: Sandbox, environment: Environment) -> Iterator[Stored]:
    """A store with its tables, on the sandbox's server or on its own."""
    with ExitStack() as stack:
        if store in (OURS, OURS_TYPED):
            database = sandbox.database()
            stored = Stored(store, database.url, database.admin_url, environment)
        elif store.on_postgresql:
            url = sandbox.plain_database()
            stored = Stored(store, url, url, environment)
        else:
            url = stack.enter_context(_umadb(environment))
            stored = Stored(store, url, url, environment)
        with stored.children(1) as (child,):
            child.ask("begin")
        yield stored


@contextmanager
def _umadb(environment: Environment) -> Iterator[str]:
    """The server of UmaDB, on the same disk, as it comes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="es-bench-") as home:
        process = subprocess.Popen(
            [
                environment.python.with_name("umadb"),
                *("--listen", f"127.0.0.1:{port}", "--db-path", f"{home}/uma.db"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None or monotonic() > deadline:
                raise RuntimeError("the server of UmaDB did not start") from None
            sleep(0.05)
        else:
            return
