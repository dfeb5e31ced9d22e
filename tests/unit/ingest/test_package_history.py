"""A package index's git log as events: versions that come and go, and what each commit caused."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha1
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from eventstore.append import Append, prepare
from eventstore.event import Event
from eventstore.ingest.package import package_id
from eventstore.ingest.package_history import read, release_of
from eventstore.ingest.reader import BrokenFile, BrokenRecord
from eventstore.vocabulary.packaging import (
    PackageDeleted,
    PackageDetailsChanged,
    PackageRegistered,
    PackageRestored,
    PackageStatusChanged,
)
from projections.packaging.projection import Packaging
from projections.packaging.rows import Package
from projections.testing import recorded

DATA = Path(__file__).parents[3].parent / "shared" / "data"
Json = dict[str, Any]


def commit(subject: str, *changes: str, parent: Json | None = None, **more: Any) -> Json:
    """A commit; a change is written `M bucket/tool.json`."""
    changed = [dict(zip(("status", "path"), each.split(" "), strict=True)) for each in changes]
    parents = [parent["commit"]] if parent else []
    named = json.dumps([subject, changed, parents, sorted(more.items())])
    return {
        "commit": sha1(named.encode()).hexdigest(),
        "parents": parents,
        "author": "Ada",
        "authored_at": "2020-01-01T12:00:00+02:00",
        "committer": "Ada",
        "committed_at": "2020-01-01T12:00:00+02:00",
        "subject": subject,
        "changes": changed,
    } | more


def lines(*commits: Json) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in commits)


def told(data: bytes, name: str = "tools/history.jsonl") -> list[Append | BrokenRecord]:
    return list(read(BytesIO(data), name))


def appends(*commits: Json) -> list[Append]:
    found = told(lines(*commits))
    whole = [each for each in found if isinstance(each, Append)]
    assert whole == found
    prepare(whole)
    return whole


def events(*commits: Json) -> list[Event]:
    return [event for append in appends(*commits) for event in append.events]


def tool(version: str) -> UUID:
    return package_id("tools", "tool", version)


def test_a_new_manifest_is_a_package_of_the_version_that_the_subject_names() -> None:
    [append] = appends(commit("tool: Add version 1.0", "A bucket/tool.json", "M README.md"))
    [event] = append.events
    assert event == PackageRegistered(
        package_id=tool("1.0"), name="tool", version="1.0", publisher="tools"
    )
    assert append.stream_id == f"package-{tool('1.0')}"
    assert append.agent == "Ada"
    assert append.occurred_at == datetime(2020, 1, 1, 10, tzinfo=UTC)
    assert append.causation_id is None
    assert append.metadata["derived"] == ["version"]


def test_a_commit_is_a_run_and_says_where_it_comes_from() -> None:
    said = commit("tool: Add version 1.0", "A tool.json", body="at last", committer="Bo")
    [append] = appends(said)
    assert append.correlation_id == UUID(hex=said["commit"][:32])
    source = append.metadata["source"]
    assert (source["format"], source["file"]) == ("package-history", "history.jsonl")
    assert source["other"] == {
        "commit": said["commit"],
        "parents": [],
        "subject": "tool: Add version 1.0",
        "authored_at": "2020-01-01T12:00:00+02:00",
        "body": "at last",
        "committer": "Bo",
    }


def test_another_version_supersedes_the_one_before() -> None:
    first = commit("tool: Add version 1.0", "A bucket/tool.json")
    second = commit("tool: Update to version 1.1", "M bucket/tool.json", parent=first)
    added, new, old = appends(first, second)
    assert [e.events[0] for e in (new, old)] == [
        PackageRegistered(package_id=tool("1.1"), name="tool", version="1.1", publisher="tools"),
        PackageDeleted(package_id=tool("1.0"), reason="superseded by 1.1"),
    ]
    assert new.causation_id == added.events[0].event_id
    assert old.causation_id == new.events[0].event_id
    assert "causation" in new.metadata["derived"]


def test_a_version_that_comes_back_is_restored() -> None:
    first = commit("tool: Add version 1.0", "A tool.json")
    second = commit("tool: Update to version 1.1", "M tool.json", parent=first)
    back = commit("tool: Revert to version 1.0", "M tool.json", parent=second)
    *_, restored, deleted = events(first, second, back)
    assert restored == PackageRestored(package_id=tool("1.0"), reason="tool: Revert to version 1.0")
    assert deleted == PackageDeleted(package_id=tool("1.1"), reason="superseded by 1.0")


def test_a_manifest_that_is_removed_deletes_its_package_and_can_come_again() -> None:
    first = commit("tool: Add version 1.0", "A tool.json")
    gone = commit("tool: no longer made", "D tool.json", parent=first)
    again = commit("tool@1.0: it is", "A bucket/tool.json", parent=gone)
    _, deleted, restored = events(first, gone, again)
    assert deleted == PackageDeleted(package_id=tool("1.0"), reason="tool: no longer made")
    assert restored == PackageRestored(package_id=tool("1.0"), reason="tool@1.0: it is")


def test_a_manifest_that_moves_is_not_removed() -> None:
    first = commit("tool: Add version 1.0", "A tool.json")
    for changes in (("A bucket/tool.json", "D tool.json"), ("D tool.json", "A bucket/tool.json")):
        moved = commit("Move manifests", *changes, parent=first)
        _, event = events(first, moved)
        assert isinstance(event, PackageDetailsChanged)
        assert event.metadata["manifest"] == "bucket/tool.json"


def test_a_manifest_in_another_folder_is_none() -> None:
    assert not told(lines(commit("Add", "A deprecated/tool.json", "A tool.yaml", "M x/y.json")))


@pytest.mark.parametrize("subject", ["tool: Fix hash", "hash fix", "tool@1.0: Correct URL (#7)"])
def test_what_could_not_be_installed_failed_and_is_tried_anew(subject: str) -> None:
    first = commit("tool: Add version 1.0", "A tool.json")
    _, failed, draft = events(first, commit(subject, "M tool.json", parent=first))
    assert isinstance(failed, PackageStatusChanged)
    assert isinstance(draft, PackageStatusChanged)
    assert (failed.from_status, failed.to_status) == ("draft", "failed")
    assert (draft.from_status, draft.to_status) == ("failed", "draft")
    assert failed.reason == draft.reason == subject


@pytest.mark.parametrize("subject", ["tool: Fix checkver", "Fix autoupdate URL", "tool: Add arm64"])
def test_what_else_changes_is_a_detail(subject: str) -> None:
    first = commit("tool: Add version 1.0", "A tool.json")
    second = commit(subject, "M tool.json", parent=first)
    _, event = events(first, second)
    assert event == PackageDetailsChanged(
        package_id=tool("1.0"),
        description=None,
        metadata={
            "manifest": "tool.json",
            "last_change": {"commit": second["commit"], "subject": subject},
        },
        tags=[],
    )


def test_a_version_that_nobody_names_is_unknown() -> None:
    first = commit("first tools", "A tool.json", "D other.json")
    named = commit("tool: Update to version 2", "M tool.json", parent=first)
    registered, never_seen, removed, new, old = events(first, named)
    assert isinstance(registered, PackageRegistered)
    assert registered.version == "unknown"
    assert isinstance(never_seen, PackageRegistered)
    assert never_seen.name == "other"
    assert removed == PackageDeleted(package_id=never_seen.package_id, reason="first tools")
    assert isinstance(new, PackageRegistered)
    assert old == PackageDeleted(package_id=tool("unknown"), reason="superseded by 2")


def test_a_version_is_that_of_the_packages_which_the_subject_names() -> None:
    first = commit("Add", "A a.json", "A b.json", "A c.json")
    second = commit("a, c: Update to version 3", "M a.json", "M b.json", "M c.json", parent=first)
    versions = [e.version for e in events(first, second) if isinstance(e, PackageRegistered)]
    assert versions == ["unknown"] * 3 + ["3"] * 2
    everywhere = commit("Bump all to 4", "M a.json", "M b.json", parent=second)
    last = [
        e.version for e in events(first, second, everywhere) if isinstance(e, PackageRegistered)
    ]
    assert last[5:] == ["4", "4"]


def test_the_cause_is_what_the_nearest_ancestor_said() -> None:
    first = commit("a: Add version 1", "A a.json")
    silent = commit("Update README", "M README.md", parent=first)
    side = commit("b: Add version 1", "A b.json", parent=first)
    last = commit("a: Update to version 2", "M a.json", parent=silent)
    one, _, new, _ = appends(first, side, silent, last)
    assert new.causation_id == one.events[0].event_id


def test_times_may_go_backwards_and_commits_stay_in_order() -> None:
    first = commit("tool: Add version 1", "A tool.json", authored_at="2021-05-05T00:00:00Z")
    second = commit("tool: Update to version 2", "M tool.json", parent=first)
    times = [append.occurred_at for append in appends(first, second)]
    assert times[0] is not None
    assert times[1] is not None
    assert times[0] > times[1]


def test_the_same_file_tells_the_same_and_another_index_others() -> None:
    data = lines(commit("tool: Add version 1", "A tool.json"))
    assert ids(told(data)) == ids(told(gzip.compress(data)))
    assert not ids(told(data)) & ids(told(data, "others/history.jsonl"))


def ids(found: list[Append | BrokenRecord]) -> set[UUID]:
    return {e.event_id for each in found if isinstance(each, Append) for e in each.events}


GOOD = commit("tool: Add version 1", "A tool.json")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"not json\n", "no JSON"),
        (b'{"commit": "1"}\n', "commit"),
        (lines(GOOD | {"commit": "xyz"}), "commit"),
        (lines(GOOD | {"authored_at": "2020-01-01T12:00:00"}), "authored_at"),
        (lines(GOOD | {"changes": [{"status": "X", "path": "tool.json"}]}), "status"),
        (lines(GOOD | {"subject": "NUL \0"}), "U+0000"),
        (lines(commit(f"tool: Add version {'1' * 51}", "A tool.json", "A b.json")), "version"),
        (b'{"subject": "\xff"}\n', "JSON"),
    ],
)
def test_a_commit_that_is_broken_is_named_and_the_others_are_told(line: bytes, reason: str) -> None:
    first, after = commit("a: Add version 1", "A a.json"), commit("b: Add version 1", "A b.json")
    one, broken, other = told(lines(first) + line + lines(after))
    assert isinstance(one, Append)
    assert isinstance(other, Append)
    assert isinstance(broken, BrokenRecord)
    assert broken.place == "line 2"
    assert reason in broken.reason


def test_of_a_broken_commit_nothing_has_happened() -> None:
    first = commit("tool: Add version 1", "A tool.json")
    broken = commit(f"Update to version {'1' * 51}", "M tool.json", "D other.json", parent=first)
    after = commit("tool: Update to version 2", "M tool.json", parent=broken)
    found = told(lines(first, broken, after))
    assert [type(each).__name__ for each in found] == ["Append", "BrokenRecord", "Append", "Append"]
    assert isinstance(found[-1], Append)
    assert found[-1].events[0] == PackageDeleted(package_id=tool("1"), reason="superseded by 2")


def test_a_line_without_end_is_broken_and_not_read_into_memory() -> None:
    endless = b'{"subject": "' + b"a" * (17 * 1024 * 1024) + b'"}\n'
    broken, after = told(endless + lines(GOOD))
    assert isinstance(broken, BrokenRecord)
    assert "longer than" in broken.reason
    assert isinstance(after, Append)


def test_a_file_that_was_cut_tells_what_is_whole() -> None:
    data = gzip.compress(lines(*(commit(f"a: Add version {n}", "M a.json") for n in range(2000))))
    found = read(BytesIO(data[:-20]), "tools/history.jsonl.gz")
    whole = list(islice(found, 1000))
    assert all(isinstance(each, Append) for each in whole)
    with pytest.raises(BrokenFile, match="gzip"):
        list(found)


@pytest.mark.parametrize(
    ("subject", "release"),
    [
        ("curl: Update to version 7.54.0", "7.54.0"),
        ("Update minio to version 2017-10-14T00-51-16Z (#1798)", "2017-10-14T00-51-16Z"),
        ("jq@1.6: fix", "1.6"),
        ("bump node to v12.1.", "12.1"),
        ("tidy up", None),
        ("version two", None),
    ],
)
def test_the_release_that_a_subject_names(subject: str, release: str | None) -> None:
    assert release_of(subject) == release


@pytest.mark.parametrize(
    ("index", "commits", "counted"),
    [
        ("scoop-main", 5_000, (9_167, 3_344, 3_040, 33)),
        pytest.param(
            "scoop-main", None, (156_342, 73_150, 73_379, 1_865), marks=pytest.mark.faults
        ),
        pytest.param(
            "scoop-extras-2013-2023", None, (103_430, 45_316, 45_883, 2_460),
            marks=pytest.mark.faults,
        ),
    ],
)  # fmt: skip
def test_the_recorded_histories(
    index: str, commits: int | None, counted: tuple[int, int, int, int]
) -> None:
    path = DATA / index / "history.jsonl.gz"
    if not path.is_file():
        pytest.skip("the package histories are not there")
    with gzip.open(path) as file:
        data = b"".join(islice(file, commits))
    types: Counter[str] = Counter()
    for each in read(BytesIO(data), f"{index}/history.jsonl"):
        assert isinstance(each, Append)
        types.update(type(event).__name__ for event in each.events)
    assert types == counts_by_hand(data)
    assert counted == (
        types.total(), types["PackageRegistered"], types["PackageDeleted"], types["PackageRestored"]
    )  # fmt: skip


def test_the_packages_that_are_not_deleted_are_what_the_index_has() -> None:
    path = DATA / "scoop-main" / "history.jsonl.gz"
    if not path.is_file():
        pytest.skip("the package histories are not there")
    with gzip.open(path) as file:
        data = b"".join(islice(file, 2_000))
    projection = Packaging()
    state = projection.empty()
    position = 0
    for append in read(BytesIO(data), "scoop-main/history.jsonl"):
        assert isinstance(append, Append)
        for event in append.events:
            position += 1
            projection.apply(state, recorded(event, position))
    rows = [row for row in state[Package].values() if isinstance(row, Package)]
    there = [row.name for row in rows if row.deleted_at is None]
    index: dict[str, bool] = {}
    for line in data.splitlines():
        # Of a manifest that moved, the removal first.
        for change in sorted(json.loads(line)["changes"], key=lambda c: c["status"] != "D"):
            if found := re.fullmatch(r"(?:bucket/)?([^/]+)\.json", change["path"]):
                index[found[1]] = change["status"] != "D"
    assert sorted(there) == sorted(name for name, present in index.items() if present)
    assert {row.status for row in rows} == {"draft"}


def counts_by_hand(data: bytes) -> Counter[str]:
    """What should become of a history, package by package; the reader goes commit by commit."""
    timeline: defaultdict[str, list[tuple[str, str, str | None]]] = defaultdict(list)
    for line in data.splitlines():
        said = json.loads(line)
        changed: defaultdict[str, str] = defaultdict(str)
        for change in said["changes"]:
            if found := re.fullmatch(r"(?:bucket/)?([^/]+)\.json", change["path"]):
                changed[found[1]] += change["status"]
        words = set(re.split(r"[\s,|&/]+", re.split("[:@]", said["subject"])[0]))
        for name, status in changed.items():
            meant = len(changed) == 1 or not words & changed.keys() or name in words
            release = release_of(said["subject"]) if meant else None
            timeline[name].append((status, said["subject"], release))
    return sum((Counter(fates(each)) for each in timeline.values()), Counter())


def fates(changes: list[tuple[str, str, str | None]]) -> Iterator[str]:
    seen: set[str] = set()
    now: str | None = None
    for status, subject, release in changes:
        gone = set(status) == {"D"}
        if now is None or (release not in (None, now) and not gone):
            arriving = "unknown" if gone or release is None else release
            yield "PackageRestored" if arriving in seen else "PackageRegistered"
            if now is not None:
                yield "PackageDeleted"
            now = arriving
            seen.add(now)
        elif not gone:
            words = re.split(r"\W+", subject.lower())
            about = any(
                word.startswith(("hash", "url", "download", "install", "extract")) for word in words
            )
            fixed = any(word.startswith(("fix", "correct")) for word in words)
            if about and fixed and not re.search("check-?ver|auto-?update", subject.lower()):
                yield from ("PackageStatusChanged", "PackageStatusChanged")
            else:
                yield "PackageDetailsChanged"
        if gone:
            yield "PackageDeleted"
            now = None
