"""The store as a program uses it: receipts, reads, contexts, opening and closing."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import orjson
import pytest

from eventstore import (
    ANY,
    NO_STREAM,
    STREAM_EXISTS,
    Append,
    Event,
    EventRegistry,
    EventStore,
    RawEvent,
)
from eventstore.connection.database import Connection
from eventstore.embedded import EmbeddedServer
from eventstore.errors import (
    ConcurrencyConflict,
    DuplicateEventId,
    PermissionDenied,
    SchemaMismatch,
    StoreUnavailable,
)
from eventstore.limits import MAX_EVENTS_PER_CALL
from eventstore.reading.read import PAGE
from tests.integration.log.facts import OF_EVERY_CLASS, Asked, Said, open_store, said
from tests.integration.log.waiting import until


def test_what_was_said_is_what_is_recorded(store: EventStore, admin: Connection) -> None:
    run, cause = uuid4(), uuid4()
    moment = datetime(2025, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)
    said = Said(text="héllo \U0001f600", number=7)
    receipt = store.append(
        "thing-7-a",
        [said],
        agent="analyst",
        target_agent="tester",
        correlation_id=run,
        causation_id=cause,
        occurred_at=moment,
        metadata={"b": [1], "a": None},
    )
    [recorded] = store.read_stream("thing-7-a")
    assert receipt.stream_id == recorded.stream_id == "thing-7-a"
    assert receipt.event_ids == (recorded.event_id,) == (said.event_id,)
    assert receipt.positions == (recorded.position,)
    assert receipt.stream_version == recorded.stream_version == 1
    assert recorded.event == said
    assert recorded.tenant_id == "default"
    assert recorded.category == "thing"
    assert (recorded.event_type, recorded.schema_version) == ("log.said", 1)
    assert (recorded.correlation_id, recorded.causation_id) == (run, cause)
    assert (recorded.agent, recorded.target_agent) == ("analyst", "tester")
    assert recorded.retention_class == "work"
    assert orjson.loads(recorded.metadata) == {"a": None, "b": [1]}
    assert recorded.occurred_at == moment
    row = admin.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    assert timedelta(0) <= row[0] - recorded.recorded_at < timedelta(minutes=1)


def test_what_is_not_said_has_its_default(store: EventStore) -> None:
    store.append("plain", [Said()])
    [recorded] = store.read_stream("plain")
    assert recorded.category == "plain"
    assert recorded.correlation_id == recorded.event_id
    assert recorded.causation_id is None
    assert recorded.agent is None
    assert recorded.target_agent is None
    assert recorded.metadata == b"{}"
    assert recorded.occurred_at == recorded.recorded_at


def test_every_retention_class_has_its_partition(store: EventStore, admin: Connection) -> None:
    store.append("s-1", [kind() for kind in OF_EVERY_CLASS])
    rows = admin.execute(
        "SELECT retention_class, tableoid::regclass::text FROM eventstore.events ORDER BY position"
    ).fetchall()
    assert [row[0] for row in rows] == [kind.retention for kind in OF_EVERY_CLASS]
    for retention, partition in rows:
        assert partition.startswith(f"eventstore.events_{retention}_")


def test_a_receipt_is_the_same_for_ever(store: EventStore) -> None:
    first = said(3)
    receipt = store.append("s-1", first, expected_version=NO_STREAM)
    store.append("s-1", said(2))
    for expected in (ANY, NO_STREAM, STREAM_EXISTS, 0, 3, 5, 10**6):
        assert store.append("s-1", first, expected_version=expected) == receipt
    assert store.append("s-1", first[1:2]).positions == receipt.positions[1:2]
    assert store.stream_version("s-1") == 5


def test_a_large_append_can_be_repeated(store: EventStore) -> None:
    many = [Said(text="x" * 50, number=n) for n in range(MAX_EVENTS_PER_CALL)]
    receipt = store.append("s-1", many)
    assert receipt.stream_version == MAX_EVENTS_PER_CALL
    assert store.append("s-1", many, expected_version=NO_STREAM) == receipt


@pytest.mark.parametrize(
    ("expected", "existing", "fits"),
    [
        (ANY, 0, True),
        (ANY, 2, True),
        (NO_STREAM, 0, True),
        (NO_STREAM, 2, False),
        (STREAM_EXISTS, 0, False),
        (STREAM_EXISTS, 2, True),
        (0, 0, True),
        (1, 0, False),
        (1, 2, False),
        (2, 2, True),
        (3, 2, False),
        (2**63 - 1, 2, False),
    ],
)
@pytest.mark.parametrize("count", [1, 2], ids=["one", "two"])
def test_expected_versions(
    shared: EventStore, expected: int, existing: int, fits: bool, count: int
) -> None:
    stream_id = f"s-{uuid4()}"
    if existing:
        shared.append(stream_id, said(existing))
    if fits:
        receipt = shared.append(stream_id, said(count), expected_version=expected)
        assert receipt.stream_version == existing + count
        return
    with pytest.raises(ConcurrencyConflict) as caught:
        shared.append(stream_id, said(count), expected_version=expected)
    error = caught.value
    assert (error.stream_id, error.stream, error.actual) == (stream_id, stream_id, existing)
    assert error.expected == expected
    assert str(error.expected) == str(expected), "in the writer's own words"
    assert shared.stream_version(stream_id) == existing


def test_a_batch_is_all_or_nothing(store: EventStore) -> None:
    store.append("b-1", said(1))
    with pytest.raises(ConcurrencyConflict) as caught:
        store.append_many(
            [
                Append("a-1", said(2), NO_STREAM),
                Append("b-1", said(1), 7),
                Append("c-1", said(1)),
            ]
        )
    assert (caught.value.stream_id, caught.value.expected, caught.value.actual) == ("b-1", 7, 1)
    assert len(list(store.read_all())) == 1
    assert store.stream_version("a-1") == 0
    receipts = store.append_many(
        [Append("a-1", said(2), NO_STREAM), Append("b-1", said(1), 1), Append("a-1", said(1), 2)]
    )
    assert [(one.stream_id, one.stream_version) for one in receipts] == [
        ("a-1", 2),
        ("b-1", 2),
        ("a-1", 3),
    ]
    assert [p for one in receipts for p in one.positions] == sorted(
        p for one in receipts for p in one.positions
    )


def test_an_id_names_one_fact(store: EventStore) -> None:
    known, new = Said(text="known"), Said(text="new")
    store.append("s-1", [known])
    for stream_id, events, reason, offending in (
        ("s-2", [known], "another stream", known),
        ("s-1", [Said(text="other").with_id(known.event_id)], "other content", known),
        ("s-1", [known, new], "partly recorded", new),
        ("s-1", [new, known], "partly recorded", new),
        ("s-2", [new, known], "partly recorded", new),
    ):
        with pytest.raises(DuplicateEventId) as caught:
            store.append(stream_id, events)
        assert caught.value.event_id == offending.event_id
        assert caught.value.reason == reason
        assert caught.value.stream_id == stream_id
    assert len(list(store.read_all())) == 1
    assert store.stream_version("s-2") == 0


def test_reads_of_a_stream(store: EventStore) -> None:
    store.append("s-1", said(7))
    store.append("s-11", said(1))

    def versions(*args: int, **keywords: int | bool) -> list[int]:
        found = store.read_stream("s-1", *args, **keywords)  # type: ignore[arg-type]
        return [recorded.stream_version for recorded in found]

    assert versions() == [1, 2, 3, 4, 5, 6, 7]
    assert versions(5) == [5, 6, 7]
    assert versions(from_version=3, limit=2) == [3, 4]
    assert versions(backwards=True) == [7, 6, 5, 4, 3, 2, 1]
    assert versions(3, backwards=True) == [3, 2, 1]
    assert versions(backwards=True, limit=1) == [7]
    assert versions(8) == versions(limit=0) == versions(0, backwards=True) == []
    assert list(store.read_stream("none-1")) == []


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_reads_page_through_whatever_there_is(store: EventStore, more: int) -> None:
    count, run = 2 * PAGE + more, uuid4()
    store.append("s-1", said(count), correlation_id=run)
    expected = list(range(1, count + 1))
    assert [one.stream_version for one in store.read_stream("s-1")] == expected
    assert [one.stream_version for one in store.read_stream("s-1", backwards=True)] == expected[
        ::-1
    ]
    assert [one.stream_version for one in store.read_all()] == expected
    assert [one.stream_version for one in store.read_correlation(run)] == expected
    assert len(list(store.read_all(limit=PAGE + 5))) == PAGE + 5


def test_reads_of_the_whole_log(store: EventStore) -> None:
    store.append("a-1", [Said(number=1), Asked()])
    store.append("b-1", [Said(number=2)])
    store.append("a-2", [Said(number=3)])

    def numbers(**selection: object) -> list[int]:
        found = store.read_all(event_types=["log.said"], **selection)  # type: ignore[arg-type]
        return [recorded.payload["number"] for recorded in found]

    assert numbers() == [1, 2, 3]
    assert numbers(after=1) == [2, 3]
    assert numbers(after=1, until=3) == [2]
    assert numbers(until=10**9) == [1, 2, 3]
    assert numbers(categories=["a"]) == [1, 3]
    assert numbers(categories=["a", "b"], limit=2) == [1, 2]
    assert numbers(categories=[]) == []
    assert [recorded.category for recorded in store.read_all()] == ["a", "a", "b", "a"]


def test_a_run_is_followed_across_streams_and_agents(store: EventStore) -> None:
    run = uuid4()
    asked = Asked(text="who?")
    with store.context(correlation_id=run):
        store.append("a-1", [asked], agent="x", target_agent="y")
        store.append("b-1", [Said()], agent="y", causation_id=asked.event_id)
    store.append("a-1", [Said()])
    found = list(store.read_correlation(run))
    assert [(one.stream_id, one.agent, one.causation_id) for one in found] == [
        ("a-1", "x", None),
        ("b-1", "y", asked.event_id),
    ]
    assert store.read_event(asked.event_id) == found[0]
    assert store.read_event(uuid4()) is None
    assert list(store.read_correlation(uuid4())) == []


def test_contexts_nest_and_end(store: EventStore) -> None:
    run = uuid4()
    with store.context(agent="outer", correlation_id=run, metadata={"a": 1, "b": 1}):
        store.append("s-1", [Said()], metadata={"b": 2})
        with store.context(agent="inner"):
            store.append("s-1", [Said()])
        store.append_many([Append("s-1", [Said()], agent="own"), Append("s-1", [Said()])])
    store.append("s-1", [Said()])
    said = [(one.agent, one.metadata) for one in store.read_stream("s-1")]
    assert said == [
        ("outer", b'{"a":1,"b":2}'),
        ("inner", b'{"a":1,"b":1}'),
        ("own", b'{"a":1,"b":1}'),
        ("outer", b'{"a":1,"b":1}'),
        (None, b"{}"),
    ]
    assert len(list(store.read_correlation(run))) == 4


def test_a_context_ends_with_an_error_too(store: EventStore) -> None:
    with pytest.raises(ZeroDivisionError), store.context(agent="outer"):
        raise ZeroDivisionError
    store.append("s-1", [Said()])
    assert next(store.read_stream("s-1")).agent is None


def test_a_context_is_its_own_thread_s(store: EventStore) -> None:
    with store.context(agent="main"):
        other = threading.Thread(target=store.append, args=("s-1", [Said()]))
        other.start()
        other.join()
    assert next(store.read_stream("s-1")).agent is None


def test_a_type_that_this_process_does_not_know(store: EventStore) -> None:
    store.append("s-1", [Said(text="a")])
    with EventStore.open(store.database.url, registry=EventRegistry()) as stranger:
        [recorded] = stranger.read_stream("s-1")
    assert recorded.event == RawEvent("log.said", 1, {"number": 0, "text": "a", "value": None})


def test_old_events_are_lifted_on_read(store: EventStore) -> None:
    store.append("s-1", [Said(text="a")])
    newer = EventRegistry()

    class Spoken(Event, event_type="log.said", schema_version=2, registry=newer):
        words: list[str]

    newer.upcaster("log.said", from_version=1)(lambda payload: {"words": [payload["text"]]})
    with EventStore.open(store.database.url, registry=newer) as later:
        later.append("s-1", [Spoken(words=["b", "c"])])
        events = [recorded.event for recorded in later.read_stream("s-1")]
        assert events == [Spoken(words=["a"]), Spoken(words=["b", "c"])]
        assert [recorded.schema_version for recorded in later.read_stream("s-1")] == [1, 2]


ODD = ['a"b', "a,b", "{a}", "a\\b", "NULL", "a b", " a", "'", "%s", "é", "\U0001f600", "$1", "a-"]


def test_odd_names_are_names(store: EventStore) -> None:
    receipts = store.append_many([Append(name, [Said(text=name)], agent=name) for name in ODD])
    assert [one.stream_version for one in receipts] == [1] * len(ODD)
    for name in ODD:
        [recorded] = store.read_stream(name)
        assert (recorded.stream_id, recorded.agent) == (name, name)
        assert store.append(name, [Said()], expected_version=1).stream_version == 2


# Opening and closing ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2, 20])
def test_a_log_that_takes_positions_in_blocks_is_refused(
    database_url: str, admin: Connection, size: int
) -> None:
    admin.execute(f"ALTER SEQUENCE eventstore.events_position_seq CACHE {size}")
    with pytest.raises(SchemaMismatch, match=f"positions are taken {size} at a time.*CACHE 1"):
        open_store(database_url)
    admin.execute("ALTER SEQUENCE eventstore.events_position_seq CACHE 1")
    open_store(database_url).close()


def test_a_login_without_a_part_is_refused_at_once(
    database_url: str, database: str, admin: Connection
) -> None:
    admin.execute(f"CREATE ROLE {database}_stranger LOGIN")
    with pytest.raises(PermissionDenied, match="permission denied to set role"):
        open_store(database_url.replace("//eventstore@", f"//{database}_stranger@"))
    admin.execute(f"DROP ROLE {database}_stranger")


def test_a_database_that_is_not_there(database_url: str) -> None:
    with pytest.raises(StoreUnavailable, match="does not exist"):
        open_store(database_url.replace("/test_", "/no_test_"))


def test_a_closed_store_says_so(database_url: str) -> None:
    store = open_store(database_url)
    store.append("s-1", [Said()])
    store.close()
    for attempt in (
        lambda: store.append("s-1", [Said()]),
        lambda: list(store.read_all()),
        lambda: list(store.read_stream("s-1")),
        lambda: store.read_event(UUID(int=1)),
        lambda: store.subscribe().fetch(),
    ):
        with pytest.raises(StoreUnavailable, match="the store is closed"):
            attempt()
    store.close()


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_store_does_not_survive_a_fork(store: EventStore) -> None:
    """Two processes on one connection would talk into each other's answers."""
    store.append("s-1", [Said()])
    child = os.fork()
    if child == 0:
        refused = 0
        for attempt in (lambda: store.append("s-1", [Said()]), lambda: list(store.read_all())):
            try:
                attempt()
            except StoreUnavailable as error:
                refused += "before a fork" in str(error)
        os._exit(refused)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 2
    assert store.append("s-1", [Said()]).stream_version == 2


def test_nothing_is_left_open(database_url: str, admin: Connection) -> None:
    for _ in range(3):
        with open_store(database_url) as store:
            store.append("s-1", [Said()])
            list(store.read_all())

    def still_open() -> list[tuple[str]]:
        return admin.execute(
            "SELECT application_name FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND application_name LIKE 'eventstore%'"
        ).fetchall()

    until(lambda: not still_open())  # a backend ends a moment after its connection


def test_an_empty_database(server: EmbeddedServer, empty_database: str) -> None:
    with pytest.raises(SchemaMismatch, match=r"no event store.*eventstore db upgrade") as caught:
        open_store(server.admin_url(empty_database))
    assert caught.value.found is None


def test_a_server_that_nobody_prepared(durable_server: EmbeddedServer) -> None:
    with pytest.raises(SchemaMismatch, match=r"eventstore_auditor.*eventstore db bootstrap"):
        open_store(durable_server.admin_url())
