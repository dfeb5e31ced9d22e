"""Very many appends at once: each with its outcome, in order, and none a second time."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import uuid4

import pytest

from eventstore import ANY, NO_STREAM, STREAM_EXISTS, Append, EventStore, RecordedEvent
from eventstore.connection.database import Connection
from eventstore.errors import (
    ConcurrencyConflict,
    DuplicateEventId,
    InvalidEvent,
    StoreUnavailable,
    StreamClosed,
)
from eventstore.writing import importing
from eventstore.writing.importing import Imported
from tests.integration.log.facts import OF_EVERY_CLASS, Said, open_store, said


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "BATCH_EVENTS", 20)


def story(streams: int = 7, appends: int = 60) -> list[Append]:
    """Appends of one to three events, to some streams in turn."""
    return [
        Append(f"s-{number % streams}", said(number % 3 + 1), agent=f"a{number % 2}")
        for number in range(appends)
    ]


def ids(appends: list[Append]) -> list[Any]:
    return [event.event_id for append in appends for event in append.events]


def test_the_log_has_the_order_of_the_import(store: EventStore) -> None:
    store.append("s-3", said(2))
    appends, told = story(), list[Imported]()
    done = store.import_events(iter(appends), progress=told.append)
    recorded = list(store.read_all())[2:]
    assert [each.event_id for each in recorded] == ids(appends)
    assert done == Imported(new=len(recorded), position=recorded[-1].position)
    assert [each.new for each in told] == sorted({each.new for each in told})
    assert len(told) > 3
    assert told[-1] == done
    for number in range(7):
        versions = [each.stream_version for each in store.read_stream(f"s-{number}")]
        assert versions == list(range(1, len(versions) + 1))
        assert store.stream_version(f"s-{number}") == len(versions)


def test_the_same_import_again_adds_nothing(store: EventStore) -> None:
    appends = story()
    first = store.import_events(appends)
    before = list(store.read_all())
    again = store.import_events(appends)
    assert again == Imported(repeated=first.new)
    assert list(store.read_all()) == before
    # It goes on where one broke off, also in the middle of what is a batch now.
    more = [Append("s-1", said(2)), *appends[:5], Append("s-9", said(1)), *appends[5:9]]
    resumed = store.import_events(more)
    assert (resumed.new, resumed.repeated) == (3, len(ids(appends[:9])))
    assert [each.event_id for each in store.read_all()][len(before) :] == ids([more[0], more[6]])


def test_all_that_an_append_says_is_imported(store: EventStore) -> None:
    moment = datetime(1, 1, 1, 23, 4, 5, 678901, tzinfo=timezone(timedelta(hours=2, seconds=7)))
    full: dict[str, Any] = {
        "agent": "é", "target_agent": 'b"\\', "correlation_id": uuid4(), "causation_id": uuid4(),
        "occurred_at": moment, "metadata": {"k": ["ü", 1]}, "tags": ['b:"2\\', "a:é", "NULL"],
    }  # fmt: skip
    kinds = [kind(text="\u2028ß") for kind in OF_EVERY_CLASS]
    both = [("s-1", {}), ("s-2", full), ("s-3", {**full, "occurred_at": datetime.now(UTC)})]
    for stream_id, says in both:
        store.append_many([Append(f"by_{stream_id}", kinds_again(kinds), **says)])
    store.import_events([Append(stream_id, kinds, **says) for stream_id, says in both[:1]])
    store.import_events(
        [Append(stream_id, kinds_again(kinds), **says) for stream_id, says in both[1:]]
    )
    for stream_id, says in both:
        ours, theirs = (list(store.read_stream(s)) for s in (stream_id, f"by_{stream_id}"))
        assert list(map(facts, ours)) == list(map(facts, theirs))
        for each in ours:
            assert each.correlation_id == says.get("correlation_id", each.event_id)
            assert each.occurred_at == says.get("occurred_at", each.recorded_at)
    assert list(store.read_all(categories=["s"]))[-1].tags == ("NULL", "a:é", 'b:"2\\')


def kinds_again(kinds: list[Any]) -> list[Any]:
    return [event.with_id(uuid4()) for event in kinds]


def facts(recorded: RecordedEvent) -> tuple[Any, ...]:
    """What does not depend on when and where it was recorded."""
    return (
        recorded.event, recorded.data, recorded.data_hash, recorded.metadata, recorded.agent,
        recorded.target_agent, recorded.retention_class, recorded.schema_version,
        recorded.causation_id, recorded.tags, recorded.stream_version,
    )  # fmt: skip


def test_context_is_taken(store: EventStore) -> None:
    with store.context(agent="outer", metadata={"of": "import"}):
        store.import_events([Append("s-1", said(1)), Append("s-1", said(1), agent="own")])
    assert [each.agent for each in store.read_all()] == ["outer", "own"]
    assert {each.metadata for each in store.read_all()} == {b'{"of":"import"}'}


def test_each_append_has_its_own_outcome(store: EventStore, admin: Connection) -> None:
    known, partly, closed = said(1), said(2), said(1)
    store.append("known-1", known)
    store.append("partly-1", partly[:1])
    store.append("closed-1", closed)
    admin.execute("UPDATE eventstore.streams SET closed_at = now() WHERE stream_id = 'closed-1'")
    other = Said(number=99).with_id(known[0].event_id)
    appends = [
        Append("s-1", said(2), NO_STREAM),
        Append("s-1", said(1), NO_STREAM),  # refused
        Append("s-1", said(1), 2),
        Append("s-1", said(1), STREAM_EXISTS),
        Append("s-2", said(1), STREAM_EXISTS),  # refused
        Append("known-1", [other]),  # refused
        Append("partly-1", partly),  # refused
        Append("closed-1", said(1)),  # refused
        Append("closed-1", closed),  # repeated
        Append("s-2", [Said(value=float("nan"))]),  # refused
        Append("s-2", known),  # refused
        Append("s-1", said(1), 4),
    ]
    done = store.import_events(appends)
    assert (done.new, done.repeated, done.refused) == (5, 1, 8)
    assert [(each.number, each.stream_id, type(each.error)) for each in done.refusals] == [
        (1, "s-1", ConcurrencyConflict),
        (4, "s-2", ConcurrencyConflict),
        (5, "known-1", DuplicateEventId),
        (6, "partly-1", DuplicateEventId),
        (7, "closed-1", StreamClosed),
        (9, "s-2", InvalidEvent),
        (10, "s-2", DuplicateEventId),
    ]
    facts = [each.error.facts for each in done.refusals]
    assert facts[0] | {"expected": 0} == {"stream_id": "s-1", "expected": 0, "actual": 2}
    assert [facts[n]["reason"] for n in (2, 3, 6)] == [
        "other content", "partly recorded", "another stream",
    ]  # fmt: skip
    assert store.stream_version("s-1") == 5
    assert store.stream_version("s-2") == 0


def test_what_is_no_list_of_events_is_refused(shared: EventStore) -> None:
    generated: Any = (each for each in said(2))
    appends = [Append("odd-1", generated), Append("odd-1", []), Append("odd-1", said(1))]
    done = shared.import_events(appends)
    assert (done.new, done.refused) == (1, 2)
    assert [(each.number, type(each.error)) for each in done.refusals] == [
        (0, InvalidEvent), (1, InvalidEvent),
    ]  # fmt: skip
    nothing: Any = None
    with pytest.raises(InvalidEvent, match="NoneType is no Append"):
        shared.import_events([Append("odd-2", said(1)), nothing])
    assert shared.stream_version("odd-2") == 1, "what came before"


def test_an_event_that_comes_twice_is_recorded_once(store: EventStore) -> None:
    once = said(1)
    done = store.import_events([Append("s-1", once), Append("s-2", said(1)), Append("s-1", once)])
    assert (done.new, done.repeated) == (2, 1)


def test_what_the_source_raises_comes_after_what_it_gave(store: EventStore) -> None:
    appends = story()

    def source() -> Iterator[Append]:
        yield from appends
        raise OSError("the file ends here")

    with pytest.raises(OSError, match="ends here"):
        store.import_events(source())
    assert [each.event_id for each in store.read_all()] == ids(appends)


def test_memory_holds_two_batches(store: EventStore) -> None:
    alive: weakref.WeakSet[Said] = weakref.WeakSet()
    most = 0

    def source() -> Iterator[Append]:
        nonlocal most
        for number in range(400):
            event = Said(number=number)
            alive.add(event)
            most = max(most, len(alive))
            yield Append("s-1", [event])

    assert store.import_events(source()).new == 400
    assert most < 5 * 20


def test_the_same_import_at_the_same_time(store: EventStore) -> None:
    appends = story(streams=3, appends=80)
    orders = [appends, appends[::-1], appends[40:] + appends[:40], appends]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(store.import_events, orders))
    assert sum(each.new for each in done) == len(ids(appends))
    assert {each.events for each in done} == {len(ids(appends))}
    assert not any(each.refused for each in done)
    recorded = [each.event_id for each in store.read_all()]
    assert len(recorded) == len(set(recorded))
    assert set(recorded) == set(ids(appends))
    for stream in range(3):
        versions = [each.stream_version for each in store.read_stream(f"s-{stream}")]
        assert versions == list(range(1, len(versions) + 1))


def test_a_reader_follows_imports_beside_appends(store: EventStore) -> None:
    with store.subscribe() as subscription, ThreadPoolExecutor(3) as pool:
        imports = [
            pool.submit(
                store.import_events,
                (Append(f"{name}-{number % 5}", said(2)) for number in range(300)),
            )
            for name in ("a", "b")
        ]
        appends = pool.submit(lambda: [store.append("c-1", said(1)) for _ in range(100)])
        seen = [next(subscription).position for _ in range(2 * 600 + 100)]
        assert not any(each.result().refused for each in imports)
        assert len(appends.result()) == 100
    assert seen == [each.position for each in store.read_all()]


def test_an_import_outlives_its_connection(store: EventStore, admin: Connection) -> None:
    appends = story(appends=120)
    kill = (
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE application_name = 'eventstore appender' AND datname = current_database()"
    )

    def source() -> Iterator[Append]:
        for number, append in enumerate(appends):
            if number % 30 == 29:
                admin.execute(kill)
            yield append

    done = store.import_events(source())
    assert done.events == len(ids(appends))
    assert not done.refused
    assert [each.event_id for each in store.read_all()] == ids(appends)


def test_a_closed_store_imports_nothing(database_url: str) -> None:
    with open_store(database_url) as store:
        store.import_events([Append("s-1", said(1), ANY)])
    with pytest.raises(StoreUnavailable, match="closed"):
        store.import_events([Append("s-1", said(1))])
