"""Streams that are closed, reopened and described: accountable, and in exactly one order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest

from eventstore import (
    NO_STREAM,
    STREAM_EXISTS,
    Append,
    AsyncEventStore,
    Event,
    EventStore,
    Query,
    Receipt,
)
from eventstore.append import Request, prepare
from eventstore.connection.database import Connection, Database, Limits, Role, connect
from eventstore.connection.queries import load
from eventstore.errors import (
    AppendRefused,
    ConcurrencyConflict,
    InvalidEvent,
    NotFound,
    PermissionDenied,
    StoreUnavailable,
    StreamClosed,
    StreamNotClosed,
)
from eventstore.limits import MAX_DESCRIPTION_BYTES
from eventstore.streams import marking
from eventstore.vocabulary.stream import Closed, Described, Reopened
from eventstore.writing.appender import Appender
from eventstore.writing.wire import arguments
from tests.integration.log.facts import open_store, said

MARK = load("eventstore.sql", "append.sql")["mark_stream"]


@pytest.fixture
def sid(shared: EventStore) -> str:
    """A stream of two events."""
    stream_id = f"s-{uuid4().hex}"
    shared.append(stream_id, said(2), agent="ann")
    return stream_id


def test_a_stream_is_closed_and_says_why(shared: EventStore, sid: str) -> None:
    run = uuid4()
    receipt = shared.streams.close(sid, reason=" all done ", agent="bob", correlation_id=run)
    assert receipt.stream_version == 3
    with pytest.raises(StreamClosed):
        shared.append(sid, said(1))
    (closing,) = shared.read_stream(sid, 3)
    assert (closing.event_type, closing.agent, closing.correlation_id) == (
        "stream.closed", "bob", run,
    )  # fmt: skip
    assert (closing.retention_class, closing.payload) == ("audit", {"reason": "all done"})
    info = shared.streams.info(sid)
    assert info.closed
    assert (info.stream_version, info.closed_at, info.closed_by, info.closed_because) == (
        3, closing.recorded_at, "bob", "all done",
    )  # fmt: skip
    assert (info.last_position, info.last_recorded_at) == (receipt.position, closing.recorded_at)
    with pytest.raises(StreamClosed):
        shared.streams.close(sid, reason="again")
    with pytest.raises(StreamClosed):
        shared.streams.describe(sid, {"late": True})


def test_a_closed_stream_is_reopened(shared: EventStore, sid: str) -> None:
    with pytest.raises(StreamNotClosed, match=f"{sid} is not closed"):
        shared.streams.reopen(sid, reason="why not")
    shared.streams.close(sid, reason="done")
    with pytest.raises(ConcurrencyConflict):
        shared.streams.reopen(sid, reason="more to say", expected_version=2)
    assert shared.streams.info(sid).closed, "a refused reopening opens nothing"
    assert shared.streams.reopen(sid, reason="more to say", expected_version=3).stream_version == 4
    assert shared.append(sid, said(1)).stream_version == 5
    assert not shared.streams.info(sid).closed
    assert [each.event_type for each in shared.read_stream(sid, 3)] == [
        "stream.closed", "stream.reopened", "log.said",
    ]  # fmt: skip


def test_a_stream_is_described_in_its_own_words(shared: EventStore, sid: str) -> None:
    assert shared.streams.info(sid).description is None
    shared.streams.describe(sid, {"title": "first"})
    said_last = {"title": "zweite Faßung", "a": [1, 1.50, None], "nested": {"b": {}}}
    receipt = shared.streams.describe(sid, said_last)
    info = shared.streams.info(sid)
    assert (info.description, info.stream_version) == (said_last, 4)
    (recorded,) = shared.read_stream(sid, 4)
    assert recorded.position == receipt.position
    assert orjson.loads(recorded.data) == {"description": said_last}
    shared.streams.describe(sid, {})
    assert shared.streams.info(sid).description == {}


@pytest.mark.parametrize(
    "value", [None, [], "x", {"x": "y" * MAX_DESCRIPTION_BYTES}, {"x": "\x00"}]
)
def test_what_can_not_describe_is_refused(shared: EventStore, sid: str, value: Any) -> None:
    with pytest.raises(InvalidEvent, match="description"):
        shared.streams.describe(sid, value)
    assert shared.stream_version(sid) == 2


def test_a_condition_is_refused_because_nobody_would_judge_it(shared: EventStore, sid: str) -> None:
    condition: Any = {"fail_if_any": Query(tags=["any:1"])}
    with pytest.raises(InvalidEvent, match="no conditions"):
        shared.streams.close(sid, reason="done", **condition)
    assert shared.stream_version(sid) == 2


def test_who_closes_in_vain_learns_which_event_is_in_doubt(shared: EventStore, sid: str) -> None:
    url = shared.database.url.replace("port=5432", "port=1")
    gone = Database(url, "default", Limits(reconnect=0))
    with pytest.raises(StoreUnavailable) as caught:
        marking.mark(gone, sid, marking.closed("done"), STREAM_EXISTS, {})
    assert len(caught.value.event_ids) == 1


def test_a_stream_that_is_not_there(shared: EventStore) -> None:
    for call in (
        lambda: shared.streams.close("s-9", reason="x"),
        lambda: shared.streams.reopen("s-9", reason="x"),
        lambda: shared.streams.describe("s-9", {}),
        lambda: shared.streams.info("s-9"),
    ):
        with pytest.raises(NotFound, match="no stream s-9"):
            call()
    with pytest.raises(InvalidEvent, match="expected_version"):
        shared.streams.close("s-9", reason="x", expected_version=NO_STREAM)
    assert shared.stream_version("s-9") == 0


def test_only_the_streams_themselves_say_it(shared: EventStore) -> None:
    """What an agent appended would be an account of what never happened."""
    with EventStore.open(shared.database.url) as store:
        for event in (Closed(reason="x"), Reopened(reason="x"), Described(description={})):
            with pytest.raises(InvalidEvent, match=r"only store\.streams says that"):
                store.append("s-8", [event])
        assert store.stream_version("s-8") == 0


def test_the_events_are_read_typed(shared: EventStore, sid: str) -> None:
    shared.streams.close(sid, reason="done")
    with EventStore.open(shared.database.url) as store:
        (closing,) = store.read_stream(sid, 3)
        assert closing.event == Closed(reason="done")


def test_a_lost_answer_is_asked_again_and_closes_once(shared: EventStore, sid: str) -> None:
    """The same request after the stream was reopened: the first receipt, and nothing is closed."""
    request = _request(shared, sid, Closed(reason="done"))
    appender = Appender(shared.database)
    first = appender.mark(request)
    shared.streams.reopen(sid, reason="a mistake")
    assert appender.mark(request) == first
    assert not shared.streams.info(sid).closed
    again = _request(shared, sid, Reopened(reason="x"))
    assert isinstance(appender.mark(again), StreamNotClosed)
    shared.streams.close(sid, reason="for good")
    reopening = appender.mark(again)
    assert isinstance(reopening, list)
    shared.streams.close(sid, reason="for ever")
    assert appender.mark(again) == reopening
    assert shared.streams.info(sid).closed
    appender.close()


def _request(store: EventStore, stream_id: str, event: Event) -> Request:
    return prepare([Append(stream_id, [event], STREAM_EXISTS)], registry=marking._registry())


BODY = '[{"t":"%s","v":1,"k":"00000000-0000-7000-8000-000000000001","r":"audit","d":%s,"m":{}}]'


@pytest.mark.parametrize(
    "changes",
    [
        {"bodies": BODY % ("log.said", "{}")},
        {"bodies": BODY % ("stream.described", "{}")},
        {"bodies": BODY % ("stream.described", '{"description":[]}')},
        {"bodies": BODY % ("stream.described", '{"description":{"x":"%s"}}' % ("y" * 16_400))},
        {"bodies": "[]"},
        {"append_expected": "{0}"},
        {"append_expected": "{-2}"},
        {"append_expected": "{NULL}"},
        {"stream_ids": "{s-1,s-2}"},
        {"event_ids": "{}"},
    ],
)
def test_a_malformed_call_does_nothing(
    shared: EventStore, sid: str, changes: dict[str, str]
) -> None:
    plain = arguments("default", [_request(shared, sid, Closed(reason="done"))])
    with shared.database.writer() as appender, pytest.raises(psycopg.Error):
        appender.execute(MARK, plain | changes, binary=True)
    assert shared.stream_version(sid) == 2
    assert not shared.streams.info(sid).closed


def test_a_login_of_another_tenant_closes_nothing(store: EventStore, admin: Connection) -> None:
    store.append("s-1", said(2))
    request = _request(store, "s-1", Closed(reason="done"))
    with connect(store.database.url, role="owner") as owner:
        owner.execute("SELECT eventstore.bind_login(session_user, 'other')")
    for tenant in ("default", "*"):
        with store.database.writer() as other:
            with pytest.raises(psycopg.Error) as caught:
                other.execute(MARK, arguments(tenant, [request]), binary=True)
            assert caught.value.sqlstate == "ES003"
    with pytest.raises(PermissionDenied):
        store.streams.close("s-1", reason="done")
    (row,) = admin.execute("SELECT closed_at, stream_version FROM eventstore.streams").fetchall()
    assert row == (None, 2)


ROLES: tuple[Role, ...] = ("auditor", "projector", "archiver")


@pytest.mark.parametrize("role", ROLES)
def test_nor_does_any_role_but_the_appender(shared: EventStore, sid: str, role: Role) -> None:
    request = arguments("default", [_request(shared, sid, Closed(reason="done"))])
    with (
        connect(shared.database.url, role=role) as session,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        session.execute(MARK, request)


def test_asynchronously(shared: EventStore, sid: str) -> None:
    streams = AsyncEventStore(shared).streams

    async def do() -> None:
        await streams.describe(sid, {"a": 1})
        await streams.close(sid, reason="done", expected_version=3)
        info = await streams.info(sid)
        assert (info.closed, info.description) == (True, {"a": 1})
        await streams.reopen(sid, reason="again")
        assert not (await streams.info(sid)).closed
        assert "s" in [each.category for each in await streams.categories()]
        assert "stream.closed" in [each.event_type for each in await streams.event_types("s")]
        (run,) = await streams.runs(limit=1)
        (linked,) = await streams.of_correlation(run.correlation_id)
        assert linked.stream_id == sid
        assert await streams.of_tag("nothing") == []

    asyncio.run(do())


@pytest.fixture
def rivals(shared: EventStore) -> Iterator[list[EventStore]]:
    stores = [open_store(shared.database.url) for _ in range(5)]
    yield stores
    for store in stores:
        store.close()


def test_closers_and_appenders_race_in_exactly_one_order(rivals: list[EventStore]) -> None:
    """One closer wins; what was acknowledged is before it, and nothing is after it."""
    first = rivals[0]
    with ThreadPoolExecutor(len(rivals)) as pool:
        for n in range(8):
            stream_id = f"race-{n}"
            first.append(stream_id, said(1))
            outcomes = list(pool.map(_rival, rivals, range(len(rivals)), [stream_id] * len(rivals)))
            closed = [each for _, each in outcomes[:2] if isinstance(each, Receipt)]
            assert len(closed) == 1, "one closes, the other finds it closed"
            found = list(first.read_stream(stream_id))
            assert found[-1].event_type == "stream.closed"
            assert found[-1].stream_version == closed[0].stream_version == len(found)
            acknowledged = sorted(position for got, _ in outcomes for position in got)
            assert acknowledged == [each.position for each in found[1:-1]]
            assert all(isinstance(each, StreamClosed) for _, each in outcomes[2:])


def _rival(store: EventStore, number: int, stream_id: str) -> tuple[list[int], object]:
    """Two close; the others append until they are refused. What was acknowledged, and the end."""
    got: list[int] = []
    try:
        if number < 2:
            return got, store.streams.close(stream_id, reason=f"by {number}")
        while True:
            got += store.append(stream_id, said(1 + number % 2)).positions
    except AppendRefused as refused:
        return got, refused
