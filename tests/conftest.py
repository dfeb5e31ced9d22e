"""A real PostgreSQL for every test: one server a worker, one database a test."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from hypothesis import settings
from psycopg.sql import SQL, Identifier

from eventstore.connection import server as servers
from eventstore.embedded import EmbeddedServer
from tests.integration.log.long_log import DATABASE, EVENTS, LongLog, appended

# How long an example takes says more of the machine than of what it tests.
settings.register_profile("store", deadline=None)
settings.load_profile("store")

_numbers = itertools.count()
_DISK = Path("/tmp")
_MEMORY = Path("/dev/shm")
_ROOM = 3 * 2**30
"""What the server of one worker may need in memory: its log of 1 GB, and some databases."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell's background job ignores Ctrl-C, and so would the programs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see neither the developer's servers nor their embedded store."""
    for name in os.environ:
        if name.startswith(("EVENTSTORE_", "DATABASE_", "PG")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LongLog]:
    """A log that was appended to in every way at once, in trouble; its server is stopped."""
    with running_server() as server:
        servers.make_database(server, DATABASE)
        yield appended(server, tmp_path_factory.mktemp("notes"))


@pytest.fixture(scope="session")
def first_home(request: pytest.FixtureRequest) -> Path | None:
    """What the homes of servers are copies of, where tests are to begin with a long log."""
    if not EVENTS:
        return None
    long_log: LongLog = request.getfixturevalue("long_log")
    return long_log.home


@pytest.fixture(scope="session")
def server(first_home: Path | None) -> Iterator[EmbeddedServer]:
    """A running server for this worker. It doesn't flush; what kills needs `durable_server`.

    Its files lie in memory where there is room: a database of a thousand files is then copied in a
    tenth of the time, and nearly every test has one.
    """
    remove_leftovers()
    in_memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM
    with running_server(
        _MEMORY if in_memory and first_home is None else _DISK, first_home
    ) as running:
        with psycopg.connect(running.admin_url(), autocommit=True) as connection:
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                connection.execute(SQL("ALTER SYSTEM SET {} = off").format(Identifier(setting)))
            connection.execute("SELECT pg_reload_conf()")
        yield running


@pytest.fixture
def durable_server() -> Iterator[EmbeddedServer]:
    """A server of the test's own, with every durability setting on, to be killed and restarted."""
    with running_server() as running:
        yield running


@pytest.fixture
def durable_log(first_home: Path | None) -> Iterator[EmbeddedServer]:
    """Such a server whose database `store` has a log: an empty one, unless PROOF_EVENTS is set."""
    with running_server(like=first_home) as running:
        if first_home is None:
            servers.make_database(running, DATABASE)
        yield running


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty directory for a server, with a path short enough for sockets."""
    path = new_home()
    yield path
    EmbeddedServer(path).stop()
    shutil.rmtree(path)


def new_home(place: Path = _DISK) -> Path:
    """A new directory that names the process which will remove it."""
    return Path(tempfile.mkdtemp(prefix=f"es-{os.getpid()}-", dir=place))


def remove_leftovers() -> None:
    """Ends the servers of test runs that were killed before they could do it."""
    for left in (*_DISK.glob("es-*-*"), *_MEMORY.glob("es-*-*")):
        owner = left.name.split("-")[1]
        if not owner.isdigit() or psutil.pid_exists(int(owner)):
            continue
        with suppress(FileNotFoundError):  # another worker is at it
            if left.stat().st_uid == os.geteuid():
                EmbeddedServer(left).stop()
                shutil.rmtree(left, ignore_errors=True)


@contextmanager
def running_server(place: Path = _DISK, like: Path | None = None) -> Iterator[EmbeddedServer]:
    """A new server in a directory of its own, gone at the end; or a copy of a stopped one."""
    home = new_home(place)
    if like is not None:
        subprocess.run(["cp", "--archive", f"{like}/.", home], check=True)
    server = EmbeddedServer(home)
    try:
        server.ensure_running()
        yield server
    finally:
        server.stop()
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def template_database(server: EmbeddedServer, first_home: Path | None) -> str:
    """The name of a database with the newest schema and no event, or with a long log."""
    if first_home is not None:
        return DATABASE
    servers.make_database(server, "template_store")
    return "template_store"


@pytest.fixture
def make_database(server: EmbeddedServer, template_database: str) -> Iterator[Callable[[], str]]:
    """Makes databases with the newest schema and returns their names; they go with the test."""
    made: list[str] = []

    def make() -> str:
        made.append(f"test_{next(_numbers)}")
        copy_database(server, template_database, made[-1])
        return made[-1]

    yield make
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        for name in made:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


@pytest.fixture
def database(make_database: Callable[[], str]) -> str:
    """The name of the test's own database, with the newest schema."""
    return make_database()


@pytest.fixture
def database_url(server: EmbeddedServer, database: str) -> str:
    """The test's own database as the application's login reaches it."""
    return server.url(database)


@pytest.fixture
def admin_url(server: EmbeddedServer, database: str) -> str:
    """The test's own database as the superuser reaches it."""
    return server.admin_url(database)


@pytest.fixture
def empty_database(server: EmbeddedServer, template_database: str) -> Iterator[str]:
    """The name of a database without anything, not even bootstrapped; the logins are there."""
    del template_database  # making it has made the logins
    name = f"empty_{next(_numbers)}"
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {} TEMPLATE template0").format(Identifier(name)))
        yield name
        connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def copy_database(server: EmbeddedServer, template: str, name: str) -> None:
    """A copy of a database to which nobody is connected, with the one right that isn't copied."""
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        connection.execute(
            # A third of the time, on a server that doesn't flush.
            SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                Identifier(name), Identifier(template)
            )
        )
        connection.execute(
            SQL("GRANT CREATE ON DATABASE {} TO eventstore_owner").format(Identifier(name))
        )
