from __future__ import annotations

from uuid import UUID
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from projections.demo.analysis import Analysis, CoveredFile
from projections.demo.distributions import printable
from projections.demo.policy import policy_xml, rules

ID = UUID(int=1)
SPACE = "{urn:schemas-microsoft-com:sipolicy}"


def covered(path: str, digit: str | None = "a", *, native: bool = True) -> CoveredFile:
    return CoveredFile(path=path, sha256=digit and digit * 64, native=native)


def test_a_rule_for_each_file_with_a_hash() -> None:
    facts = Analysis(covered=[covered("b.so", "b"), covered("a", native=False), covered("c", None)])
    assert rules(facts) == {"a": "a" * 64, "b.so": "b" * 64}
    root = ET.fromstring(policy_xml("t", ID, facts))
    assert root.tag == f"{SPACE}SiPolicy"
    assert [dict(each.attrib) for each in root.iter(f"{SPACE}Allow")] == [
        {"ID": "ID_ALLOW_A_0001", "FriendlyName": "a (script)", "Hash": "A" * 64},
        {"ID": "ID_ALLOW_A_0002", "FriendlyName": "b.so (native code)", "Hash": "B" * 64},
    ]


@given(st.text(min_size=1).map(printable), st.lists(st.text(min_size=1).map(printable)))
def test_no_name_breaks_the_document(title: str, paths: list[str]) -> None:
    facts = Analysis(covered=[covered(path) for path in paths])
    root = ET.fromstring(policy_xml(title, ID, facts))
    names = [each.attrib["FriendlyName"] for each in root.iter(f"{SPACE}Allow")]
    assert len(names) == len(set(paths))
    for path, name in zip(sorted(set(paths)), names, strict=True):
        assert name.removesuffix(" (native code)") == path.replace("\ufffe", "\ufffd").replace(
            "\uffff", "\ufffd"
        )
