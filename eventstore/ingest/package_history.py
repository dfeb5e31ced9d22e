"""Reads the history of a package index: its git log, a commit a line, oldest first.

| in the commit                                | in the log                                       |
|----------------------------------------------|--------------------------------------------------|
| a manifest, of a version that is new         | package registered, as a draft                   |
| a manifest, of a version that was there once | package restored                                 |
| the version that it replaces                 | package deleted: superseded                      |
| a correction of what can't be installed      | status failed, and draft again: a new try        |
| another change of a manifest                 | details of the package: the last change          |
| a manifest removed                           | package deleted                                  |

A commit is a run; its correlation id is the first 32 digits of its hash. Commits stay in the order
of the file, whatever their clocks say. The cause of what a commit says is the last that its first
parent said, or else the nearest commit before that.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePath
from typing import BinaryIO, Final, NamedTuple
from uuid import UUID

from eventstore.append import Append
from eventstore.errors import InvalidEvent
from eventstore.ingest.package import UNKNOWN, package_id
from eventstore.ingest.package_history_commit import Telling
from eventstore.ingest.package_history_file import Change, Commit, commits
from eventstore.ingest.reader import BrokenRecord, Reader
from eventstore.ingest.scoop_manifest import publisher_of

__all__ = ["read", "reader", "release_of"]

_NUMBER: Final = r"v?(\w*\d[\w.+-]*)"
_RELEASE: Final = re.compile(
    rf"\bversion {_NUMBER}|@{_NUMBER}|(?:[Uu]pdate|[Bb]ump)(?:d|ed|s)?(?: \S+)? to {_NUMBER}"
)
_CORRECTION: Final = re.compile(
    r"(?is)(?=.*\b(?:fix|correct))"
    r"(?=.*\b(?:hash|url|download|install|extract))"
    r"(?!.*(?:check-?ver|auto-?update))"
)
"""A subject that says that the package could not be fetched or installed before."""
_SEPARATORS: Final = re.compile(r"[\s,|&/]+")
_REMEMBERED: Final = 16_384
"""Commits whose last event is remembered, for the commits after them; a branch is shorter."""


def read(file: BinaryIO, name: str) -> Iterator[Append | BrokenRecord]:
    """The events of one history; raises BrokenFile."""
    path = PurePath(name)
    index = _Index(publisher_of(path), path.name)
    for line, commit in commits(file):
        if isinstance(commit, BrokenRecord):
            yield commit
            continue
        try:
            yield from index.tell(commit, f"line {line}")
        except InvalidEvent as error:
            yield BrokenRecord(str(error), f"line {line}")


reader: Final = Reader(read, names=("*history.jsonl", "*history.jsonl.gz"), folders=1, settled=True)


def release_of(subject: str) -> str | None:
    """The version that a commit's subject names."""
    found = _RELEASE.search(subject)
    return next(filter(None, found.groups())).rstrip(".") if found else None


class _Package(NamedTuple):
    version: str
    id: UUID


class _Index:
    """What the index holds at a commit, and what a commit says about that."""

    def __init__(self, publisher: str, file: str) -> None:
        self._publisher = publisher
        self._source = {"format": "package-history", "file": file}
        self._current: dict[str, _Package] = {}
        self._versions: defaultdict[str, set[str]] = defaultdict(set)
        """Of each package all versions so far."""
        self._last_of: dict[str, UUID | None] = {}
        """By commit: the last event of it, or its cause if it has none."""

    def tell(self, commit: Commit, place: str) -> list[Append]:
        """The events of the next commit; raises InvalidEvent, and then it is as if not read."""
        cause = self._last_of.get(commit.parents[0]) if commit.parents else None
        telling = Telling(commit, {**self._source, "place": place}, cause)
        manifests = commit.manifests
        release = release_of(commit.subject)
        named = _names(commit.subject) & manifests.keys() if len(manifests) > 1 else None
        now: dict[str, _Package] = {}
        for name, change in manifests.items():
            stated = release if not named or name in named else None
            now[name] = self._change(telling, name, change, stated)
        # Only now, that all of it can be said, has it happened.
        for name, package in now.items():
            self._versions[name].add(package.version)
            if manifests[name].status == "D":
                self._current.pop(name, None)
            else:
                self._current[name] = package
        if len(self._last_of) >= _REMEMBERED:
            del self._last_of[next(iter(self._last_of))]
        self._last_of[commit.commit] = telling.last
        return telling.appends

    def _change(self, telling: Telling, name: str, change: Change, release: str | None) -> _Package:
        """Tells of one manifest, and returns the package that it is of now, or was of."""
        before = self._current.get(name)
        if change.status == "D":
            gone = before or self._arrive(telling, name, UNKNOWN)
            telling.removed(gone.id)
            return gone
        if before is None:
            return self._arrive(telling, name, release or UNKNOWN)
        if release is None or release == before.version:
            if _CORRECTION.match(telling.subject):
                telling.corrected(before.id)
            else:
                telling.edited(before.id, change.path)
            return before
        now = self._arrive(telling, name, release)
        telling.superseded(before.id, now.version)
        return now

    def _arrive(self, telling: Telling, name: str, version: str) -> _Package:
        package = _Package(version, package_id(self._publisher, name, version))
        if version in self._versions[name]:
            telling.restored(package.id)
        else:
            telling.registered(self._publisher, name, version)
        return package


def _names(subject: str) -> set[str]:
    """What may be the names of packages before the colon or the version of a subject."""
    return set(_SEPARATORS.split(re.split(r"[:@]", subject, maxsplit=1)[0]))
