"""A distribution's RECORD: the files that its installer put there, with hash and size of each.

It is a CSV file (path, hash, size), by the specification "Recording installed projects". RECORD
itself and compiled bytecode have no hash; any other file should have one.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

__all__ = ["ALGORITHMS", "Entry", "RecordFlaw", "parse_record"]

ALGORITHMS: Final = frozenset({"sha256", "sha384", "sha512"})
"""The hashes that prove a file; the specification refuses weaker ones."""

_NATIVE: Final = re.compile(r"\.(so(\.\d+)*|pyd|dylib|dll|exe)$", re.IGNORECASE)
_SIGNATURES: Final = frozenset({"RECORD", "RECORD.jws", "RECORD.p7s"})


class RecordFlaw(ValueError):
    """A RECORD that can't be read; says where."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a file, relative to the directory that the distribution is installed in."""

    path: str
    algorithm: str = ""
    """Such as sha256; empty when there is no hash."""
    digest: str = ""
    """In URL-safe base64 without padding."""
    size: int | None = None

    @property
    def proves(self) -> bool:
        """Whether the file's content can be checked against this line."""
        return self.algorithm in ALGORITHMS and bool(self.digest)

    @property
    def exempt(self) -> bool:
        """Whether it is right that the line has no hash: RECORD itself, or compiled bytecode."""
        path = PurePosixPath(self.path)
        if path.suffix in (".pyc", ".pyo"):
            return True
        return path.name in _SIGNATURES and path.parent.name.endswith(".dist-info")

    @property
    def native(self) -> bool:
        """Whether it is native code, by its name."""
        return _NATIVE.search(self.path) is not None

    @property
    def command(self) -> bool:
        """Whether it lies where commands lie: outside the packages, in bin or Scripts."""
        parts = PurePosixPath(self.path).parts
        return parts[:1] in (("..",), ("/",)) and parts[-2:-1] in (("bin",), ("Scripts",))

    @property
    def starter(self) -> bool:
        """Whether the interpreter reads it at every start: a .pth file beside the packages."""
        return self.path.endswith(".pth") and "/" not in self.path

    def sha256_hex(self) -> str | None:
        """The recorded SHA-256 in hexadecimal, None when there is none."""
        if self.algorithm != "sha256":
            return None
        try:
            raw = base64.urlsafe_b64decode(self.digest + "=" * (-len(self.digest) % 4))
        except (binascii.Error, ValueError):
            return None
        return raw.hex() if len(raw) == 32 else None


def parse_record(text: str) -> list[Entry]:
    """The lines of a RECORD, in its order; a file that is named twice is checked twice.

    Raises RecordFlaw for what is no such file.
    """
    entries: list[Entry] = []
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), 1):
            if row:
                entries.append(_entry(row, number))
    except csv.Error as error:
        raise RecordFlaw(f"RECORD is no CSV file: {error}") from error
    return entries


def _entry(row: list[str], number: int) -> Entry:
    if len(row) > 3 or not row[0]:
        raise RecordFlaw(f"RECORD line {number} is not path, hash, size")
    path, hashed, size = (*row, "", "")[:3]
    algorithm, equals, digest = hashed.partition("=")
    if hashed and not (equals and digest):
        raise RecordFlaw(f"RECORD line {number}: {hashed!r} is not algorithm=digest")
    if size and not (size.isascii() and size.isdigit()):
        raise RecordFlaw(f"RECORD line {number}: {size!r} is no size")
    return Entry(path, algorithm.lower(), digest, int(size) if size else None)
