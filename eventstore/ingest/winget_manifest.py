"""Reads winget manifests: YAML, one file or several for a version of a package.

| in the manifest                           | in the log                                        |
|-------------------------------------------|---------------------------------------------------|
| PackageIdentifier, PackageVersion         | package registered                                |
| the rest of singleton, defaultLocale      | details: description, tags, metadata              |
| the rest of locale                        | documentation, in a further language              |
| Installers with a SHA-256                 | installer added, the first of them last           |

Each file of a version tells by itself, and all of them belong to one run. Manifests of before 1.0,
which have no type, are read as singletons, under the names that their keys have today.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any, BinaryIO, Final

from eventstore.append import Append
from eventstore.ingest.package import PackageStory, is_sha256
from eventstore.ingest.reader import BrokenFile, Reader, whole
from eventstore.ingest.yaml_text import parse

__all__ = ["read", "reader"]

Node = dict[str, Any]
_ABOUT_THE_PACKAGE: Final = frozenset({"singleton", "merged", "defaultLocale"})
_ABOUT_INSTALLERS: Final = frozenset({"singleton", "merged", "installer"})
_TYPES: Final = _ABOUT_THE_PACKAGE | _ABOUT_INSTALLERS | {"locale", "version"}
_NEWER_NAMES: Final = {
    "Id": "PackageIdentifier",
    "Version": "PackageVersion",
    "Name": "PackageName",
    "AppMoniker": "Moniker",
    "Homepage": "PackageUrl",
    "MinOSVersion": "MinimumOSVersion",
    "Arch": "Architecture",
    "Url": "InstallerUrl",
    "Sha256": "InstallerSha256",
    "Language": "InstallerLocale",
    "Switches": "InstallerSwitches",
    "UpdateBehavior": "UpgradeBehavior",
}
_ANALYSIS: Final = {
    "InstallerSwitches": "silent_switches",
    "Dependencies": "dependencies",
    "AppsAndFeaturesEntries": "detection_rules",
}
"""What the readers of `analysis_data` look for, by the names that manifests have for it."""
_NAMED: Final = frozenset({"PackageIdentifier", "PackageVersion", "Description", "Tags"})
_FOR_ALL_INSTALLERS: Final = frozenset(
    {
        "AppsAndFeaturesEntries", "Dependencies", "ElevationRequirement", "ExpectedReturnCodes",
        "InstallModes", "InstallerLocale", "InstallerSuccessCodes", "InstallerSwitches",
        "InstallerType", "MinimumOSVersion", "NestedInstallerFiles", "NestedInstallerType",
        "PackageFamilyName", "Platform", "ProductCode", "ReleaseDate", "RepairBehavior", "Scope",
        "UnsupportedArguments", "UpgradeBehavior",
    }
)  # fmt: skip
"""Keys of the file that hold for each installer which does not say otherwise."""


def read(file: BinaryIO, name: str) -> Iterator[Append]:
    """The events of one manifest; raises BrokenFile or InvalidEvent."""
    found = parse(whole(file))
    if not isinstance(found, dict):
        raise BrokenFile("is no mapping of keys to values")
    old = "PackageIdentifier" not in found and "Id" in found
    manifest = _renamed(found) if old else found
    identifier, version = (_text(manifest, key) for key in ("PackageIdentifier", "PackageVersion"))
    kind = "singleton" if old else _text(manifest, "ManifestType")
    if kind not in _TYPES:
        raise BrokenFile(f"is of the type {kind!r}", path="ManifestType")
    publisher, _, name_of_it = identifier.partition(".")
    story = PackageStory(
        publisher,
        name_of_it or identifier,
        version,
        {"format": "winget-manifest", "file": PurePath(name).name},
        ["name", "publisher"],
    )
    rest = {key: value for key, value in manifest.items() if key not in _NAMED}
    if kind in _ABOUT_THE_PACKAGE:
        story.details(_described(manifest), {"manifest": rest}, _tags(manifest))
    if kind == "locale":
        story.document(_described(manifest) or manifest.get("PackageName", ""), rest)
    if kind in _ABOUT_INSTALLERS:
        _installers(story, manifest)
    yield from story.appends()


reader: Final = Reader(read, names=("*.yaml", "*.yml"), settled=True)


def _text(manifest: Node, key: str) -> str:
    value = manifest.get(key)
    if not isinstance(value, str) or not value.strip():
        raise BrokenFile("is missing" if value is None else "is no text", path=key)
    return value.strip()


def _renamed(manifest: Node) -> Node:
    """A manifest of before 1.0 with the names of today; what has none keeps its own."""
    return {
        _NEWER_NAMES.get(key, key): [_renamed(each) for each in value if isinstance(each, dict)]
        if key == "Installers" and isinstance(value, list)
        else value
        for key, value in manifest.items()
    }


def _described(manifest: Node) -> str | None:
    found = manifest.get("Description") or manifest.get("ShortDescription")
    return found if isinstance(found, str) else None


def _tags(manifest: Node) -> list[str]:
    given = manifest.get("Tags", [])
    listed = given.split(",") if isinstance(given, str) else given
    return [each.strip() for each in listed if isinstance(each, str) and each.strip()]


def _installers(story: PackageStory, manifest: Node) -> None:
    listed = manifest.get("Installers")
    if not isinstance(listed, list) or not listed:
        raise BrokenFile("lists no installer", path="Installers")
    shared = {key: value for key, value in manifest.items() if key in _FOR_ALL_INSTALLERS}
    for number, each in reversed(list(enumerate(listed))):
        place = f"Installers.{number}"
        if not isinstance(each, dict):
            raise BrokenFile("is no mapping of keys to values", path=place)
        url, digest = each.get("InstallerUrl"), each.get("InstallerSha256")
        if digest is None:
            continue  # from the store or of a package that is its own proof: known by other marks
        if not isinstance(digest, str) or not is_sha256(digest):
            raise BrokenFile(f"{digest!r} is no SHA-256", path=f"{place}.InstallerSha256")
        if not isinstance(url, str) or not url:
            raise BrokenFile("is missing", path=f"{place}.InstallerUrl")
        story.installer(url, digest, _analysis({**shared, **each}), place=place)


def _analysis(installer: Mapping[str, Any]) -> Node:
    return {
        _ANALYSIS.get(key, key): value
        for key, value in installer.items()
        if key not in ("InstallerUrl", "InstallerSha256")
    }
