"""Which files of the paths that were named are read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from eventstore.errors import NotFound
from eventstore.ingest.reader import BrokenFile, Reader

__all__ = ["Files", "find_files", "shown"]


@dataclass(frozen=True, slots=True)
class Files:
    """Which files are to be read, and how many were passed over, by the end of their name."""

    paths: list[Path]
    skipped: Counter[str]


def find_files(paths: Iterable[Path], reader: Reader) -> Files:
    """The files themselves, and in directories, at any depth, those that the format reads.

    In order of name, a directory's own files before those of the directories in it; no file
    twice. Raises NotFound for what is not there, and BrokenFile for a
    directory that can't be listed.
    """
    found: dict[Path, None] = {}
    skipped: Counter[str] = Counter()
    for path in paths:
        if not path.is_dir():
            if not path.exists():
                raise NotFound("file or directory", shown(path))
            found[path] = None
            continue
        for folder, folders, names in os.walk(path, onerror=_unlisted):
            folders.sort()
            for name in sorted(names):
                file = Path(folder, name)
                # A pipe or a socket would never end, a link may lead nowhere.
                if reader.reads(name) and file.is_file():
                    found[file] = None
                else:
                    skipped["".join(file.suffixes[-2:]) or name] += 1
    return Files(list(found), skipped)


def _unlisted(error: OSError) -> None:
    raise BrokenFile(f"can't be listed: {error.strerror}", path=str(error.filename)) from error


def shown(path: Path) -> str:
    """A path in words that can be printed and stored, whatever bytes it is made of."""
    return os.fsencode(path).decode(errors="backslashreplace")
