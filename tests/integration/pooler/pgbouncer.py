"""PgBouncer in transaction mode before the server of a test, with few server sessions for all."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import PGconn, Ping

from eventstore.embedded import APPLICATION_LOGIN, EmbeddedServer
from eventstore.embedded.account import account_for
from tests.integration.log.waiting import until

_PLACES = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin"


class PgBouncer:
    """One pooler, whose socket is in `directory`; `url` leads through it, `console` into it."""

    def __init__(self, program: str, server: EmbeddedServer, directory: Path) -> None:
        self._program, self._server, self.directory = program, server, directory
        self._account = account_for(server.status().data)
        self._process: subprocess.Popen[bytes] | None = None

    def configure(
        self, logins: Iterable[str], behind: Path | None = None, **settings: object
    ) -> None:
        """Writes the configuration; `behind` is where the server's socket is, if not its own."""
        users = self.directory / "users.txt"
        users.write_text("".join(f'"{login}" ""\n' for login in logins))
        lines = {
            "listen_addr": "",
            "listen_port": 5432,
            "unix_socket_dir": self.directory,
            "auth_type": "trust",
            "auth_file": users,
            "admin_users": "postgres",
            "pool_mode": "transaction",
            "default_pool_size": 3,
            "max_client_conn": 200,
            "server_login_retry": 0.1,
            "logfile": self.directory / "pgbouncer.log",
            **settings,
        }
        host = behind or conninfo_to_dict(self._server.url())["host"]
        (self.directory / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={host} port=5432\n[pgbouncer]\n"
            + "".join(f"{name} = {value}\n" for name, value in lines.items())
        )

    def start(self) -> None:
        """Starts it and waits until it answers."""
        self._account.own(self.directory)
        self._process = subprocess.Popen(
            [self._program, "-q", str(self.directory / "pgbouncer.ini")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            **self._account.credentials(),
        )
        until(lambda: PGconn.ping(self.url("pgbouncer", "postgres").encode()) == Ping.OK)

    def kill(self) -> None:
        """Ends it at once, and with it every connection through it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def url(self, database: str, user: str = APPLICATION_LOGIN) -> str:
        """The address of a database through the pooler."""
        return make_conninfo(self._server.url(database, user=user), host=str(self.directory))

    def console(self, command: str) -> list[dict[str, object]]:
        """What its console answers to a command such as SHOW SERVERS."""
        with psycopg.connect(
            self.url("pgbouncer", "postgres"),
            autocommit=True,
            cursor_factory=psycopg.ClientCursor,
            row_factory=psycopg.rows.dict_row,
        ) as console:
            cursor = console.execute(command)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def pgbouncer(
    server: EmbeddedServer, *, behind: Path | None = None, **settings: object
) -> Iterator[PgBouncer]:
    """A pooler before the server until the block ends; skips the test where there is none."""
    program = shutil.which("pgbouncer", path=_PLACES)
    if program is None:
        pytest.skip("no pgbouncer on this machine (Debian: apt-get install pgbouncer)")
    directory = Path(tempfile.mkdtemp(prefix="es-", dir="/tmp"))
    pooler = PgBouncer(program, server, directory)
    try:
        pooler.configure([APPLICATION_LOGIN, "postgres"], behind, **settings)
        directory.chmod(0o755)
        pooler.start()
        yield pooler
    finally:
        pooler.kill()
        shutil.rmtree(directory)
