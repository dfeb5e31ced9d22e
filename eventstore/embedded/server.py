"""The embedded server as the rest of the code sees it: make it run, stop it, where is it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from filelock import FileLock, Timeout
from psycopg.pq import PGconn, Ping

from eventstore.embedded.cluster import SOCKET, Cluster
from eventstore.errors import ConfigurationError, StoreUnavailable

__all__ = ["APPLICATION_LOGIN", "EmbeddedServer", "ServerStatus"]

APPLICATION_LOGIN: Final = "eventstore"
"""The login that stores use; `postgres` is the superuser and only bootstraps."""
PATIENCE: Final = 60.0
"""Seconds for a start, crash recovery included, or a stop."""
PAUSE: Final = 0.05
"""Seconds between two looks at a server that starts or stops."""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """How the embedded server is; `state` is running, starting, stopped or absent."""

    state: str
    pid: int | None
    home: Path
    data: Path
    log: Path
    socket: Path
    os_user: str


class EmbeddedServer:
    """The server whose cluster belongs to `home`; making this object starts nothing."""

    def __init__(self, home: Path) -> None:
        self.home = home.expanduser().absolute()
        self._cluster = Cluster(self.home)

    def ensure_running(self) -> None:
        """Returns when the server accepts connections; starts it, or heals it, if need be.

        Any number of processes may call this at once: one of them works, the others wait. Raises
        ConfigurationError when the directory can't be used, StoreUnavailable when the server
        can't be started; both say what to do.
        """
        if self._ping() == Ping.OK:
            return
        with self.locked():
            self._cluster.check()
            if not self._cluster.data.exists():
                self._cluster.initialise()
            self._start()

    def copy(self, source: str, *, slot: str) -> None:
        """Makes the cluster a standby of the server at `source`, a superuser's address.

        `slot` is the replication slot that is made there for it. Raises StoreUnavailable.
        """
        with self.locked():
            if not self._cluster.data.exists():
                self._cluster.copy(source, slot)

    def stop(self) -> bool:
        """Stops the server; open transactions are rolled back. False when none was running."""
        from eventstore.embedded import postmaster

        if not self.home.exists():
            return False
        with self.locked():
            if postmaster.find(self._cluster.data, self._cluster.mark) is None:
                return False
            done, said = self._cluster.halt(PATIENCE)
            if not done:
                raise StoreUnavailable(f"PostgreSQL did not stop: {said}; see {self._cluster.log}")
            return True

    def status(self) -> ServerStatus:
        """How the server is now; starts and changes nothing."""
        from eventstore.embedded import postmaster

        cluster = self._cluster
        answer = self._ping()
        process = postmaster.find(cluster.data, cluster.mark)
        if answer == Ping.OK:
            state = "running"
        elif process is not None:
            state = "starting"
        else:
            state = "stopped" if cluster.data.exists() else "absent"
        return ServerStatus(
            state=state,
            pid=process.pid if process is not None else None,
            home=self.home,
            data=cluster.data,
            log=cluster.log,
            socket=cluster.socket_directory / SOCKET,
            os_user=cluster.account.name,
        )

    def url(self, database: str = "eventstore", user: str = APPLICATION_LOGIN) -> str:
        """The address of a database for a login; it doesn't say that either exists."""
        host = quote(str(self._cluster.socket_directory), safe="/")
        return f"postgresql://{user}@/{quote(database, safe='')}?host={host}&port=5432"

    def admin_url(self, database: str = "postgres") -> str:
        """The address of a database for the superuser."""
        return self.url(database, user="postgres")

    def binary(self, name: str) -> Path:
        """The path of a PostgreSQL program, such as psql or pg_dump."""
        return self._cluster.program(name)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the home against every other process that starts, stops or sets up the server."""
        lock = self.home / "server.lock"
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(lock, timeout=2 * PATIENCE):
                yield
        except Timeout as error:
            raise StoreUnavailable(
                f"another process has held {lock} for {2 * PATIENCE:.0f} s"
            ) from error
        except (FileExistsError, NotADirectoryError, PermissionError) as error:
            raise ConfigurationError(
                "EVENTSTORE_HOME", f"{error.filename or self.home} can't be used: {error.strerror}"
            ) from error

    def _ping(self) -> Ping:
        address = f"{self.admin_url()}&connect_timeout=5"
        return Ping(PGconn.ping(address.encode()))

    def _start(self) -> None:
        from eventstore.embedded import postmaster

        cluster = self._cluster
        deadline = time.monotonic() + PATIENCE
        while (answer := self._ping()) != Ping.OK:
            if time.monotonic() > deadline:
                raise StoreUnavailable(
                    f"PostgreSQL in {cluster.data} is not ready after {PATIENCE:.0f} s; it may "
                    f"still recover: try again, and see {cluster.log}"
                )
            if answer == Ping.REJECT:  # starting, recovering or stopping
                time.sleep(PAUSE)
            elif postmaster.find(cluster.data, cluster.mark) is None:
                orphaned = postmaster.end_orphans(cluster.mark)
                if not orphaned and postmaster.pid_is_taken(cluster.data):
                    # PostgreSQL refuses to start while any process has the dead one's number, be
                    # it another program after a reboot, or a zombie that nobody reaps.
                    cluster.remove_locks()
                done, said = cluster.launch(deadline - time.monotonic())
                if not (done or orphaned or postmaster.find(cluster.data, cluster.mark)):
                    raise StoreUnavailable(f"PostgreSQL did not start: {said}; see {cluster.log}")
            elif "ready" in postmaster.pid_file(cluster.data)[7:]:
                # It runs, but somebody removed its socket, so nobody can ever reach it.
                cluster.halt(PATIENCE)
            else:
                time.sleep(PAUSE)
