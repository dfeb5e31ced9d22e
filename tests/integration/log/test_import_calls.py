"""Calls of import_events that our own client would never make: they record nothing."""

from __future__ import annotations

from typing import Final

import psycopg
import pytest

from eventstore import EventStore
from eventstore.connection.database import Connection
from tests.integration.log.facts import Said

E1, E2 = "00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"
IMPORT: Final = """
    SELECT eventstore.import_events(
        %(tenant)s, %(stream_ids)s, %(append_request)s, %(append_stream)s, %(append_expected)s,
        %(append_events)s, %(event_ids)s, %(event_types)s, %(schema_versions)s,
        %(retention_classes)s, %(correlation_ids)s, '{NULL,NULL}', '{NULL,x}', '{y,NULL}',
        %(payloads)s, %(metadata)s, %(occurred_at)s, %(tags)s)
"""


def call(**changes: str | None) -> dict[str, str | None]:
    """Two events for two streams, well-formed but for the changes."""
    plain: dict[str, str | None] = {
        "tenant": "default",
        "stream_ids": "{a-1,b-1}",
        "append_request": "{0,0}",
        "append_stream": "{1,2}",
        "append_expected": "{-2,-2}",
        "append_events": "{1,1}",
        "event_ids": f"{{{E1},{E2}}}",
        "event_types": "{log.said,log.said}",
        "schema_versions": "{1,1}",
        "retention_classes": "{work,audit}",
        "correlation_ids": f"{{{E1},{E1}}}",
        "payloads": '{"{\\"a\\":1}","{}"}',
        "metadata": "{{},{}}".replace("{}", '"{}"'),
        "occurred_at": "{NULL,2020-01-01 00:00:00+00}",
        "tags": '{"{b:2}",NULL}',
    }
    return plain | changes


MALFORMED: Final = {
    "a stream twice": call(stream_ids="{a-1,a-1}"),
    "streams not sorted": call(stream_ids="{b-1,a-1}"),
    "a NULL stream": call(stream_ids="{a-1,NULL}"),
    "a stream that is not there": call(append_stream="{1,3}"),
    "an event id twice": call(event_ids=f"{{{E1},{E1}}}"),
    "an event id that is NULL": call(event_ids=f"{{{E1},NULL}}"),
    "no events": call(event_ids=None),
    "more events than ids": call(append_events="{1,2}"),
    "fewer events than ids": call(append_events="{1,0}"),
    "a negative number of events": call(append_events="{3,-1}"),
    "an append too few": call(append_request="{0}"),
    "a type too few": call(event_types="{log.said}"),
    "no types": call(event_types=None),
    "a type that is NULL": call(event_types="{log.said,NULL}"),
    "a schema_version too many": call(schema_versions="{1,1,1}"),
    "a correlation_id too few": call(correlation_ids=f"{{{E1}}}"),
    "a stream without an append": call(stream_ids="{a-1,b-1,c-1}"),
    "a payload too few": call(payloads='{"{}"}'),
    "a payload too many": call(payloads='{"{}","{}","{}"}'),
    "a payload that is no JSON": call(payloads='{"{}","{"}'),
    "a payload that is NULL": call(payloads='{"{}",NULL}'),
    "metadata too many": call(metadata='{"{}","{}","{}"}'),
    "an unknown retention class": call(retention_classes="{work,ever}"),
    "a moment before year 1": call(occurred_at='{NULL,"0001-01-01 00:00:00+01"}'),
    "a moment after year 9999": call(occurred_at='{NULL,"9999-12-31 23:59:59-01"}'),
    "no moment at all": call(occurred_at="{NULL,-infinity}"),
    "a tag twice": call(tags='{"{a,a}",NULL}'),
    "no tags": call(tags='{"{}",NULL}'),
    "an empty tag": call(tags='{"{a,\\"\\"}",NULL}'),
    "a tag that is NULL": call(tags='{"{a,NULL}",NULL}'),
    "tags in a square": call(tags='{"{{a,b},{c,d}}",NULL}'),
    "too many tags": call(tags=f'{{"{{{",".join(map(str, range(65)))}}}",NULL}}'),
    "tags that are no array": call(tags="{a,NULL}"),
    "another tenant": call(tenant="other"),
    "every tenant": call(tenant="*"),
}


@pytest.mark.parametrize("existing", [False, True], ids=["new streams", "existing streams"])
def test_a_malformed_import_records_nothing(
    store: EventStore, appender: Connection, existing: bool
) -> None:
    if existing:
        store.append("a-1", [Said()])
        store.append("b-1", [Said()])
    before = [recorded.position for recorded in store.read_all()]
    for name, malformed in MALFORMED.items():
        with pytest.raises(psycopg.Error):
            appender.execute(IMPORT, malformed)
        assert [recorded.position for recorded in store.read_all()] == before, name
        assert store.stream_version("a-1") == store.stream_version("b-1") == int(existing), name
    appender.execute(IMPORT, call())
    found = list(store.read_all())[len(before) :]
    assert [(each.stream_id, each.stream_version, each.data, each.tags) for each in found] == [
        ("a-1", int(existing) + 1, b'{"a":1}', ("b:2",)),
        ("b-1", int(existing) + 1, b"{}", ()),
    ]
    assert [(each.agent, each.target_agent) for each in found] == [(None, "y"), ("x", None)]
