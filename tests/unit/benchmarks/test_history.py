from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from uuid import UUID

import pytest

from benchmarks import history
from benchmarks.packages import ManifestEdited, PackageAdded, PackageRemoved, ReleasePackaged
from eventstore import Append, Event

COMMIT = "0d85b366ff1648ad70bae3b7c6e49ca2a62a76cb"


def told(subject: str, *changes: tuple[str, str], author: str = "Ada") -> list[Append]:
    commit = {
        "commit": COMMIT,
        "author": author,
        "authored_at": "2013-06-18T16:27:12+10:00",
        "subject": subject,
        "changes": [{"status": status, "path": path} for status, path in changes],
    }
    (appends,) = history.appends([commit], "main")
    return appends


def events(subject: str, *changes: tuple[str, str]) -> list[Event]:
    return [event for append in told(subject, *changes) for event in append.events]


def test_a_commit_is_an_append_for_each_package_that_it_changed() -> None:
    first, second = told("Rename", ("D", "bucket/old.json"), ("A", "bucket/new.json"))
    assert first.stream_id == "package-0000.main.old"
    assert second.stream_id == "package-0000.main.new"
    assert list(first.events) == [
        PackageRemoved(package="0000.main.old", commit=COMMIT, subject="Rename")
    ]
    assert first.correlation_id == second.correlation_id == UUID(hex=COMMIT[:32])
    assert first.occurred_at == datetime(2013, 6, 18, 6, 27, 12, tzinfo=UTC)
    assert first.agent == "Ada"


@pytest.mark.parametrize(
    ("subject", "release"),
    [
        ("git: Update to version 2.33.1", "2.33.1"),
        ("Update youtube-dl to version 2018.03.20", "2018.03.20"),
        ("edge: Update to version 86.0.604.0", "86.0.604.0"),
        ("deno@1.2.3: fix hash", "1.2.3"),
        ("Bump jq to v1.6", "1.6"),
    ],
)
def test_the_subject_says_the_release(subject: str, release: str) -> None:
    (event,) = events(subject, ("M", "bucket/x.json"))
    assert event == ReleasePackaged(
        package="0000.main.x", commit=COMMIT, subject=subject, release=release
    )


def test_what_says_no_release_edits_the_manifest() -> None:
    (edited,) = events("Use https everywhere possible", ("M", "x.json"))
    (added,) = events("new app: wget", ("A", "wget.json"))
    assert type(edited) is ManifestEdited
    assert type(added) is PackageAdded
    assert added.release is None


def test_only_manifests_count() -> None:
    assert not told(
        "cleanup",
        ("M", "README.md"),
        ("M", ".vscode/settings.json"),
        ("A", "deprecated/old.json"),
        ("M", "bin/test.ps1"),
    )


def test_an_author_that_can_not_be_an_agent_is_made_one() -> None:
    (append,) = told("x", ("M", "x.json"), author="A\x00da\n")
    assert append.agent == "Ada"
    (append,) = told("x", ("M", "x.json"), author="\x00")
    assert append.agent is None


def test_a_file_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"seq":1}\n{"seq":2}\n'))
    assert list(history.read_commits(path)) == [{"seq": 1}, {"seq": 2}]


@pytest.mark.parametrize("number", [1, 7, 500])
def test_a_history_is_as_long_as_asked_for(number: int) -> None:
    assert sum(len(commit) for commit in history.history(number)) == number


def test_made_commits_are_the_same_in_every_run_and_of_every_kind() -> None:
    first, second = (json.dumps(list(islice(history.made_commits(), 3_000))) for _ in range(2))
    assert first == second
    kinds = {
        type(append.events[0])
        for commit in history.appends(json.loads(first), "made")
        for append in commit
    }
    assert kinds == {PackageAdded, ReleasePackaged, ManifestEdited, PackageRemoved}
