"""The form of a package history: a JSON line a commit, oldest first, compressed by gzip or not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, BinaryIO, Final, Literal

import msgspec

from eventstore.ingest.json_lines import json_lines
from eventstore.ingest.reader import BrokenRecord

__all__ = ["Commit", "commits"]

_MANIFEST: Final = re.compile(r"(?:bucket/)?([^/]+)\.json")

Hash = Annotated[str, msgspec.Meta(pattern="^(?:[0-9a-f]{40}|[0-9a-f]{64})$")]


class Change(msgspec.Struct):
    """A file was added, modified or deleted."""

    status: Literal["A", "M", "D"]
    path: str


class Commit(msgspec.Struct):
    """One commit; the field names are those of the file."""

    commit: Hash
    author: str
    authored_at: Annotated[datetime, msgspec.Meta(tz=True)]
    subject: str
    changes: list[Change]
    parents: list[Hash] = []
    body: str = ""
    committer: str = ""
    committed_at: str = ""
    changes_total: int | None = None
    """How many changes there were, if not all of them are listed."""

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


def commits(file: BinaryIO) -> Iterator[tuple[int, Commit | BrokenRecord]]:
    """The commits with their lines; raises BrokenFile when the file ends in the middle."""
    for line, commit in json_lines(file, Commit):
        if isinstance(commit, Commit) and not 1 < commit.authored_at.year < 9999:
            reason = f"{commit.authored_at} is not in the years 2 to 9998"
            yield line, BrokenRecord(reason, f"line {line}")
        else:
            yield line, commit
