"""Reads the manifests of a scoop bucket: one JSON file, one version of one package.

| in the manifest              | in the log                                                      |
|------------------------------|-----------------------------------------------------------------|
| folder, file name, version   | package registered: publisher, name, version                    |
| description, all other keys  | details of the package; the other keys in `metadata.manifest`   |
| each url with a SHA-256      | installer added; the first one last, so that it is the current  |
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import Annotated, Any, BinaryIO, Final, NamedTuple

import msgspec
import orjson

from eventstore.append import Append
from eventstore.ingest.package import PackageStory, is_sha256
from eventstore.ingest.reader import BrokenFile, Reader, whole

__all__ = ["publisher_of", "read", "reader"]


class _Files(msgspec.Struct):
    """What is downloaded: as many hashes as addresses."""

    url: str | list[str] = []
    hash: str | list[str] = []


class _Manifest(_Files, kw_only=True):
    version: Annotated[str, msgspec.Meta(min_length=1)]
    description: str | None = None
    architecture: dict[str, _Files] = {}
    depends: str | list[str] = []


_MANIFEST: Final = msgspec.json.Decoder(_Manifest)
_SAID: Final = frozenset({"url", "hash"})


class _File(NamedTuple):
    place: str
    url: str
    sha256: str
    """Or a digest of another kind, with its name before it."""
    analysis: dict[str, Any]


def read(file: BinaryIO, name: str) -> Iterator[Append]:
    """The events of one manifest; raises BrokenFile or InvalidEvent."""
    data = whole(file).removeprefix(b"\xef\xbb\xbf")
    try:
        manifest, given = _MANIFEST.decode(data), orjson.loads(data)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$.")
        raise BrokenFile(reason, path=place.rstrip("`")) from error
    except (msgspec.DecodeError, orjson.JSONDecodeError, UnicodeDecodeError) as error:
        raise BrokenFile(f"is no JSON: {error}") from error
    path = PurePath(name)
    story = PackageStory(
        publisher_of(path),
        path.stem,
        manifest.version,
        {"format": "scoop-manifest", "file": path.name},
        ["publisher"],
    )
    rest = {key: value for key, value in given.items() if key not in ("version", "description")}
    story.details(manifest.description, {"manifest": rest})
    depends = [manifest.depends] if isinstance(manifest.depends, str) else manifest.depends
    about = {"dependencies": depends} if depends else {}
    files = list(_files("", manifest, {"architecture": "any", **about}))
    for kind, found in manifest.architecture.items():
        own = {key: value for key, value in given["architecture"][kind].items() if key not in _SAID}
        known = {"architecture": kind, **about, **own}
        files += _files(f"architecture.{kind}.", found, known)
    for each in reversed(files):  # the current installer is the one that was added last
        if is_sha256(each.sha256):
            address, _, local = each.url.partition("#/")
            story.installer(address, each.sha256, each.analysis, file=local, place=each.place)
    yield from story.appends()


reader: Final = Reader(read, names=("*.json",), folders=2, settled=True)


def publisher_of(path: PurePath) -> str:
    """The name of the bucket: of the folder that the manifests' folder `bucket` is in."""
    folders = path.parent.parts
    if folders and folders[-1] == "bucket":
        folders = folders[:-1]
    if not folders:
        raise BrokenFile("is in no folder, whose name would be the bucket's")
    return folders[-1]


def _files(place: str, found: _Files, analysis: dict[str, Any]) -> Iterator[_File]:
    urls = [found.url] if isinstance(found.url, str) else found.url
    hashes = [found.hash] if isinstance(found.hash, str) else found.hash
    if len(urls) != len(hashes):
        raise BrokenFile(f"{len(urls)} addresses and {len(hashes)} hashes", path=f"{place}hash")
    for number, (url, digest) in enumerate(zip(urls, hashes, strict=True)):
        yield _File(f"{place}url.{number}", url, digest.removeprefix("sha256:"), analysis)
