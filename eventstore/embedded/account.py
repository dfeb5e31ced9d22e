"""The operating-system account that the embedded server runs under.

PostgreSQL refuses to run as root. An ordinary user runs it as themselves. Root runs it as a system
account without rights, and only then do paths matter that this account can't reach, such as
/root: a cluster is then kept under /var/lib/eventstore. No permission of a directory above the
home is ever widened.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, TypedDict

__all__ = ["STATE", "Account", "account_for", "open_to", "passable", "place_for"]

STATE: Final = Path("/var/lib/eventstore")
"""Where root keeps what the server's account could not reach elsewhere."""
NAME: Final = "eventstore"
"""The system account that root makes for the server, once."""


class Credentials(TypedDict, total=False):
    """Arguments of subprocess that make a child run as an account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """Who the server runs as; `is_ours` when that is the user of this process."""

    name: str
    uid: int
    gid: int
    is_ours: bool

    def credentials(self) -> Credentials:
        """What subprocess needs to run a program as this account."""
        if self.is_ours:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Gives one file or directory to this account."""
        if not self.is_ours:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def account_for(data: Path) -> Account:
    """The account for the cluster in `data`.

    For root it is the owner of a cluster that is there, else the system account `eventstore`, made
    when missing, or `nobody` where none can be made.
    """
    if os.geteuid() != 0:
        entry = pwd.getpwuid(os.geteuid())
    elif data.exists():
        entry = pwd.getpwuid(data.stat().st_uid)
    else:
        entry = _system_account()
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_uid == os.geteuid())


def place_for(home: Path) -> Path:
    """The directory for the cluster of `home`: the home, or for root perhaps one under /var/lib.

    Where a cluster is already stays its place, should permissions change later.
    """
    if os.geteuid() != 0 or (home / "data").exists():
        return home
    elsewhere = STATE / sha256(os.fsencode(home)).hexdigest()[:12]
    return elsewhere if elsewhere.exists() or not passable(home.parents) else home


def open_to(directory: Path, account: Account) -> None:
    """Makes a directory that this account, and of all others nobody, may pass through."""
    if directory.is_relative_to(STATE):
        STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not account.is_ours and not passable([directory]):
        os.chown(directory, -1, account.gid)
        directory.chmod(stat.S_IMODE(directory.stat().st_mode) | stat.S_IXGRP)


def passable(directories: Iterable[Path]) -> bool:
    """Whether everyone may pass through those of the directories that exist."""
    return all(d.stat().st_mode & stat.S_IXOTH for d in directories if d.exists())


def _system_account() -> pwd.struct_passwd:
    for attempt in (1, 2):
        try:
            return pwd.getpwnam(NAME)
        except KeyError:
            if attempt == 1 and shutil.which("useradd"):
                # Should another process do the same just now, the second look finds its account.
                command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir",
                           "/nonexistent", "--shell", "/usr/sbin/nologin", NAME]  # fmt: skip
                subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return pwd.getpwnam("nobody")
