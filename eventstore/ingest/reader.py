"""What a reader of a foreign format is, and where readers are found.

A reader turns the bytes of one file into appends, and does nothing else: no I/O, no clock, no
random. The same bytes give the same events with the same ids, so that reading a file twice says
nothing new. Any package can add one, through the entry-point group `eventstore.ingest`:

    [project.entry-points."eventstore.ingest"]
    my-format = "my_package.my_format:reader"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.metadata import entry_points
from typing import Final

from eventstore.append import Append
from eventstore.errors import EventStoreError, NotFound

__all__ = ["GROUP", "BrokenFile", "Reader", "find_reader", "formats"]

GROUP: Final = "eventstore.ingest"


class BrokenFile(EventStoreError):
    """A file is not what its reader reads; `path` leads to the flaw in it, such as `chapters.0`."""

    exit_code = 5

    def __init__(self, reason: str, *, path: str = "") -> None:
        self.reason, self.path = reason, path
        super().__init__(f"{path}: {reason}" if path else reason)


@dataclass(frozen=True, slots=True)
class Reader:
    """How files of one format become events."""

    read: Callable[[bytes, str], Iterable[Append]]
    """From a file's content and name (without its directories) to appends, in log order.

    Appends of one correlation_id are a run, and are recorded all or nothing. An append without
    one belongs to no run, such as the registration of an agent that many runs share; it goes in by
    itself, before the runs of its file. Metadata says under `derived` what was concluded and not
    stated (causation, agent, …), and under `source` at least `format` and `file`, the name.
    Raises BrokenFile or InvalidEvent.
    """
    names: tuple[str, ...] = ("*",)
    """Patterns of the file names that are read in a directory,"""
    but_not: tuple[str, ...] = ()
    """and of those among them that are another format."""

    def reads(self, name: str) -> bool:
        """Whether a file of that name in a directory is one of this format."""
        return any(fnmatchcase(name, each) for each in self.names) and not any(
            fnmatchcase(name, each) for each in self.but_not
        )


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
