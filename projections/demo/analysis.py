"""What a distribution's metadata and RECORD say, read from the disk once and then only passed on.

An Analysis goes into the log as the analyst's finding; all that follows is made from that.
"""

from __future__ import annotations

import hashlib
from email.message import Message
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit, urlunsplit

import orjson
from pydantic import BaseModel, ConfigDict

from projections.demo.distributions import Unreadable, clean, headers, metadata, printable
from projections.demo.record import Entry, RecordFlaw, parse_record

__all__ = ["Analysis", "CoveredFile", "analyze", "read_record"]

_MAGIC: Final = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"\xce\xfa\xed\xfe")
"""How native programs begin: ELF, PE, and Mach-O in its three forms."""
_MANY: Final = 20
"""Names of a kind that are listed; the rest is counted."""


class CoveredFile(BaseModel):
    """A file that a policy has to name."""

    model_config = ConfigDict(frozen=True)

    path: str
    sha256: str | None
    """As recorded, in hexadecimal; null when RECORD has none."""
    native: bool


class Analysis(BaseModel):
    """The facts about one distribution."""

    model_config = ConfigDict(frozen=True)

    files: int = 0
    """Lines of RECORD."""
    hashed: int = 0
    """Files with a hash that proves them."""
    exempt: int = 0
    """Files that rightly have none: RECORD itself, and bytecode that the installer compiled."""
    unproved: int = 0
    """All others."""
    unproved_names: list[str] = []
    size: int = 0
    """Bytes, as recorded."""
    covered: list[CoveredFile] = []
    """Native code, commands, and .pth files: what can run without being imported."""
    commands: list[str] = []
    """Commands and windows programs that its entry points name."""
    entry_points: dict[str, int] = {}
    """How many entry points there are of each group."""
    starters: list[str] = []
    """.pth files, which the interpreter reads at every start."""
    requires: list[str] = []
    license: str | None = None
    tags: list[str] = []
    """The platforms that its wheel was built for."""
    record_size: int = 0
    record_sha256: str = hashlib.sha256(b"").hexdigest()
    origin: str | None = None
    """Where it came from, when it was not the package index."""
    archive_sha256: str | None = None
    """Of the archive that it was installed from, when the installer wrote it down."""
    refusal: str | None = None
    """Why it can't be packaged at all, when that is plain from the metadata."""

    @property
    def native(self) -> list[CoveredFile]:
        """Its native libraries and programs."""
        return [file for file in self.covered if file.native]

    def details(self) -> dict[str, Any]:
        """The facts as JSON."""
        return self.model_dump(mode="json")

    @classmethod
    def from_details(cls, details: dict[str, Any]) -> Self:
        """The facts back from JSON."""
        return cls.model_validate(details)


def analyze(location: Path) -> Analysis:
    """Reads the metadata of a distribution; what is wrong with them is its `refusal`."""
    try:
        said = headers(location)
        facts: dict[str, Any] = {
            "license": _license(said),
            "requires": [clean(each) for each in said.get_all("Requires-Dist") or ()],
            **_origin(location),
            **_entry_points(location),
        }
        wheel = metadata(location, "WHEEL") or ""
        facts["tags"] = [
            clean(line.partition(":")[2]) for line in wheel.splitlines() if line.startswith("Tag:")
        ]
        raw, entries = read_record(location)
    except (Unreadable, RecordFlaw) as flaw:
        return Analysis(refusal=str(flaw))
    refusal = facts.pop("refusal", None)
    if refusal is None and not any(entry.proves for entry in entries):
        refusal = "RECORD has no hash at all, so nothing can be checked"
    unproved = [entry.path for entry in entries if not (entry.proves or entry.exempt)]
    return Analysis(
        files=len(entries),
        hashed=sum(entry.proves for entry in entries),
        exempt=sum(entry.exempt and not entry.proves for entry in entries),
        unproved=len(unproved),
        unproved_names=[printable(path) for path in unproved[:_MANY]],
        size=sum(entry.size or 0 for entry in entries),
        covered=_covered(location.parent, entries),
        starters=[printable(entry.path) for entry in entries if entry.starter],
        record_size=len(raw),
        record_sha256=hashlib.sha256(raw).hexdigest(),
        refusal=refusal,
        **facts,
    )


def read_record(location: Path) -> tuple[bytes, list[Entry]]:
    """RECORD's bytes and its lines; raises Unreadable or RecordFlaw."""
    try:
        raw = (location / "RECORD").read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise Unreadable(
            "it has no RECORD, so there is nothing to check its files against"
        ) from None
    except OSError as error:
        raise Unreadable(f"its RECORD can't be read: {error.strerror}") from error
    try:
        return raw, parse_record(raw.decode())
    except UnicodeDecodeError as error:
        raise Unreadable(f"its RECORD is not UTF-8: {error}") from error


def _covered(root: Path, entries: list[Entry]) -> list[CoveredFile]:
    """The files that can run on their own, each once."""
    found: dict[str, CoveredFile] = {}
    for entry in entries:
        native = entry.native or _begins_natively(root, entry)
        if native or entry.command or entry.starter:
            path = printable(entry.path)
            found[path] = CoveredFile(path=path, sha256=entry.sha256_hex(), native=native)
    return list(found.values())


def _begins_natively(root: Path, entry: Entry) -> bool:
    """Whether a file without a suffix is a native program, by its first bytes."""
    path = root / entry.path
    if path.suffix or entry.exempt:
        return False
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(4).startswith(_MAGIC)
    except (OSError, ValueError):  # the tester will say so
        return False


def _license(said: Message) -> str | None:
    """What it is licensed under, in a few words: some put the whole text where its name belongs."""
    free = clean(said["License"])
    named = [
        clean(classifier).rpartition(" :: ")[2]
        for classifier in said.get_all("Classifier") or ()
        if str(classifier).startswith("License ::")
    ]
    for words in (clean(said["License-Expression"]), "" if len(free) > 60 else free, *named, free):
        if words and words != "UNKNOWN":
            return words if len(words) <= 60 else words[:59] + "\u2026"
    return None


def _origin(location: Path) -> dict[str, Any]:
    """What direct_url.json says: it is there when the package index was not asked."""
    text = metadata(location, "direct_url.json")
    if text is None:
        return {}
    try:
        said = orjson.loads(text)
        address = urlsplit(said["url"])
        kept = address._replace(netloc=address.netloc.rpartition("@")[2])  # never a password
        url = clean(urlunsplit(kept))
        hashes = said.get("archive_info", {}).get("hashes") or {}
        editable = said.get("dir_info", {}).get("editable", False)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise Unreadable("its direct_url.json does not say where it came from") from error
    found: dict[str, Any] = {"origin": url}
    if isinstance(hashes.get("sha256"), str):
        found["archive_sha256"] = clean(hashes["sha256"])
    if editable:
        found["refusal"] = (
            f"it is an editable install: its code lies in {url}, and no recorded hash covers it"
        )
    return found


def _entry_points(location: Path) -> dict[str, Any]:
    groups: dict[str, list[str]] = {}
    try:
        for point in Distribution.at(location).entry_points:
            groups.setdefault(clean(point.group), []).append(clean(point.name))
    except Exception as error:  # importlib.metadata raises whatever a malformed file leads to
        raise Unreadable(
            "its entry_points.txt is not made of sections with name = object"
        ) from error
    commands = groups.get("console_scripts", []) + groups.get("gui_scripts", [])
    return {
        "commands": sorted(commands),
        "entry_points": {group: len(names) for group, names in sorted(groups.items())},
    }
