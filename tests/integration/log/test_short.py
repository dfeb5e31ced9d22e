"""The short ways of appending: when they are taken, what they record, and when they give up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import product
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from eventstore import ANY, NO_STREAM, STREAM_EXISTS, Append, EventStore, Receipt
from eventstore.connection.database import Connection
from eventstore.errors import ConcurrencyConflict, PermissionDenied
from tests.integration.log.facts import OF_EVERY_CLASS, Said, said
from tests.integration.log.raw_append import SQL
from tests.integration.log.waiting import until

MOMENT = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def no_close_look(admin: Connection) -> None:
    """Whoever needs the close look is refused."""
    admin.execute("REVOKE EXECUTE ON FUNCTION eventstore.append FROM eventstore_appender")


def several(store: EventStore, expected: int) -> list[Receipt]:
    return [store.append("s-1", said(3), expected_version=expected)]


def many(store: EventStore, expected: int) -> list[Receipt]:
    return store.append_many([Append("s-0", said(2)), Append("s-1", said(2), expected)])


def group(store: EventStore, expected: int) -> list[Receipt]:
    requests = [
        store.prepare([Append("s-0", said(2))]),
        store.prepare([Append("s-1", said(1), expected)]),
    ]
    outcomes = store.writer.appender.append(requests)
    if not isinstance(outcomes[1], list):
        raise outcomes[1]
    return [receipt for outcome in outcomes for receipt in outcome]  # type: ignore[union-attr]


def one(store: EventStore, expected: int) -> list[Receipt]:
    return [store.append("s-1", [Said()], expected_version=expected)]


Way = Callable[[EventStore, int], list[Receipt]]
ways = pytest.mark.parametrize("way", [one, several, many, group])


@ways
@pytest.mark.usefixtures("no_close_look")
def test_who_finds_a_stream_where_he_believes_needs_no_close_look(
    store: EventStore, way: Way
) -> None:
    told = [
        receipt for expected in (NO_STREAM, STREAM_EXISTS, ANY) for receipt in way(store, expected)
    ]
    told += way(store, store.stream_version("s-1"))
    by_id = {recorded.event_id: recorded for recorded in store.read_all()}
    assert len(by_id) == sum(len(receipt.event_ids) for receipt in told)
    for receipt in told:
        found = [by_id[event_id] for event_id in receipt.event_ids]
        assert tuple(each.position for each in found) == receipt.positions
        assert found[-1].stream_version == receipt.stream_version
        assert {each.stream_id for each in found} == {receipt.stream_id}
    for stream_id in ("s-0", "s-1"):
        versions = [recorded.stream_version for recorded in store.read_stream(stream_id)]
        assert versions == list(range(1, store.stream_version(stream_id) + 1))


def test_who_does_not_is_refused_with_the_facts(store: EventStore) -> None:
    store.append("s-1", said(2))
    for way, expected in product((one, several, many, group), (NO_STREAM, 1, 3)):
        with pytest.raises(ConcurrencyConflict) as caught:
            way(store, expected)
        assert caught.value.facts == {"stream_id": "s-1", "expected": expected, "actual": 2}
    assert (store.stream_version("s-0"), store.stream_version("s-1")) == (6, 2)


@pytest.mark.usefixtures("no_close_look")
def test_a_conflict_needs_the_close_look(store: EventStore) -> None:
    for way in (one, several, many, group):
        with pytest.raises(PermissionDenied):
            way(store, 7)
    assert list(store.read_all()) == []


def test_together_everything_that_was_said_is_recorded(store: EventStore) -> None:
    run, cause = uuid4(), uuid4()
    kinds = [kind() for kind in OF_EVERY_CLASS]
    store.append_many(
        [
            Append("é-1", said(1)),
            Append("b-1", kinds, ANY, "é", "y", run, cause, MOMENT, {"b": "é", "a": [1]}),
            Append(
                "é-1", said(1), 1, target_agent="z", occurred_at=datetime.max.replace(tzinfo=UTC)
            ),
            Append("a-1", said(1), metadata={}),
        ]
    )
    first, *middle, last, other = store.read_all()
    for plain in (first, last, other):
        assert (plain.correlation_id, plain.causation_id) == (plain.event_id, None)
        assert (plain.agent, plain.metadata) == (None, b"{}")
    assert first.occurred_at == first.recorded_at
    assert (last.stream_id, last.stream_version, last.target_agent) == ("é-1", 2, "z")
    assert last.occurred_at == datetime.max.replace(tzinfo=UTC)
    assert [recorded.event for recorded in middle] == kinds
    assert [recorded.retention_class for recorded in middle] == [k.retention for k in kinds]
    for recorded in middle:
        assert (recorded.agent, recorded.target_agent) == ("é", "y")
        assert (recorded.correlation_id, recorded.causation_id) == (run, cause)
        assert (recorded.occurred_at, recorded.metadata) == (MOMENT, '{"a":[1],"b":"é"}'.encode())


# Calls that our own client would never make ---------------------------------------------------

IDS = [UUID(int=number) for number in (1, 2, 3)]
ARGUMENTS: dict[str, Any] = {
    "stream_ids": ["b-1", "a-1", "b-1"],
    "expected": [-2, 0, None],
    "event_ids": IDS,
    "event_types": ["t"] * 3,
    "schema_versions": [1] * 3,
    "retention_classes": ["work"] * 3,
    "payloads": ["{}"] * 3,
    "occurred_ats": [None] * 3,
}
MALFORMED: dict[str, dict[str, Any]] = {
    "an event id twice": {"event_ids": [IDS[0], IDS[1], IDS[0]]},
    "an id too few": {"event_ids": IDS[:2]},
    "an id that is NULL": {"event_ids": [*IDS[:2], None]},
    "no events": {name: [] for name in ARGUMENTS},
    "no arrays": dict.fromkeys(ARGUMENTS),
    "a type too few": {"event_types": ["t"] * 2},
    "a payload too many": {"payloads": ["{}"] * 4},
    "a payload that is no JSON": {"payloads": ["{}", "{}", "{"]},
    "a stream too few": {"stream_ids": ["b-1", "a-1"]},
    "a stream that is NULL": {"stream_ids": ["b-1", "a-1", None]},
    "a stream too many": {"stream_ids": ["b-1", "a-1", "b-1", "b-1"]},
    "an unknown retention class": {"retention_classes": ["work", "work", "ever"]},
    "a moment before year 1": {"occurred_ats": [None, None, "0001-01-01 00:00:00+01"]},
    "a moment after year 9999": {"occurred_ats": ["infinity", None, None]},
    "another tenant": {"tenant": "other"},
    "every tenant": {"tenant": "*"},
}
CALL = (
    "SELECT eventstore.append_together(%(tenant)s, %(stream_ids)s::text[], "
    "%(expected)s::bigint[], %(event_ids)s::uuid[], %(event_types)s::text[], "
    "%(schema_versions)s::smallint[], %(retention_classes)s::text[], %(payloads)s::json[], "
    "NULL, NULL, NULL, NULL, NULL, %(occurred_ats)s::timestamptz[])"
)


def test_a_malformed_call_records_nothing(store: EventStore, appender: Connection) -> None:
    for name, wrong in MALFORMED.items():
        with pytest.raises(psycopg.Error):
            appender.execute(CALL, {"tenant": "default"} | ARGUMENTS | wrong)
        assert list(store.read_all()) == [], name
        assert store.stream_version("a-1") == store.stream_version("b-1") == 0, name
    [[answer]] = appender.execute(CALL, {"tenant": "default"} | ARGUMENTS)
    assert answer[:3] == [1, 1, 2]
    assert [recorded.position for recorded in store.read_all()] == answer[3:]
    assert SQL["append_together"].count("$") == 14


def test_where_one_writer_is_wrong_all_streams_stay_where_they_are(
    store: EventStore, appender: Connection
) -> None:
    store.append("b-1", said(2))
    for wrong in ([1, -2, None], [-2, -1, None], [2, 1, None], [-2, 0, 2]):
        call = {"tenant": "default"} | ARGUMENTS | {"expected": wrong}
        assert appender.execute(CALL, call).fetchone() == (None,), wrong
        assert (store.stream_version("b-1"), store.stream_version("a-1")) == (2, 0), wrong
    [[answer]] = appender.execute(CALL, {"tenant": "default"} | ARGUMENTS | {"expected": [2, 0, 3]})
    assert answer[:3] == [3, 1, 4]


@pytest.mark.parametrize("way", [EventStore.append_many, EventStore.import_events])
def test_streams_are_locked_in_the_order_of_their_ids(
    store: EventStore, admin: Connection, way: Callable[[EventStore, list[Append]], object]
) -> None:
    """So two batches never wait for each other crosswise, in whatever order they say theirs."""

    def write() -> None:
        way(
            store, [Append(stream_id, said(1)) for stream_id in ("d-1", "z-1", "m-1", "b-1", "x-1")]
        )

    write()
    free = "SELECT stream_id FROM eventstore.streams ORDER BY stream_id FOR UPDATE SKIP LOCKED"
    with ThreadPoolExecutor(1) as pool:
        with admin.transaction():
            admin.execute("SELECT FROM eventstore.streams WHERE stream_id = 'm-1' FOR UPDATE")
            written = pool.submit(write)
            until(lambda: admin.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount)
            assert admin.execute(free).fetchall() == [("m-1",), ("x-1",), ("z-1",)]
        written.result(30)
    assert {recorded.stream_version for recorded in store.read_stream("b-1")} == {1, 2}
