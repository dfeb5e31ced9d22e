"""The bytes that were submitted are the bytes that are stored, hashed and returned."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventstore import EventStore
from eventstore.connection.database import Connection
from eventstore.encoding.codec import encode
from eventstore.limits import MAX_SAFE_INTEGER
from tests.integration.log.facts import Said, open_store

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner) | st.dictionaries(text, inner),
    max_leaves=30,
)
# What jsonb would change, or what a careless writer would escape.
TRICKY: list[Any] = [
    {"b": 1, "a": 2, "aa": 3},
    [1.0, 1, 1e22, 5e-324, -0.0, 1.10, 0.1 + 0.2],
    'quotes " backslash \\ slash / tab \t newline \n bell \a delete \x7f',
    "\\u0000 is text here, \\ud800 too",
    "line separators \u2028 \u2029, BOM \ufeff, private \ue000, last \U0010ffff",
    "e\u0301 is not \u00e9",
    {"": {"": [[], {}, ""]}},
    {" k ": " v "},
    "x" * 300_000,
]


@pytest.mark.parametrize("value", TRICKY, ids=lambda value: repr(value)[:20])
def test_tricky_payloads(shared: EventStore, value: Any) -> None:
    compare(shared, [value])


@given(st.lists(values, min_size=1, max_size=20))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_random_payloads(shared: EventStore, payloads: list[Any]) -> None:
    compare(shared, payloads)


@pytest.mark.parametrize("where", ["environment", "address"])
def test_the_client_s_encoding_changes_nothing(
    shared: EventStore, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    url = shared.database.url
    if where == "environment":
        monkeypatch.setenv("PGCLIENTENCODING", "LATIN1")
    else:
        url += f"{'&' if '?' in url else '?'}client_encoding=LATIN1"
    with open_store(url) as store:
        for count in (1, 2):
            store.append(f"latin-{where}", [Said(text="h\u00e9") for _ in range(count)])
    monkeypatch.undo()
    with open_store(shared.database.url) as store:
        texts = [recorded.payload["text"] for recorded in store.read_stream(f"latin-{where}")]
    assert texts == ["h\u00e9"] * 3


def compare(store: EventStore, payloads: list[Any]) -> None:
    events = [Said(value=value) for value in payloads]
    receipt = store.append("bytes-1", events, metadata={"payloads": payloads[:3]})
    found = list(store.read_stream("bytes-1", receipt.stream_version - len(events) + 1))
    assert len(found) == len(events)
    for event, recorded in zip(events, found, strict=True):
        assert recorded.data == encode(event)
        assert recorded.data_hash == hashlib.sha256(recorded.data).digest()
        assert recorded.event == event
        assert recorded.payload["value"] == event.value
        assert orjson.loads(recorded.metadata) == {"payloads": payloads[:3]}
    assert store.append("bytes-1", events) == receipt


def test_the_database_computes_the_same_hash(store: EventStore, admin: Connection) -> None:
    for value in TRICKY:
        store.append("bytes-1", [Said(value=value)])
    rows = admin.execute(
        "SELECT convert_to(data::text, 'UTF8'), data_hash, sha256(convert_to(data::text, 'UTF8')) "
        "FROM eventstore.events ORDER BY position"
    ).fetchall()
    assert len(rows) == len(TRICKY)
    for recorded, (data, stored, computed) in zip(store.read_all(), rows, strict=True):
        assert data == recorded.data
        assert stored == computed == recorded.data_hash == hashlib.sha256(data).digest()
