"""Application-control policies as events, and the documents that are not read."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest

from eventstore.append import Append, prepare
from eventstore.errors import InvalidEvent
from eventstore.event import Event
from eventstore.ingest.application_control import UnsafeXml, read, reader
from eventstore.ingest.package import registration
from eventstore.ingest.reader import BrokenFile
from eventstore.vocabulary.packaging import PolicyCreated

DATA = Path(__file__).parents[3].parent / "shared" / "data"
NAMED = """
  <Settings><Setting Provider="PolicyInfo" Key="Information" ValueName="Name">
    <Value><String>Only ours</String></Value></Setting></Settings>"""


def policy(
    more: str = NAMED, start: str = "<SiPolicy xmlns='urn:schemas-microsoft-com:sipolicy'"
) -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
{start} FriendlyName="Friendly">
  <VersionEx>1.2.3.4</VersionEx>
  <PolicyID>{{7A}}</PolicyID>
  <Rules><Rule><Option>Enabled:UMCI</Option></Rule></Rules>
  <FileRules><Deny ID="ID_DENY_1" FileName="bad.exe" /></FileRules>
  <Signers><Signer ID="S1" Name="Us"><CertRoot Type="TBS" Value="AB" /></Signer></Signers>
  <SigningScenarios><SigningScenario Value="131" ID="K">
    <ProductSigners><AllowedSigners><AllowedSigner SignerId="S1">
      <ExceptDenyRule DenyRuleID="ID_DENY_1" />
    </AllowedSigner></AllowedSigners></ProductSigners>
  </SigningScenario></SigningScenarios>{more}
</SiPolicy>"""


def told(document: str | bytes, name: str = "Some.xml") -> list[Append]:
    data = document if isinstance(document, bytes) else document.encode()
    appends = list(read(BytesIO(data), name))
    prepare(appends)
    return appends


def events(document: str | bytes) -> list[Event]:
    return [event for append in told(document) for event in append.events]


def test_a_policy_is_a_package_with_a_policy() -> None:
    registered, created = events(policy())
    assert registered == registration("unknown", "Only ours", "1.2.3.4")
    assert isinstance(created, PolicyCreated)
    assert created.policy_xml == policy()
    assert created.policy_rules == {
        "policy_id": "{7A}",
        "policy_type": None,
        "friendly_name": "Friendly",
        "options": ["Enabled:UMCI"],
        "ekus": [],
        "file_rules": [{"kind": "Deny", "ID": "ID_DENY_1", "FileName": "bad.exe"}],
        "signers": [
            {
                "ID": "S1",
                "Name": "Us",
                "parts": [{"kind": "CertRoot", "Type": "TBS", "Value": "AB"}],
            }
        ],
        "scenarios": [
            {
                "Value": "131",
                "ID": "K",
                "refers_to": [
                    {"kind": "AllowedSigner", "SignerId": "S1"},
                    {"kind": "ExceptDenyRule", "DenyRuleID": "ID_DENY_1"},
                ],
            }
        ],
        "settings": [
            {
                "Provider": "PolicyInfo",
                "Key": "Information",
                "ValueName": "Name",
                "value": "Only ours",
            }
        ],
    }


def test_its_name_is_the_friendly_one_or_the_files() -> None:
    assert events(policy(""))[0] == registration("unknown", "Friendly", "1.2.3.4")
    nameless = policy("").replace(' FriendlyName="Friendly"', "")
    [first, _] = told(nameless)
    assert first.events[0] == registration("unknown", "Some", "1.2.3.4")
    assert first.metadata["derived"] == ["publisher", "name", "occurred_at"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_document_may_be_in_either_encoding(encoding: str) -> None:
    text = policy().replace("utf-8", encoding.removesuffix("-sig"))
    created = events(text.encode(encoding))[1]
    assert isinstance(created, PolicyCreated)
    assert created.policy_xml == text


LAUGHS = "".join(
    f'<!ENTITY l{n} "{"".join(f"&l{n - 1};" for _ in range(10))}">' for n in range(1, 10)
)


@pytest.mark.parametrize(
    "declared",
    [
        f'<!DOCTYPE SiPolicy [<!ENTITY l0 "ha">{LAUGHS}]>',
        '<!DOCTYPE SiPolicy [<!ENTITY secret SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE SiPolicy SYSTEM "http://x.example/policy.dtd">',
        '<!DOCTYPE SiPolicy [<!ENTITY % far SYSTEM "http://x.example/e"> %far;]>',
    ],
)
def test_a_document_that_reaches_beyond_itself_is_refused(declared: str) -> None:
    entity = "&l9;" if "l9" in declared else "&secret;" if "secret" in declared else "1"
    text = policy().replace("<SiPolicy", f"{declared}<SiPolicy").replace("1.2.3.4", entity)
    with pytest.raises(UnsafeXml, match="document type"):
        told(text)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("", "no XML"),
        ("<a", "no XML"),
        ("<Policy/>", "no SiPolicy"),
        ("<SiPolicy/>", "no SiPolicy"),
        (policy().replace("<VersionEx>1.2.3.4</VersionEx>", ""), "VersionEx"),
        (policy().replace("utf-8", "nonsense"), "no XML"),
        (policy().replace("Only ours", "\N{DEGREE SIGN}").encode("latin-1"), "no XML"),
        (
            policy().replace("Only ours", "\N{DEGREE SIGN}").replace("utf-8", "latin-1")
            .encode("latin-1"),
            "neither UTF-8",
        ),
        ("<a>" * 100_000 + "</a>" * 100_000, "no SiPolicy"),
    ],
)  # fmt: skip
def test_a_broken_document_is_refused(document: str | bytes, reason: str) -> None:
    with pytest.raises(BrokenFile, match=reason):
        told(document)


def test_a_policy_that_no_event_can_hold_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="limit"):
        told(policy(f"<!-- {'x' * 1_100_000} -->"))


def test_the_recorded_policies() -> None:
    files = sorted((DATA / "wdac-policies").glob("*.xml"))
    if not files:
        pytest.skip("the policies are not there")
    packages, options, rules, signers = set(), 0, 0, 0
    for path in files:
        assert reader.reads(path.name)
        first, second = told(path.read_bytes(), path.name)
        packages.add(first.stream_id)
        [created] = second.events
        assert isinstance(created, PolicyCreated)
        text = re.sub("<!--.*?-->", "", path.read_text("utf-8-sig"), flags=re.DOTALL)
        found = created.policy_rules
        assert len(found["options"]) == text.count("<Option>")
        assert len(found["file_rules"]) == len(re.findall("<(?:Allow|Deny|FileAttrib) ", text))
        assert len(found["signers"]) == text.count("<Signer ")
        options += len(found["options"])
        rules += len(found["file_rules"])
        signers += len(found["signers"])
    assert (len(files), len(packages)) == (12, 12)
    assert (options, rules, signers) == (83, 850, 181)
