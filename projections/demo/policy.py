"""The hash policy of a package: what of it may run, by the SHA-256 of each file. Pure.

The document has the shape of an application-control policy (SiPolicy): one Allow rule a file, and
nothing else is allowed.
"""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID
from xml.etree import ElementTree as ET

from projections.demo.analysis import Analysis

__all__ = ["policy_xml", "rules"]

_NAMESPACE: Final = "urn:schemas-microsoft-com:sipolicy"
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def rules(facts: Analysis) -> dict[str, str]:
    """The SHA-256 that each file must have to be allowed, by path, in order of path.

    A file for which RECORD has no SHA-256 gets no rule, and so is not allowed.
    """
    return {
        file.path: file.sha256
        for file in sorted(facts.covered, key=lambda file: file.path)
        if file.sha256 is not None
    }


def policy_xml(title: str, policy_id: UUID, facts: Analysis) -> str:
    """The policy as a document; the same facts give the same text."""
    root = ET.Element("SiPolicy", {"xmlns": _NAMESPACE, "PolicyType": "Base Policy"})
    _add(root, "VersionEx", "1.0.0.0")
    _add(root, "PolicyID", f"{{{str(policy_id).upper()}}}")
    _add(root, "FriendlyName", title)
    file_rules = ET.SubElement(root, "FileRules")
    native = {file.path for file in facts.covered if file.native}
    for number, (path, sha256) in enumerate(rules(facts).items(), 1):
        kind = "native code" if path in native else "script"
        ET.SubElement(
            file_rules,
            "Allow",
            {
                "ID": f"ID_ALLOW_A_{number:04X}",
                "FriendlyName": _legal(f"{path} ({kind})"),
                "Hash": sha256.upper(),
            },
        )
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = _legal(text)


def _legal(text: str) -> str:
    """The text without the characters that XML 1.0 can't hold, not even escaped."""
    return _NOT_XML.sub("\ufffd", text)
