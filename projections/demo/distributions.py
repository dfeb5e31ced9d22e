"""The distributions that are installed, and who they say they are.

Only `*.dist-info` and `*.egg-info` are read here; the files that they list are another's work.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from email.utils import getaddresses
from importlib.metadata import Distribution
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

__all__ = [
    "Found",
    "Identity",
    "Unreadable",
    "clean",
    "find",
    "headers",
    "identify",
    "metadata",
    "printable",
]

UNKNOWN_PUBLISHER: Final = "unknown publisher"
LONGEST_VERSION: Final = 50
LONGEST_NAME: Final = 255
LONGEST_SUMMARY: Final = 1_000
"""Characters of each; what is over is refused, but of a publisher or a summary cut off."""

_NAMESPACE: Final = UUID("6f0c2a52-5d0b-5c55-8e53-3a9f3f4f8f11")
_UNPRINTABLE: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_METADATA: Final = ("METADATA", "PKG-INFO", "")
"""Where a distribution's metadata can lie; the last is an .egg-info that is itself a file."""


class Unreadable(ValueError):
    """Metadata that don't say what they must; the message is the reason."""


@dataclass(frozen=True, slots=True)
class Found:
    """What lies in the directories that were searched."""

    locations: tuple[Path, ...]
    """The `.dist-info` and `.egg-info`, in order of name."""
    shadowed: tuple[Path, ...]
    """Those of the same name in a later directory, which an import never reaches."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells a distribution from all others, and what it is in a line."""

    publisher: str
    name: str
    version: str
    summary: str | None

    @property
    def package_id(self) -> UUID:
        """The same for the same publisher, name and version, in every run and on every machine."""
        return uuid5(_NAMESPACE, "\0".join((self.publisher, self.name, self.version)))

    @property
    def title(self) -> str:
        """Name and version, for people."""
        return f"{self.name} {self.version}"


def find(directories: Iterable[Path | str] | None = None) -> Found:
    """The distributions in these directories, or on this interpreter's own import path."""
    at: dict[str, Path] = {}
    locations: dict[Path, str] = {}
    shadowed: list[Path] = []
    for directory in map(Path, sys.path if directories is None else directories):
        try:
            there = [
                path for path in directory.iterdir() if path.suffix in (".dist-info", ".egg-info")
            ]
        except OSError:  # an import path may name a zip file, or nothing
            continue
        for path in sorted(there):
            name = re.sub(r"[-_.]+", "-", path.stem.partition("-")[0]).lower()
            if path.resolve() in locations:
                continue
            if at.setdefault(name, path.parent) != path.parent:
                shadowed.append(path)
            else:
                locations[path.resolve()] = name
    ordered = sorted(locations, key=lambda path: (locations[path], str(path)))
    return Found(tuple(ordered), tuple(shadowed))


def identify(location: Path) -> Identity:
    """Who a distribution says it is; raises Unreadable."""
    said = headers(location)
    name, version = clean(said["Name"]), clean(said["Version"])
    if not name or not version:
        raise Unreadable(f"its metadata name no {'version' if name else 'name'}")
    if len(name) > LONGEST_NAME:
        raise Unreadable(f"its name is {len(name)} characters long, {LONGEST_NAME} are allowed")
    if len(version) > LONGEST_VERSION:
        raise Unreadable(
            f"its version is {len(version)} characters long, {LONGEST_VERSION} are allowed"
        )
    return Identity(
        _publisher(said), name, version, clean(said["Summary"])[:LONGEST_SUMMARY] or None
    )


def headers(location: Path) -> Message:
    """The metadata as a message; raises Unreadable."""
    for filename in _METADATA:
        text = metadata(location, filename)
        if text:
            return HeaderParser().parsestr(text, headersonly=True)
    raise Unreadable("it has no metadata")


def metadata(location: Path, filename: str) -> str | None:
    """The text of one of its metadata files, None when it is not there; raises Unreadable."""
    try:
        return Distribution.at(location).read_text(filename)
    except UnicodeDecodeError as error:
        raise Unreadable(f"its {filename or 'metadata'} is not UTF-8: {error}") from error
    except OSError as error:
        raise Unreadable(f"its {filename or 'metadata'} can't be read: {error.strerror}") from error


def clean(text: object) -> str:
    """A header's value on one line, fit to be stored and shown; empty for None."""
    return "" if text is None else printable(" ".join(str(text).split()))


def printable(text: str) -> str:
    """The text with U+FFFD for each character that PostgreSQL or a terminal can't show."""
    return _UNPRINTABLE.sub("\ufffd", text)


def _publisher(said: Message) -> str:
    for header in ("Author", "Author-email", "Maintainer", "Maintainer-email"):
        value = clean(said[header])
        if header.endswith("email"):
            value = ", ".join(name or address for name, address in getaddresses([value]))
        if value and value != "UNKNOWN":
            return value[:LONGEST_NAME]
    return UNKNOWN_PUBLISHER
