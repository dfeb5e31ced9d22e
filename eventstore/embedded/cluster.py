"""A cluster on disk: where it is, how it is made, and how its programs are run."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

from eventstore.embedded import binaries
from eventstore.embedded.account import Account, account_for, open_to, place_for
from eventstore.errors import ConfigurationError, StoreUnavailable

__all__ = ["SOCKET", "Cluster"]

SOCKET: Final = ".s.PGSQL.5432"
SOCKET_PATH_BYTES: Final = 100
"""Longest path of a Unix socket that every platform accepts."""

_CONFIGURATION: Final = {
    "listen_addresses": "",  # Unix socket only
    "unix_socket_permissions": "0777",  # its directory decides who gets in
    "max_connections": "200",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",  # a week of days, each overwritten by its next
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
}


class Cluster:
    """The cluster that belongs to a home. Its methods change it; whoever calls holds the lock."""

    def __init__(self, home: Path) -> None:
        self.home = home

    @property
    def data(self) -> Path:
        """The data directory: in the home, or where the server's account can reach it."""
        return place_for(self.home) / "data"

    @property
    def log(self) -> Path:
        """The directory of the server's log."""
        return self.data / "log"

    @property
    def mark(self) -> str:
        """The cluster's name in arguments and titles of its processes, made from its path."""
        return f"eventstore-{sha256(os.fsencode(self.data)).hexdigest()[:12]}"

    @property
    def socket_directory(self) -> Path:
        """The data directory, which is closed to others, or a short stand-in.

        That is needed when the path is too long for a socket, or has a comma, which to libpq
        separates two hosts. It is a fixed name under /tmp, because every process must find the
        same one, whatever its TMPDIR or login session.
        """
        data = self.data
        if len(os.fsencode(data / SOCKET)) <= SOCKET_PATH_BYTES and "," not in str(data):
            return data
        return Path("/tmp") / f"{self.mark}-{self.account.uid}"

    @cached_property
    def account(self) -> Account:
        """Who the server runs as."""
        return account_for(self.data)

    def program(self, name: str) -> Path:
        """The path of a PostgreSQL program."""
        return binaries.directory(self.account) / name

    def check(self) -> None:
        """Raises ConfigurationError when what is in the data directory's place is no cluster."""
        if not self.data.exists():
            return
        mark = self.data / "PG_VERSION"
        found = mark.read_text().strip() if mark.exists() else None
        if found != binaries.MAJOR:
            what = f"of PostgreSQL {found}" if found else "no PostgreSQL data directory"
            raise ConfigurationError(
                "EVENTSTORE_HOME",
                f"{self.data} is {what}, this package runs {binaries.MAJOR}; move it away, "
                "or set EVENTSTORE_HOME to another directory",
            )

    def initialise(self) -> None:
        """Makes the cluster beside its place and renames it, so that a half-made one never counts.

        Sorting is bytewise and case follows Unicode, on every machine alike.
        """
        settings = [f"--set={name}={value}" for name, value in _CONFIGURATION.items()]
        self._make(
            "initdb", "--username=postgres", "--auth=trust",
            "--encoding=UTF8", "--locale=C", "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8", "--data-checksums", "--no-instructions", *settings,
        )  # fmt: skip

    def copy(self, source: str, slot: str) -> None:
        """Makes a standby of a running server, in the same way."""
        self._make(
            "pg_basebackup", f"--dbname={source}", "--write-recovery-conf", "--checkpoint=fast",
            "--create-slot", f"--slot={slot}",
        )  # fmt: skip
        self.remove_locks()  # of the running server's socket, which was copied too

    def _make(self, program: str, *arguments: str) -> None:
        place = self.data.parent
        open_to(place, self.account)
        for remains in place.glob("data.new-*"):
            shutil.rmtree(remains, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix="data.new-", dir=place))
        self.account.own(made)
        done, said = self.run(program, "--pgdata", str(made), *arguments)
        if not done:
            shutil.rmtree(made, ignore_errors=True)
            raise StoreUnavailable(f"{program} could not make a cluster in {self.data}: {said}")
        made.rename(self.data)
        _flush(place)

    def launch(self, seconds: float) -> tuple[bool, str]:
        """Starts the postmaster and waits until it answers: (it does, what went wrong)."""
        sockets = self.socket_directory
        if sockets != self.data:
            self._make_stand_in(sockets)
        report = self.data / "start.log"
        report.unlink(missing_ok=True)
        quoted = str(sockets).replace('"', '""')
        options = ["-p", "5432", "-k", f'"{quoted}"', "-c", f"cluster_name={self.mark}"]
        done, said = self.run(
            "pg_ctl", "start", "--wait", "--timeout", str(max(1, int(seconds))),
            "--log", "data/start.log", "--options", shlex.join(options),
        )  # fmt: skip
        return done, said if done else self._last_complaint(report) or said

    def halt(self, seconds: float) -> tuple[bool, str]:
        """Stops the postmaster; open transactions are rolled back: (it did, what went wrong)."""
        return self.run(
            "pg_ctl", "stop", "--mode", "fast", "--wait", "--timeout", str(int(seconds))
        )

    def remove_locks(self) -> None:
        """Removes the lock files of a postmaster that is known to be dead."""
        for path in (self.data / "postmaster.pid", self.socket_directory / f"{SOCKET}.lock"):
            path.unlink(missing_ok=True)

    def run(self, program: str, *arguments: str) -> tuple[bool, str]:
        """Runs one program as the server's account: (succeeded, what it said last).

        Its output goes to a file, for a pipe would stay open as long as the server. It gets a
        session of its own, out of reach of the terminal's Ctrl-C. It learns the data directory
        from its environment, because pg_ctl puts arguments into a shell command unquoted.
        """
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        with tempfile.TemporaryFile() as output:
            ended = subprocess.run(
                [self.program(program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=clean | {"LC_ALL": "C", "PGDATA": str(self.data)},
                cwd=self.data.parent,
                start_new_session=True,
                check=False,
                **self.account.credentials(),
            )
            output.seek(0)
            lines = output.read().decode(errors="replace").strip().splitlines()
        return ended.returncode == 0, lines[-1] if lines else f"exit code {ended.returncode}"

    def _make_stand_in(self, sockets: Path) -> None:
        sockets.mkdir(mode=0o700, exist_ok=True)
        if sockets.lstat().st_uid == os.geteuid():
            self.account.own(sockets)
        if sockets.is_symlink() or sockets.lstat().st_uid != self.account.uid:
            raise ConfigurationError(
                "EVENTSTORE_HOME",
                f"{self.home} can't hold a socket, and {sockets} belongs to somebody else; "
                "choose a shorter path without commas",
            )

    def _last_complaint(self, report: Path) -> str:
        """The last fatal line of what the server wrote before or after it opened its log."""
        newest = max(self.log.glob("*.log"), key=lambda path: path.stat().st_mtime, default=report)
        for path in (report, newest):
            lines = path.read_text(errors="replace").splitlines() if path.exists() else []
            fatal = [line for line in lines if "FATAL:" in line or "PANIC:" in line]
            if fatal:
                return fatal[-1].partition(":  ")[2]
        return ""


def _flush(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
