"""What a reader of a foreign format is, and where readers are found.

A reader turns the bytes of one file into appends, and does nothing else: no I/O but reading that
file, no clock, no random. The same bytes give the same events with the same ids, so that reading a
file twice says nothing new. It reads as it goes, so that a long file takes no more memory than a
short one. Any package can add one, through the entry-point group `eventstore.ingest`:

    [project.entry-points."eventstore.ingest"]
    my-format = "my_package.my_format:reader"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import entry_points
from typing import IO, BinaryIO, Final, TypeVar

from eventstore.append import Append
from eventstore.errors import EventStoreError, InvalidEvent, NotFound

__all__ = [
    "GROUP",
    "MAX_DOCUMENT_BYTES",
    "Beside",
    "BrokenFile",
    "BrokenRecord",
    "Reader",
    "Records",
    "find_reader",
    "formats",
    "one_by_one",
    "whole",
]

GROUP: Final = "eventstore.ingest"
MAX_DOCUMENT_BYTES: Final = 64 * 1024 * 1024
"""Of a document that a reader holds in memory as a whole."""


class BrokenFile(EventStoreError):
    """A file is not what its reader reads; `path` leads to the flaw in it, such as `chapters.0`."""

    exit_code = 5

    def __init__(self, reason: str, *, path: str = "") -> None:
        self.reason, self.path = reason, path
        super().__init__(f"{path}: {reason}" if path else reason)


class BrokenRecord(EventStoreError):
    """One record of a file can't be told; `place` says which, such as `commits.17`.

    A reader yields it between two runs, in the place of the record's own run, and goes on: nothing
    of the record is recorded, and the others are.
    """

    exit_code = 5

    def __init__(self, reason: str, place: str) -> None:
        self.reason, self.place = reason, place
        super().__init__(f"{place}: {reason}")


Records = Iterable[Append | BrokenRecord]


@dataclass(frozen=True, slots=True)
class Beside:
    """A second file in the same folder, which says more about what is in the first."""

    ending: str
    """Of its name, after the first file's name up to its first dot."""
    read: Callable[[BinaryIO, BinaryIO, str], Records]
    """Like `Reader.read`, from both files; the name is the first one's."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How files of one format become events."""

    read: Callable[[BinaryIO, str], Records]
    """From a file (it can seek) and its name (without its directories) to appends, in log order.

    Appends of one correlation_id, one after the other, are a run, and are recorded all or nothing,
    in one call (MAX_EVENTS_PER_CALL). A run ends where another correlation_id begins, at a
    BrokenRecord, and at the end of the file. An append without a correlation_id belongs to no run,
    such as the registration of an agent that many runs share; it goes in by itself, before the
    next run of its file that does. Metadata says under `derived` what was concluded and not
    stated (causation, agent, …), and under `source` at least `format` and `file`, the name.

    Raises BrokenFile or InvalidEvent when it can't go on: the run that it was at is dropped, those
    before it stay. Reading the file may raise OSError.
    """
    names: tuple[str, ...] = ("*",)
    """Patterns of the file names that are read in a directory,"""
    but_not: tuple[str, ...] = ()
    """and of those among them that are another format."""
    beside: Beside | None = None
    """Reads in place of `read` when its file is there."""
    folders: int = 0
    """How many of the folders above a file its name begins with: they say what it does not."""
    settled: bool = False
    """Whether a run is known by the ids of its events alone: none of them is ever told otherwise.

    Then runs need not be compared with the log one by one, and many go in with one call. What
    another run has recorded with the same id and content is not recorded again.
    """

    def reads(self, name: str) -> bool:
        """Whether a file of that name in a directory is one of this format."""
        return any(fnmatchcase(name, each) for each in self.names) and not any(
            fnmatchcase(name, each) for each in self.but_not
        )


R = TypeVar("R")


def one_by_one(
    records: Iterable[R], tell: Callable[[R], Iterable[Append]], place: str = ""
) -> Iterator[Append | BrokenRecord]:
    """What `tell` makes of each record at that place, whole; or, where it can't, a BrokenRecord.

    Where the records themselves break off, that is the last one, and those before it stay.
    """
    number = -1
    try:
        for number, record in enumerate(records):
            try:
                appends = list(tell(record))
            except (BrokenFile, InvalidEvent) as error:
                way = [place, str(number), error.path]
                yield BrokenRecord(error.reason, ".".join(part for part in way if part))
            else:
                yield from appends
    except BrokenFile as error:
        if number < 0:
            raise
        yield BrokenRecord(error.reason, f"after {place or 'record'} {number}")


def whole(file: IO[bytes]) -> bytes:
    """All of a file that is one document; raises BrokenFile when it is larger than the limit."""
    data = file.read(MAX_DOCUMENT_BYTES + 1)
    if len(data) > MAX_DOCUMENT_BYTES:
        raise BrokenFile(f"is larger than {MAX_DOCUMENT_BYTES:,} bytes")
    return data


def formats() -> list[str]:
    """The names of the formats that can be read here."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def find_reader(name: str) -> Reader:
    """The reader of a format; raises NotFound."""
    for point in entry_points(group=GROUP, name=name):
        found = point.load()
        if not isinstance(found, Reader):
            raise TypeError(f"the entry point {point.value} of {GROUP} is no Reader")
        return found
    raise NotFound("format", name, f"there are {', '.join(formats()) or 'none'}")
