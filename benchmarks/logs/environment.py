"""The other stores, from their registries, in an environment of their own.

It lies in the cache directory, named for what is in it, so that the next run finds it. Packages
have bounds; what runs there is what their registries give within them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

import orjson
import platformdirs

__all__ = ["Environment", "prepare"]

_PYTHON: Final = (
    "eventsourcing[postgres]>=9.5,<9.6",
    "eventsource-py[postgresql]>=0.8,<0.9",
    "sqlalchemy[asyncio]>=2,<2.2",
    "umadb>=0.7,<0.8",
    'logicblocks-event-store>=0.1.12a6,<0.2; python_version >= "3.13"',
)
_NODE: Final = (
    "@eventide/message-db@^1.3.1",
    "@event-driven-io/emmett@~0.42.0",
    "@event-driven-io/emmett-postgresql@~0.42.0",
)


@dataclass(frozen=True, slots=True)
class Environment:
    """Where the packages are, and which."""

    home: Path
    versions: dict[str, str] = field(default_factory=dict)
    """Of each distribution that is there."""
    missing: dict[str, str] = field(default_factory=dict)
    """Why one is not."""

    @property
    def python(self) -> Path:
        """The interpreter that has the Python packages."""
        return self.home / "venv" / "bin" / "python"

    @property
    def modules(self) -> Path:
        """The folder of the npm packages."""
        return self.home / "node_modules"


def prepare(python: str | None) -> Environment:
    """Installs what is not there yet; `python` is the interpreter for the Python packages.

    Raises RuntimeError when pip or npm fail; their last words are in it.
    """
    python = python or _newest_python()
    version = _output([python, "-c", "import sys; print(*sys.version_info[:2], sep='.')"])
    wanted = orjson.dumps([version, _PYTHON, _NODE])
    home = (
        Path(platformdirs.user_cache_dir("eventstore")) / "peers" / sha256(wanted).hexdigest()[:12]
    )
    made = Environment(home)
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "python-ready").exists():
        _output([python, "-m", "venv", "--clear", str(home / "venv")])
        _output([str(made.python), "-m", "pip", "install", "--quiet", *_PYTHON])
        (home / "python-ready").touch()
    listed = _output([str(made.python), "-m", "pip", "list", "--format", "json"])
    made.versions.update(
        (each["name"].replace(".", "-"), each["version"]) for each in orjson.loads(listed)
    )
    if "logicblocks-event-store" not in made.versions:
        made.missing["logicblocks-event-store"] = f"it needs Python 3.13, and this is {version}"
    _prepare_node(made)
    return made


def _prepare_node(made: Environment) -> None:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        for package in _NODE:
            made.missing[package.rpartition("@")[0]] = "node or npm is not installed"
        return
    if not (made.home / "node-ready").exists():
        _output([npm, "install", "--no-audit", "--no-fund", "--prefix", str(made.home), *_NODE])
        (made.home / "node-ready").touch()
    for package in _NODE:
        name = package.rpartition("@")[0]
        about = orjson.loads((made.modules / name / "package.json").read_bytes())
        made.versions[name] = about["version"]


def _newest_python() -> str:
    """An interpreter that all of them run on, if there is one; else this one."""
    for name in ("python3.14", "python3.13"):
        found = shutil.which(name)
        if (
            found
            and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0
        ):
            return found
    return sys.executable


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:4])} … failed: {done.stderr.strip()[-800:]}")
    return done.stdout.strip()
