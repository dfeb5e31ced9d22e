"""Scoop manifests as events: the package, what is known of it, and what is downloaded."""

from __future__ import annotations

import json
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from eventstore.append import Append, prepare
from eventstore.event import Event
from eventstore.ingest.package import package_id, registration
from eventstore.ingest.reader import BrokenFile
from eventstore.ingest.scoop_manifest import read, reader
from eventstore.vocabulary.packaging import InstallerAdded, PackageDetailsChanged

DATA = Path(__file__).parents[3].parent / "shared" / "data"
DIGEST = "ab" * 32


def manifest(**more: Any) -> dict[str, Any]:
    about = {"version": "1.0", "description": "a tool", "homepage": "https://x.example"}
    return {**about, "url": "https://x.example/dl/tool-1.0.zip", "hash": DIGEST, **more}


def told(document: Any, name: str = "tools/bucket/tool.json") -> list[Append]:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    appends = list(read(BytesIO(data), name))
    prepare(appends)
    return appends


def events(document: Any, name: str = "tools/bucket/tool.json") -> list[Event]:
    return [event for append in told(document, name) for event in append.events]


def installers(document: Any) -> list[InstallerAdded]:
    return [event for event in events(document) if isinstance(event, InstallerAdded)]


def test_a_manifest_is_a_package_with_details_and_an_installer() -> None:
    registered, details, installer = events(manifest(bin="tool.exe"))
    assert registered == registration("tools", "tool", "1.0")
    assert details == PackageDetailsChanged(
        package_id=package_id("tools", "tool", "1.0"),
        description="a tool",
        metadata={
            "manifest": {
                "homepage": "https://x.example",
                "url": "https://x.example/dl/tool-1.0.zip",
                "hash": DIGEST,
                "bin": "tool.exe",
            }
        },
        tags=[],
    )
    assert isinstance(installer, InstallerAdded)
    assert (installer.filename, installer.file_type) == ("tool-1.0.zip", "zip")
    assert installer.file_path == "https://x.example/dl/tool-1.0.zip"
    assert (installer.sha256, installer.size_bytes) == (DIGEST, 0)
    assert installer.analysis_data == {"architecture": "any"}


def test_all_of_it_is_one_run_caused_by_the_registration() -> None:
    first, *rest = told(manifest())
    package = package_id("tools", "tool", "1.0")
    assert {append.correlation_id for append in (first, *rest)} == {package}
    assert {append.stream_id for append in (first, *rest)} == {f"package-{package}"}
    assert first.causation_id is None
    assert {append.causation_id for append in rest} == {first.events[0].event_id}
    assert [append.metadata["derived"] for append in (first, *rest)] == [
        ["publisher", "occurred_at"],
        ["causation", "occurred_at"],
        ["causation", "size_bytes", "occurred_at"],
    ]


def test_each_file_of_each_architecture_is_an_installer_and_the_first_is_the_current_one() -> None:
    given = manifest(
        depends="vcredist",
        architecture={
            "64bit": {
                "url": ["https://x.example/a.exe#/dl.7z", "https://x.example/b.dll"],
                "hash": ["sha256:" + "CD" * 32, "ef" * 32],
                "extract_dir": "x",
            },
            "arm64": {"url": "https://x.example/arm.msi", "hash": DIGEST},
        },
    )
    del given["url"], given["hash"]
    found = installers(given)
    assert [each.filename for each in found] == ["arm.msi", "b.dll", "dl.7z"]
    assert found[-1].file_path == "https://x.example/a.exe"
    assert (found[-1].file_type, found[-1].sha256) == ("7z", "cd" * 32)
    assert found[-1].analysis_data == {
        "architecture": "64bit", "dependencies": ["vcredist"], "extract_dir": "x",
    }  # fmt: skip


@pytest.mark.parametrize("digest", ["sha1:" + "a" * 40, "md5:" + "b" * 32, "sha512:" + "c" * 128])
def test_what_has_no_sha256_is_in_the_details_only(digest: str) -> None:
    _, details = events(manifest(hash=digest))
    assert isinstance(details, PackageDetailsChanged)
    assert details.metadata["manifest"]["hash"] == digest


def test_a_changed_manifest_adds_what_is_new() -> None:
    before = {event.event_id for event in events(manifest())}
    after = events(manifest(description="a better tool"))
    assert [type(e).__name__ for e in after if e.event_id not in before] == [
        "PackageDetailsChanged"
    ]


def test_the_bucket_is_the_folder() -> None:
    assert events(manifest(), "tools/tool.json")[0] == registration("tools", "tool", "1.0")
    with pytest.raises(BrokenFile, match="folder"):
        told(manifest(), "tool.json")


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (b"{", ""),
        (b"\xff\xfe", ""),
        (b"[]", ""),
        ({"description": "no version"}, "version"),
        (manifest(version=""), "version"),
        (manifest(version=7), "version"),
        (manifest(hash=[DIGEST, DIGEST]), "hash"),
        (manifest(architecture={"64bit": {"url": "https://x.example/a"}}), "architecture.64bit"),
    ],
)
def test_a_broken_manifest_is_refused(document: Any, path: str) -> None:
    with pytest.raises(BrokenFile) as caught:
        told(document)
    assert path in str(caught.value)


def test_the_recorded_bucket() -> None:
    files = sorted((DATA / "scoop-main" / "bucket").glob("*.json"))
    if not files:
        pytest.skip("the manifests are not there")
    types: Counter[str] = Counter()
    hashes = 0
    for path in files:
        assert reader.reads(path.name)
        types.update(type(e).__name__ for e in events(path.read_bytes(), f"main/{path.name}"))
        given = json.loads(path.read_bytes())
        for part in (given, *given.get("architecture", {}).values()):
            listed = part.get("hash", [])
            for digest in [listed] if isinstance(listed, str) else listed:
                hashes += ":" not in digest or digest.startswith("sha256:")
    assert len(files) == types["PackageRegistered"] == types["PackageDetailsChanged"] == 1_635
    assert types["InstallerAdded"] == hashes == 2_464
    assert types.total() == 1_635 * 2 + 2_464
