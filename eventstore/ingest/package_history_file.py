"""The form of a package history: a JSON line a commit, oldest first, compressed by gzip or not."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, BinaryIO, Final, Literal

import msgspec

from eventstore.ingest.reader import BrokenFile, BrokenRecord

__all__ = ["Commit", "commits"]

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
"""Of one commit."""
_GZIP: Final = b"\x1f\x8b"
_NUL: Final = b"\\u0000"
_MANIFEST: Final = re.compile(r"(?:bucket/)?([^/]+)\.json")

Hash = Annotated[str, msgspec.Meta(pattern="^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]


class Change(msgspec.Struct):
    """A file was added, modified or deleted."""

    status: Literal["A", "M", "D"]
    path: str


class Commit(msgspec.Struct):
    """One commit; `line` is where it stands in the file."""

    commit: Hash
    parents: list[Hash]
    author: str
    authored_at: Annotated[datetime, msgspec.Meta(tz=True)]
    subject: str
    changes: list[Change]
    body: str = ""
    committer: str = ""
    committed_at: str = ""
    changes_total: int | None = None
    """How many changes there were, if not all of them are listed."""
    line: int = 0

    @property
    def manifests(self) -> dict[str, Change]:
        """The manifests that it changed, by the package's name; of a file that moved the arrival.

        Manifests are the JSON files of the index's first folder, or of `bucket` in it.
        """
        found: dict[str, Change] = {}
        for change in self.changes:
            manifest = _MANIFEST.fullmatch(change.path)
            if manifest is not None and (change.status != "D" or manifest[1] not in found):
                found[manifest[1]] = change
        return found


_DECODER: Final = msgspec.json.Decoder(Commit)


def commits(file: BinaryIO) -> Iterator[Commit | BrokenRecord]:
    """The commits one after the other; raises BrokenFile when the file ends in the middle."""
    compressed = file.read(len(_GZIP)) == _GZIP
    file.seek(0)
    try:
        if compressed:
            with gzip.open(file) as lines:
                yield from _commits(lines)
        else:
            yield from _commits(file)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise BrokenFile(f"is no whole gzip file: {error}") from error


def _commits(lines: BinaryIO | gzip.GzipFile) -> Iterator[Commit | BrokenRecord]:
    number = 0
    while line := lines.readline(MAX_LINE_BYTES):
        number += 1
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = lines.readline(MAX_LINE_BYTES)
            yield BrokenRecord(f"is longer than {MAX_LINE_BYTES:,} bytes", f"line {number}")
        elif not line.isspace():
            yield _commit(line, number)


def _commit(line: bytes, number: int) -> Commit | BrokenRecord:
    if _NUL in line:
        return BrokenRecord("has the character U+0000, which no text can hold", f"line {number}")
    try:
        commit = _DECODER.decode(line)
    except msgspec.ValidationError as error:
        return BrokenRecord(str(error), f"line {number}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return BrokenRecord(f"is no JSON: {error}", f"line {number}")
    if not 1 < commit.authored_at.year < 9999:
        return BrokenRecord(f"{commit.authored_at} is no year 2 to 9998", f"line {number}")
    commit.line = number
    return commit
