"""Files that are made: written where they differ, removed when they are made no longer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from eventstore.errors import ConfigurationError

__all__ = ["Differences", "differences", "write"]

_HEAD: Final = 500
"""Characters at the beginning of a file within which its mark stands."""


@dataclass(frozen=True, slots=True)
class Differences:
    """How the files in a folder differ from what is to be there; paths within it, in order."""

    missing: list[str]
    changed: list[str]
    stale: list[str]
    """Files with the mark that are made no longer."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.changed or self.stale)


def differences(folder: Path, files: Mapping[str, str], mark: str) -> Differences:
    """Compares; a file in the folder that has no `mark` and is not to be there is somebody else's.

    Raises ConfigurationError when something can't be read.
    """
    missing, changed = [], []
    for name, content in sorted(files.items()):
        found = _read(folder / name)
        if found is None:
            missing.append(name)
        elif found != content:
            changed.append(name)
    stale = [
        name
        for path in sorted(folder.rglob("*"))
        if path.suffix in (".md", ".json")
        if (name := path.relative_to(folder).as_posix()) not in files
        if mark in (_read(path) or "")[:_HEAD]
    ]
    return Differences(missing, changed, stale)


def write(folder: Path, files: Mapping[str, str], mark: str) -> Differences:
    """Makes the folder as it is to be; returns how it differed. Raises ConfigurationError."""
    found = differences(folder, files, mark)
    try:
        for name in (*found.missing, *found.changed):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[name], encoding="utf-8", newline="\n")
        for name in found.stale:
            (folder / name).unlink()
    except OSError as error:
        raise ConfigurationError("--out", f"{error.filename}: {error.strerror}") from error
    return found


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("--out", f"{path} can't be read: {error}") from error
