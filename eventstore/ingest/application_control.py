"""Reads application-control policies (SiPolicy): XML, one policy a file.

| in the policy                         | in the log                                              |
|---------------------------------------|---------------------------------------------------------|
| its name, VersionEx                   | package registered: a policy is a package of its own    |
| the document                          | policy created: `policy_xml`, character for character   |
| options, rules, signers, scenarios, … | `policy_rules`, for queries                             |

The document is of unknown origin: a document type, entities and references to elsewhere are refused
before anything of them is looked at.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as DefusedTree

from eventstore.append import Append
from eventstore.ingest.package import UNKNOWN, PackageStory
from eventstore.ingest.reader import BrokenFile, Reader, whole

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["UnsafeXml", "read", "reader"]

_NAMESPACE: Final = "{urn:schemas-microsoft-com:sipolicy}"
_IDS: Final = {
    "PolicyID": "policy_id",
    "BasePolicyID": "base_policy_id",
    "PolicyTypeID": "policy_type_id",
    "PlatformID": "platform_id",
    "HvciOptions": "hvci_options",
}


class UnsafeXml(BrokenFile):
    """A document that could reach beyond itself, or grow out of all proportion: not read."""


def read(file: BinaryIO, name: str) -> Iterator[Append]:
    """The events of one policy; raises UnsafeXml, BrokenFile or InvalidEvent."""
    data = whole(file)
    root = _parsed(data)
    if root.tag != f"{_NAMESPACE}SiPolicy":
        raise BrokenFile(f"is no SiPolicy but {root.tag[:200]}")
    version = _text(root, "VersionEx")
    if not version:
        raise BrokenFile("is missing", path="VersionEx")
    rules = _rules(root)
    stated = _name(rules)
    path = PurePath(name)
    story = PackageStory(
        UNKNOWN,
        stated or path.stem,
        version,
        {"format": "application-control", "file": path.name},
        ["publisher"] if stated else ["publisher", "name"],
    )
    story.policy(_decoded(data), rules)
    yield from story.appends()


reader: Final = Reader(read, names=("*.xml",), settled=True)


def _parsed(data: bytes) -> Element:
    try:
        return DefusedTree.fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise UnsafeXml(
            f"declares a document type, an entity or an external reference ({error}); "
            "a policy needs none, and none is followed"
        ) from error
    except (DefusedTree.ParseError, ValueError, LookupError) as error:
        raise BrokenFile(f"is no XML: {error}") from error


def _decoded(data: bytes) -> str:
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BrokenFile("is neither UTF-8 nor UTF-16") from error


def _rules(root: Element) -> dict[str, Any]:
    """What the policy says, for queries; references between rules, signers and scenarios as ids."""
    found = {key: _text(root, name) for name, key in _IDS.items()}
    return {
        **{key: value for key, value in found.items() if value},
        "policy_type": root.get("PolicyType"),
        "friendly_name": root.get("FriendlyName"),
        "options": [_text(rule, "Option") for rule in _all(root, "Rules/Rule")],
        "ekus": [dict(each.attrib) for each in _all(root, "EKUs/EKU")],
        "file_rules": [_with_kind(each) for each in _all(root, "FileRules/*")],
        "signers": [
            {**each.attrib, "parts": [_with_kind(part) for part in each]}
            for each in _all(root, "Signers/Signer")
        ],
        "scenarios": [
            {
                **each.attrib,
                # Which signers and file rules hold in it, with their exceptions.
                "refers_to": [
                    _with_kind(part) for part in each.iter() if part.attrib and part is not each
                ],
            }
            for each in _all(root, "SigningScenarios/SigningScenario")
        ],
        "settings": [
            {**each.attrib, "value": "".join(each.itertext()).strip()}
            for each in _all(root, "Settings/Setting")
        ],
    }


def _name(rules: dict[str, Any]) -> str | None:
    """What the policy calls itself: in its information, else as its friendly name."""
    for setting in rules["settings"]:
        if setting.get("Provider") == "PolicyInfo" and setting.get("ValueName") == "Name":
            return str(setting["value"]) or None
    friendly_name: str | None = rules["friendly_name"]
    return friendly_name


def _all(element: Element, path: str) -> list[Element]:
    steps = (step if step == "*" else _NAMESPACE + step for step in path.split("/"))
    return element.findall("/".join(steps))


def _text(element: Element, name: str) -> str:
    return (element.findtext(_NAMESPACE + name) or "").strip()


def _with_kind(element: Element) -> dict[str, str]:
    return {"kind": element.tag.removeprefix(_NAMESPACE), **element.attrib}
