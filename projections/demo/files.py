"""The files of a distribution, really read and compared with what RECORD says of them."""

from __future__ import annotations

import base64
import hashlib
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict

from projections.demo.distributions import printable
from projections.demo.record import Entry
from projections.demo.words import counted

__all__ = ["Check", "Problem", "Recount", "check"]

_CHUNK: Final = 1 << 20
"""Bytes that are read at once."""
_MANY: Final = 20
"""Problems that are told in full; the rest is counted."""


class Problem(BaseModel):
    """A file that is not what RECORD says."""

    model_config = ConfigDict(frozen=True)

    path: str
    kind: Literal["differs", "absent", "unreadable"]
    words: str
    """What is wrong, in words that follow the path."""
    recorded: str | None = None
    found: str | None = None

    def __str__(self) -> str:
        return f"{self.path} {self.words}"


class Check(BaseModel):
    """What a reading of all files showed."""

    model_config = ConfigDict(frozen=True)

    files: int
    """Lines of RECORD."""
    proved: int
    """Files whose hash and size are as recorded."""
    seen: int
    """Files without a hash that are there, and of the recorded size if there is one."""
    exempt: int
    """RECORD itself and bytecode, which nothing proves."""
    bytes_read: int
    problem_count: int
    problems: list[Problem]
    """The first of them, in order of RECORD."""
    fingerprint: str
    """SHA-256 over the path and hash of every file that was read: equal for equal readings."""

    @property
    def passed(self) -> bool:
        """Whether every file is what RECORD says."""
        return self.problem_count == 0

    def in_words(self) -> str:
        """What came of it, in a line."""
        if not self.passed:
            read = self.proved + self.seen + self.problem_count
            return f"{self.problem_count:,} of {counted(read, 'file')}: {self.complaint()}"
        bare = f"; {self.seen:,} without a hash are there" if self.seen else ""
        return f"{counted(self.proved, 'file')} as recorded{bare}"

    def complaint(self, most: int = 2) -> str:
        """The problems in a line."""
        more = self.problem_count - min(most, len(self.problems))
        tail = f", and {more} more" if more > 0 else ""
        return "; ".join(map(str, self.problems[:most])) + tail

    def details(self) -> dict[str, Any]:
        """The check as JSON."""
        return self.model_dump(mode="json")

    @classmethod
    def from_details(cls, details: dict[str, Any]) -> Self:
        """The check back from JSON."""
        return cls.model_validate(details)


@dataclass(slots=True)
class Recount:
    """A check, and the SHA-256 of every file that was read, by its path in RECORD."""

    check: Check
    sha256: dict[str, str] = field(default_factory=dict)


def check(root: Path, entries: Sequence[Entry]) -> Recount:
    """Reads every file that RECORD has a hash for, and looks at the others.

    `root` is the directory that the paths are relative to. Nothing is followed but what the
    filesystem follows; a device or a pipe is not opened.
    """
    problems: list[Problem] = []
    hashes: dict[str, str] = {}
    sums = hashlib.sha256()
    proved = seen = exempt = total = 0
    for entry in entries:
        if entry.exempt and not entry.proves:
            exempt += 1
            continue
        path = printable(entry.path)
        try:
            size, digest = _read(root / entry.path, entry)
        except FileNotFoundError:
            problems.append(Problem(path=path, kind="absent", words="is absent from the disk"))
            continue
        except (OSError, ValueError) as error:
            words = f"can't be read: {getattr(error, 'strerror', None) or error}"
            problems.append(Problem(path=path, kind="unreadable", words=words))
            continue
        if digest is not None:
            total += size
            sums.update(f"{path}\0{digest.hex()}\n".encode())
            if entry.algorithm == "sha256":
                hashes[path] = digest.hex()
        problem = _compare(entry, path, size, digest)
        if problem is not None:
            problems.append(problem)
        elif digest is not None:
            proved += 1
        else:
            seen += 1
    return Recount(
        Check(
            files=len(entries),
            proved=proved,
            seen=seen,
            exempt=exempt,
            bytes_read=total,
            problem_count=len(problems),
            problems=problems[:_MANY],
            fingerprint=sums.hexdigest(),
        ),
        hashes,
    )


def _read(path: Path, entry: Entry) -> tuple[int, bytes | None]:
    """Size and digest; no digest when RECORD has none to compare. Raises OSError, ValueError."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("it is no regular file")
    if not entry.proves:
        return status.st_size, None
    size, digest = 0, hashlib.new(entry.algorithm, usedforsecurity=True)
    buffer = memoryview(bytearray(_CHUNK))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(buffer[:count])
            size += count
    return size, digest.digest()


def _compare(entry: Entry, path: str, size: int, digest: bytes | None) -> Problem | None:
    if digest is not None:
        found = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if found != entry.digest.rstrip("="):
            return Problem(
                path=path,
                kind="differs",
                words=f"differs from its recorded {entry.algorithm}",
                recorded=entry.digest,
                found=found,
            )
    if entry.size is not None and size != entry.size:
        return Problem(
            path=path,
            kind="differs",
            words=f"has {size:,} bytes, recorded are {entry.size:,}",
            recorded=str(entry.size),
            found=str(size),
        )
    return None
