"""Winget manifests as events: one package version from one file or from several."""

from __future__ import annotations

from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from eventstore.append import Append, prepare
from eventstore.event import Event
from eventstore.ingest.package import package_id, registration
from eventstore.ingest.reader import BrokenFile
from eventstore.ingest.winget_manifest import read, reader
from eventstore.vocabulary.packaging import (
    DocumentationWritten,
    InstallerAdded,
    PackageDetailsChanged,
)

DATA = Path(__file__).parents[3].parent / "shared" / "data"
DIGEST = "AB" * 32
ABOUT = "PackageIdentifier: Maker.The.Tool\nPackageVersion: 1.10\n"
INSTALLERS = f"""
InstallerType: exe
InstallerSwitches: {{Silent: /S}}
Installers:
- Architecture: x64
  InstallerUrl: https://x.example/tool%20x64.exe
  InstallerSha256: {DIGEST}
- Architecture: arm64
  InstallerType: msi
  InstallerUrl: https://x.example/arm.msi
  InstallerSha256: {DIGEST}
  AppsAndFeaturesEntries: [{{ProductCode: '{{1}}'}}]
"""


def told(text: str | bytes, name: str = "tool.yaml") -> list[Append]:
    data = text if isinstance(text, bytes) else text.encode()
    appends = list(read(BytesIO(data), name))
    prepare(appends)
    return appends


def events(text: str | bytes) -> list[Event]:
    return [event for append in told(text) for event in append.events]


def test_a_single_file_tells_all() -> None:
    registered, details, arm, x64 = events(
        f"{ABOUT}ManifestType: singleton\nPublisher: The Maker\nShortDescription: short\n"
        f"Tags: [a, b]\n{INSTALLERS}"
    )
    assert registered == registration("Maker", "The.Tool", "1.10")
    assert isinstance(details, PackageDetailsChanged)
    assert (details.description, details.tags) == ("short", ["a", "b"])
    assert details.metadata["manifest"]["Publisher"] == "The Maker"
    assert isinstance(arm, InstallerAdded)
    assert isinstance(x64, InstallerAdded)
    assert (x64.filename, x64.file_type, x64.sha256) == ("tool x64.exe", "exe", DIGEST.lower())
    assert x64.analysis_data == {
        "Architecture": "x64", "InstallerType": "exe", "silent_switches": {"Silent": "/S"},
    }  # fmt: skip
    assert arm.analysis_data["InstallerType"] == "msi"
    assert arm.analysis_data["detection_rules"] == [{"ProductCode": "{1}"}]


def test_several_files_tell_one_package() -> None:
    version = told(f"{ABOUT}DefaultLocale: en-US\nManifestType: version\n", "v.yaml")
    default = told(f"{ABOUT}ManifestType: defaultLocale\nDescription: long\n", "d.yaml")
    further = told(f"{ABOUT}ManifestType: locale\nPackageLocale: de\nDescription: lang\n", "l.yaml")
    installer = told(f"{ABOUT}ManifestType: installer\n{INSTALLERS}", "i.yaml")
    everything = [*version, *default, *further, *installer]
    package = package_id("Maker", "The.Tool", "1.10")
    assert {append.correlation_id for append in everything} == {package}
    assert len({append.events[0].event_id for append in everything}) == 1 + 0 + 1 + 1 + 2
    [document] = further[1].events
    assert isinstance(document, DocumentationWritten)
    assert document.content == "lang"
    assert document.sections == {"ManifestType": "locale", "PackageLocale": "de"}


def test_a_manifest_of_before_1_0_is_told_like_one_of_today() -> None:
    old = events(
        f"Id: ' Maker.The.Tool '\nVersion: 1.10\nName: Tool\nTags: 'a, b'\nDescription: long\n"
        f"Installers:\n- Arch: x64\n  Url: https://x.example/t.exe\n  Sha256: {DIGEST}\n"
    )
    assert old[0] == registration("Maker", "The.Tool", "1.10")
    assert isinstance(old[1], PackageDetailsChanged)
    assert (old[1].tags, old[1].metadata["manifest"]["PackageName"]) == (["a", "b"], "Tool")
    assert isinstance(old[2], InstallerAdded)
    assert old[2].analysis_data == {"Architecture": "x64"}


def test_an_installer_without_a_sha256_is_in_the_details_only() -> None:
    found = events(
        f"{ABOUT}ManifestType: singleton\nInstallers:\n- InstallerType: msstore\n  ProductId: 9W\n"
    )
    assert [type(each).__name__ for each in found] == ["PackageRegistered", "PackageDetailsChanged"]
    assert isinstance(found[1], PackageDetailsChanged)
    assert found[1].metadata["manifest"]["Installers"][0]["ProductId"] == "9W"


def test_an_installer_that_stands_there_twice_is_one() -> None:
    one = f"- InstallerUrl: https://x.example/t.exe\n  InstallerSha256: {DIGEST}\n"
    found = events(f"{ABOUT}ManifestType: installer\nInstallers:\n{one}{one}")
    assert len(found) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("- a\n", "mapping"),
        ("a: [", "no YAML"),
        ("PackageVersion: 1\nManifestType: version\n", "PackageIdentifier"),
        (f"{ABOUT}", "ManifestType"),
        (f"{ABOUT}ManifestType: recipe\n", "'recipe'"),
        (f"{ABOUT}ManifestType: installer\n", "Installers"),
        (f"{ABOUT}ManifestType: installer\nInstallers: [x]\n", "Installers.0"),
        (
            f"{ABOUT}ManifestType: installer\nInstallers:\n- InstallerUrl: u\n"
            "  InstallerSha256: 12\n",
            "Installers.0.InstallerSha256",
        ),
        (
            f"{ABOUT}ManifestType: installer\nInstallers:\n- InstallerSha256: {DIGEST}\n",
            "Installers.0.InstallerUrl",
        ),
        (f"{ABOUT}ManifestType: &t version\nOther: *t\n", "alias"),
        (f"{ABOUT}PackageVersion: 2\nManifestType: version\n", "twice"),
        (f"{ABOUT}ManifestType: version\n---\na: b\n", "several documents"),
        (f"{ABOUT}? [a]\n: b\n", "key is no text"),
        (f"{ABOUT}deep: {'[' * 200}{']' * 200}\n", "nested"),
        (b"\xff\xfe\x00", "no YAML"),
    ],
)
def test_a_broken_manifest_is_refused(text: str | bytes, reason: str) -> None:
    with pytest.raises(BrokenFile, match=reason):
        told(text)


def test_the_recorded_manifests() -> None:
    files = sorted((DATA / "winget-manifests").rglob("*.yaml"))
    if not files:
        pytest.skip("the manifests are not there")
    types: Counter[str] = Counter()
    expected: Counter[str] = Counter()
    packages = set()
    for path in files:
        assert reader.reads(path.name)
        found = told(path.read_bytes(), path.name)
        types.update(type(append.events[0]).__name__ for append in found)
        packages.add(found[0].stream_id)
        expected.update(parts(yaml.load(path.read_bytes(), yaml.BaseLoader)))
    assert types == expected
    assert (len(files), len(packages), types["InstallerAdded"]) == (117, 28, 130)


def parts(manifest: dict[str, Any]) -> Counter[str]:
    """What should become of a manifest."""
    kind = manifest.get("ManifestType", "singleton")
    files = {
        repr(sorted(each.items()))
        for each in manifest.get("Installers", [])
        if "Sha256" in each or "InstallerSha256" in each
    }
    return Counter(
        PackageRegistered=1,
        PackageDetailsChanged=int(kind in ("singleton", "merged", "defaultLocale")),
        DocumentationWritten=int(kind == "locale"),
        InstallerAdded=len(files),
    )
