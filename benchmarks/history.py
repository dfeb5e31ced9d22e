"""Two public package indexes' git logs as events: read from files, or made in the same shape.

Pure: from the lines of `history.jsonl.gz` to appends, in the order of the commits.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, Final, Literal
from uuid import UUID

import orjson

from benchmarks.packages import (
    ManifestEdited,
    PackageAdded,
    PackageChange,
    PackageRemoved,
    ReleasePackaged,
)
from eventstore import Append
from eventstore.limits import MAX_NAME

__all__ = [
    "FIRST_COPY",
    "appends",
    "commit_lines",
    "history",
    "made_commits",
    "read_commits",
    "source",
]

_DATA: Final = Path(__file__).parents[2] / "shared" / "data"
_REAL: Final = {
    index: _DATA / folder / "history.jsonl.gz"
    for index, folder in (("main", "scoop-main"), ("extras", "scoop-extras-2013-2023"))
}
"""They don't come with the project, and need not be there."""

FIRST_COPY: Final = "0000."
"""What every package's name begins with; further copies of the history count on from it."""

_MANIFEST: Final = re.compile(r"(?:bucket/)?([^/]+)\.json")
_NUMBER: Final = r"v?(\w*\d[\w.+-]*)"
_RELEASE: Final = re.compile(
    rf"\bversion {_NUMBER}|@{_NUMBER}|(?:[Uu]pdate|[Bb]ump)(?:d|ed|s)?(?: \S+)? to {_NUMBER}"
)
_LENGTH: Final = 137_819
"""Changes of packages in the recorded histories."""
_MADE_PACKAGES: Final = 3_900

Commit = dict[str, Any]


def source() -> Literal["recorded", "generated"]:
    """What the events are: of the recorded histories if these are there, else made like them."""
    return "recorded" if all(path.is_file() for path in _REAL.values()) else "generated"


def history(events: int) -> Iterator[list[Append]]:
    """The appends of each commit, until there are so many events or the histories end."""
    left = min(events, _LENGTH)
    sources = (
        {index: read_commits(path) for index, path in _REAL.items()}
        if source() == "recorded"
        else {"made": made_commits()}
    )
    for index, commits in sources.items():
        for told in appends(commits, index):
            some = told[:left]
            if some:
                yield some
            left -= len(some)
            if left == 0:
                return


def commit_lines() -> Iterator[bytes]:
    """One history, a JSON line a commit: the recorded one of the index main, or a made one."""
    if source() == "recorded":
        with gzip.open(_REAL["main"]) as lines:
            yield from lines
    else:
        for commit in made_commits():
            yield orjson.dumps(commit) + b"\n"


def read_commits(path: Path) -> Iterator[Commit]:
    """The commits of a file, oldest first."""
    with gzip.open(path) as lines:
        yield from map(orjson.loads, lines)


def appends(commits: Iterable[Commit], index: str) -> Iterator[list[Append]]:
    """For each commit an append for each package that it changed, in one run of its own."""
    for commit in commits:
        moment = datetime.fromisoformat(commit["authored_at"])
        author = "".join(filter(str.isprintable, commit["author"]))[:MAX_NAME] or None
        run = UUID(hex=commit["commit"][:32])
        yield [
            Append(
                f"package-{event.package}",
                [event],
                agent=author,
                correlation_id=run,
                occurred_at=moment,
            )
            for event in _events(commit, index)
        ]


def _events(commit: Commit, index: str) -> Iterator[PackageChange]:
    subject = commit["subject"]
    found = _RELEASE.search(subject)
    release = next(filter(None, found.groups())).rstrip(".") if found else None
    for change in commit["changes"]:
        manifest = _MANIFEST.fullmatch(change["path"])
        if manifest is None:  # a script or a page: no package
            continue
        package = f"{FIRST_COPY}{index}.{manifest[1]}"
        said = {"package": package, "commit": commit["commit"], "subject": subject}
        match change["status"]:
            case "A":
                yield PackageAdded(**said, release=release)
            case "D":
                yield PackageRemoved(**said)
            case _ if release is not None:
                yield ReleasePackaged(**said, release=release)
            case _:
                yield ManifestEdited(**said)


def made_commits() -> Iterator[Commit]:
    """Commits without end in the shape of the recorded ones, the same in every run.

    Half of the packages have under a dozen changes and one of a hundred over 300; 2 commits of
    100 change several packages; 9 changes of 10 are releases.
    """
    chance, known, number = Random(2013), set[int](), 0
    shares = list(accumulate(chance.lognormvariate(0.0, 1.45) for _ in range(_MADE_PACKAGES)))
    began = datetime(2013, 6, 15, tzinfo=UTC)
    while True:
        number += 1
        several = chance.randint(2, 5) if chance.random() < 0.02 else 1
        packages = set(chance.choices(range(_MADE_PACKAGES), cum_weights=shares, k=several))
        release = f"{chance.randint(0, 20)}.{chance.randint(0, 40)}.{number % 97}"
        subject = f"app-{min(packages)}: Update to version {release}"
        yield {
            "commit": sha256(str(number).encode()).hexdigest()[:40],
            "author": f"author-{chance.randint(1, 40)}",
            "authored_at": (began + timedelta(minutes=45 * number)).isoformat(),
            "subject": subject if chance.random() < 0.9 else "Format manifests",
            "changes": [
                {"status": _status(chance, each, known), "path": f"bucket/app-{each}.json"}
                for each in sorted(packages)
            ],
        }


def _status(chance: Random, package: int, known: set[int]) -> str:
    if package not in known:
        known.add(package)
        return "A"
    if chance.random() < 0.004:
        known.remove(package)
        return "D"
    return "M"
