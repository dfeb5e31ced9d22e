"""Formats about packages into the log: many runs at once, once each, in the order of the file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventstore import EventStore
from eventstore.append import Append
from eventstore.ingest import (
    application_control,
    package_history,
    scoop_manifest,
    settled,
    winget_manifest,
)
from eventstore.ingest.package import registration
from eventstore.ingest.reader import BrokenRecord, Reader
from eventstore.ingest.run import Ingest
from eventstore.ingest.told import RunDiffers, Told
from projections.packaging import Packaging
from projections.packaging.rows import Package

Facts = list[tuple[str, int, bytes, bytes]]


@pytest.fixture
def store(database_url: str) -> Iterator[EventStore]:
    with EventStore.open(database_url) as opened:
        yield opened


def ingest(store: EventStore, reader: Reader, *paths: Path, dry_run: bool = False) -> list[Told]:
    one = Ingest(store, reader, dry_run=dry_run)
    return [told for path in paths for told in one.file(path)]


def outcomes(told: list[Told]) -> Counter[str]:
    return Counter(each.outcome for each in told)


def appended(told: list[Told]) -> int:
    return sum(each.appended.total() for each in told)


def log(store: EventStore) -> Facts:
    return [(e.stream_id, e.stream_version, e.data, e.metadata) for e in store.read_all()]


def packages(store: EventStore) -> dict[tuple[str, str], Package]:
    """The packages that are not deleted, by name and version, and nothing that can't be applied."""
    projection = Packaging()
    state = projection.empty()
    for event in store.read_all():
        projection.apply(state, event)
    rows = [row for row in state[Package].values() if isinstance(row, Package)]
    return {(row.name, row.version): row for row in rows if row.deleted_at is None}


def _hash(number: int) -> str:
    return f"{number:08x}".ljust(40, "0")


def commit(number: int, subject: str, *paths: str, status: str = "M") -> bytes:
    said: dict[str, Any] = {
        "commit": _hash(number),
        "parents": [_hash(number - 1)] if number > 1 else [],
        "author": "Ada",
        "authored_at": "2020-01-01T12:00:00+02:00",
        "subject": subject,
        "changes": [{"status": status, "path": path} for path in paths],
    }
    return json.dumps(said).encode() + b"\n"


def history(folder: Path, *lines: bytes) -> Path:
    path = folder / "tools" / "history.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(lines))
    return path


def manifest(folder: Path, name: str, **said: Any) -> Path:
    path = folder / "tools" / "bucket" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(said), encoding="utf-8")
    return path


INSTALLER = {"url": "https://x.example/a.exe", "hash": "ab" * 32}


def test_a_long_history_is_there_in_its_order_and_only_once(
    tmp_path: Path, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settled, "BATCH_EVENTS", 50)
    path = history(
        tmp_path,
        *(commit(n, f"p{n % 7}: Update to version {n}", f"p{n % 7}.json") for n in range(1, 400)),
        *(
            commit(n, f"p{n % 7}: Update to version {n - 7}", f"p{n % 7}.json")
            for n in range(400, 407)
        ),
    )
    with path.open("rb") as file:
        told = list(package_history.read(file, "tools/history.jsonl"))
    wanted = [e.event_id for a in told if isinstance(a, Append) for e in a.events]

    first = ingest(store, package_history.reader, path)
    assert outcomes(first) == {"appended": 406}
    assert [each.event_id for each in store.read_all()] == wanted
    assert appended(first) == len(wanted)
    before = log(store)

    again = ingest(store, package_history.reader, path)
    assert outcomes(again) == {"already there": 406}
    assert (appended(again), sum(each.events_already_there for each in again)) == (0, len(wanted))
    assert log(store) == before

    with path.open("ab") as file:
        file.write(commit(407, "p0: Update to version 500", "p0.json"))
    assert outcomes(ingest(store, package_history.reader, path)) == {
        "already there": 406, "appended": 1,
    }  # fmt: skip
    there = packages(store)
    assert len(there) == 7
    assert ("p0", "500") in there


@pytest.mark.parametrize("history_first", [True, False])
def test_manifests_and_history_tell_of_one_package(
    tmp_path: Path, store: EventStore, *, history_first: bool
) -> None:
    past = history(
        tmp_path,
        commit(1, "tool: Add version 1.0", "tool.json", status="A"),
        commit(2, "tool: Update to version 1.1", "bucket/tool.json"),
    )
    present = manifest(tmp_path, "tool", version="1.1", description="a tool", **INSTALLER)
    for reader, path in sorted(
        [(package_history.reader, past), (scoop_manifest.reader, present)],
        key=lambda each: (each[1] is past) != history_first,
    ):
        told = ingest(store, reader, path)
        assert not [each.error for each in told if each.error is not None]
    [package] = packages(store).values()
    assert (package.version, package.publisher, package.description) == ("1.1", "tools", "a tool")
    assert package.installer_id is not None
    ids = [each.event_id for each in store.read_all()]
    assert ids.count(registration("tools", "tool", "1.1").event_id) == 1
    assert len(ids) == 3 + 2
    assert appended(ingest(store, scoop_manifest.reader, present)) == 0
    assert appended(ingest(store, package_history.reader, past)) == 0


def test_the_files_of_one_winget_version_are_one_package(tmp_path: Path, store: EventStore) -> None:
    about = "PackageIdentifier: Maker.Tool\nPackageVersion: 1.0\n"
    parts = {
        "a.yaml": "ManifestType: defaultLocale\nDescription: does\n",
        "b.yaml": "ManifestType: installer\nInstallers:\n- InstallerUrl: https://x.example/a.exe\n"
        f"  InstallerSha256: {'ab' * 32}\n",
        "c.yaml": "ManifestType: version\nDefaultLocale: en-US\n",
        "d.yaml": "ManifestType: soup\n",
    }
    for name, text in parts.items():
        (tmp_path / name).write_text(about + text, encoding="utf-8")
    told = ingest(store, winget_manifest.reader, *(tmp_path / name for name in parts))
    assert [each.outcome for each in told] == [
        "appended", "continued", "already there", "failed",
    ]  # fmt: skip
    [package] = packages(store).values()
    assert package.description == "does"
    assert package.installer_id is not None


def test_what_is_broken_leaves_the_others_alone(tmp_path: Path, store: EventStore) -> None:
    path = history(
        tmp_path,
        commit(1, "a: Add version 1", "a.json"),
        b"half a comm\n",
        commit(3, f"a: Update to version {'1' * 60}", "a.json", "b.json"),
        commit(4, "b: Add version 1", "b.json"),
    )
    told = ingest(store, package_history.reader, path)
    assert [each.outcome for each in told] == ["appended", "failed", "failed", "appended"]
    broken = [each.error for each in told if isinstance(each.error, BrokenRecord)]
    assert [each.place for each in broken] == ["line 2", "line 3"]
    assert packages(store).keys() == {("a", "1"), ("b", "1")}


def test_a_package_that_is_recorded_otherwise_is_a_conflict(
    tmp_path: Path, store: EventStore
) -> None:
    known = registration("tools", "tool", "1.0")
    other = known.model_copy(update={"description": "not what the file says"})
    store.append(f"package-{known.package_id}", [other.with_id(known.event_id)])
    path = manifest(tmp_path, "tool", version="1.0", **INSTALLER)
    [told] = ingest(store, scoop_manifest.reader, path)
    assert isinstance(told.error, RunDiffers)
    assert (told.error.recorded, told.error.differing) == (1, 1)
    assert len(log(store)) == 1


def test_a_dry_run_says_the_same_and_appends_nothing(tmp_path: Path, store: EventStore) -> None:
    paths = [
        manifest(tmp_path, "a", version="1", **INSTALLER),
        manifest(tmp_path, "b", version="1"),
        manifest(tmp_path, "c", description="no version"),
    ]
    paths.append(paths[0])
    tried = ingest(store, scoop_manifest.reader, *paths, dry_run=True)
    assert log(store) == []
    done = ingest(store, scoop_manifest.reader, *paths)
    assert [(t.outcome, t.appended) for t in tried] == [(t.outcome, t.appended) for t in done]
    assert [t.outcome for t in done] == ["appended", "appended", "failed", "already there"]


def test_a_policy_that_reaches_beyond_itself_is_not_recorded(
    tmp_path: Path, store: EventStore
) -> None:
    bomb, good = tmp_path / "bomb.xml", tmp_path / "good.xml"
    start = '<SiPolicy xmlns="urn:schemas-microsoft-com:sipolicy">'
    body = f"{start}<VersionEx>1.0</VersionEx>{{}}</SiPolicy>"
    bomb.write_text(f'<!DOCTYPE x [<!ENTITY a "ha">]>{body.format("&a;")}', encoding="utf-8")
    good.write_text(body.format(""), encoding="utf-8")
    told = ingest(store, application_control.reader, bomb, good)
    assert [type(each.error).__name__ for each in told] == ["UnsafeXml", "NoneType"]
    assert packages(store).keys() == {("good", "1.0")}


MEASURED = """
import os, sys
from pathlib import Path
from benchmarks.memory import peak_megabytes
from eventstore import EventStore
from eventstore.ingest.package_history import reader
from eventstore.ingest.run import Ingest
with EventStore.open(sys.argv[1]) as store:
    told = sum(each.outcome == "appended" for each in Ingest(store, reader).file(Path(sys.argv[2])))
print(told, peak_megabytes(os.getpid()))
"""


@pytest.mark.faults
def test_a_history_of_100_mb_takes_little_more_memory_than_one_of_25(
    tmp_path: Path, database_url: str
) -> None:
    peaks = []
    for megabytes in (25, 100):
        commits = 100 * megabytes
        path = history(tmp_path / f"{megabytes}")
        with path.open("wb") as file:
            for n in range(1, commits + 1):
                name = f"p{n % 700}"
                said = json.loads(commit(n, f"{name}: Update to version {n}", f"{name}.json"))
                said["body"] = "x" * 9_900
                file.write(json.dumps(said).encode() + b"\n")
        assert path.stat().st_size > megabytes * 1_000_000
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, database_url, str(path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told, peak = done.stdout.split()
        assert int(told) >= 0.7 * commits  # those of the shorter file are there already
        peaks.append(float(peak))
    assert peaks[1] < peaks[0] + 30, f"{peaks[0]:.0f} MB and {peaks[1]:.0f} MB"
