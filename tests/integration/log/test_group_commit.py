"""Group commit: many callers share a transaction, and none of them another's trouble."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Any

import pytest

from eventstore import NO_STREAM, Append, EventStore, Receipt
from eventstore.config import load
from eventstore.connection.database import Connection, Database, Limits, connect
from eventstore.errors import (
    ConcurrencyConflict,
    DuplicateEventId,
    EventStoreError,
    StoreUnavailable,
)
from tests.integration.log.clock import Clock
from tests.integration.log.facts import FACTS, Asked, Said, said
from tests.integration.log.processes import children
from tests.integration.log.raw_append import append
from tests.integration.log.waiting import until

Outcome = Future[list[Receipt]]


class Crowd:
    """Threads that append one after the other into the queue of one writer."""

    def __init__(self, store: EventStore) -> None:
        self.store = store
        self.pool = ThreadPoolExecutor(32)
        self.length = 0

    def lead(self, *appends: Append) -> Outcome:
        """The first: it sends its request at once."""
        led: Outcome = self.pool.submit(self.store.append_many, appends)
        until(lambda: self.store.writer._led and not self.store.writer._queue)
        return led

    def join(self, *appends: Append) -> Outcome:
        """One more, which waits until the leader is back."""
        joined: Outcome = self.pool.submit(self.store.append_many, appends)
        self.length += 1
        until(lambda: len(self.store.writer._queue) == self.length)
        return joined


@pytest.fixture
def crowd(store: EventStore) -> Iterator[Crowd]:
    made = Crowd(store)
    yield made
    made.pool.shutdown()


@contextmanager
def held(appender: Connection, stream_id: str = "held-1") -> Iterator[None]:
    """Keeps a stream locked, so that a batch that touches it takes as long as we like."""
    with appender.transaction():
        append(appender, stream_id)
        yield


def one(stream_id: str, *events: Said, expected: int = -2) -> Append:
    return Append(stream_id, events or [Said()], expected)


def test_who_waits_shares_one_transaction(
    crowd: Crowd, appender: Connection, store: EventStore
) -> None:
    with held(appender):
        leader = crowd.lead(one("held-1"))
        followers = [crowd.join(one(f"s-{n % 5}")) for n in range(20)]
    assert leader.result()[0].stream_version == 2
    positions = [follower.result()[0].position for follower in followers]
    assert positions == list(range(positions[0], positions[0] + 20)), "in the order of the queue"
    found = [recorded for recorded in store.read_all() if recorded.position in positions]
    assert len({recorded.recorded_at for recorded in found}) == 1


def test_a_refused_request_does_not_touch_its_neighbours(
    crowd: Crowd, appender: Connection, store: EventStore
) -> None:
    old, partly = said(2), Said(text="new")
    first = store.append("old-1", old)
    with held(appender):
        crowd.lead(one("held-1"))
        outcomes: dict[str, Outcome] = {
            "before": crowd.join(one("s-1")),
            "conflict": crowd.join(one("s-1", expected=NO_STREAM)),
            "between": crowd.join(one("s-1", expected=1)),
            "conflict in its second append": crowd.join(one("s-2"), one("s-1", expected=1)),
            "duplicate": crowd.join(one("s-3", old[0])),
            "partly known": crowd.join(one("old-1", old[0], partly)),
            "repeat": crowd.join(one("old-1", *old, expected=NO_STREAM)),
            "several": crowd.join(one("s-1", expected=2), one("s-2", expected=NO_STREAM)),
            "several of one stream": crowd.join(one("s-2", expected=1), one("s-2", expected=2)),
            "after": crowd.join(one("s-1", expected=3)),
        }
    assert {name: said_of(outcome) for name, outcome in outcomes.items()} == {
        "before": [("s-1", 1)],
        "conflict": (ConcurrencyConflict, "s-1", NO_STREAM, 1),
        "between": [("s-1", 2)],
        "conflict in its second append": (ConcurrencyConflict, "s-1", 1, 2),
        "duplicate": (DuplicateEventId, old[0].event_id, "old-1", "another stream"),
        "partly known": (DuplicateEventId, partly.event_id, "old-1", "partly recorded"),
        "repeat": [("old-1", 2)],
        "several": [("s-1", 3), ("s-2", 1)],
        "several of one stream": [("s-2", 2), ("s-2", 3)],
        "after": [("s-1", 4)],
    }
    assert outcomes["repeat"].result() == [first]
    assert store.stream_version("s-3") == 0
    for stream_id, length in (("s-1", 4), ("s-2", 3), ("old-1", 2)):
        versions = [recorded.stream_version for recorded in store.read_stream(stream_id)]
        assert versions == list(range(1, length + 1))


def said_of(outcome: Outcome) -> Any:
    """What came of a request, in plain values."""
    try:
        return [(receipt.stream_id, receipt.stream_version) for receipt in outcome.result()]
    except ConcurrencyConflict as error:
        return type(error), error.stream_id, error.expected, error.actual
    except DuplicateEventId as error:
        return type(error), error.event_id, error.recorded_in, error.reason
    except StoreUnavailable as error:
        return type(error)


@pytest.mark.parametrize("refused", range(1, 7))
def test_one_that_goes_in_among_many_that_are_refused(shared: EventStore, refused: int) -> None:
    stream_id = f"among-{refused}"
    first = shared.append(stream_id, said(1))
    wrong = [Append(stream_id, said(1), NO_STREAM) for _ in range(refused)]
    requests = [shared.prepare([each]) for each in [*wrong, Append(stream_id, said(1), 1)]]
    *conflicts, taken = shared.writer.submit_many(requests)
    assert all(isinstance(each.exception(), ConcurrencyConflict) for each in conflicts)
    (receipt,) = taken.result()
    assert (receipt.stream_version, receipt.position > first.position) == (2, True)


def test_the_same_event_from_two_callers_at_once(crowd: Crowd, appender: Connection) -> None:
    twice = Said()
    with held(appender):
        crowd.lead(one("held-1"))
        outcomes = [crowd.join(one("s-1", twice)) for _ in range(3)]
        elsewhere = crowd.join(one("s-2", twice))
    receipts = [outcome.result() for outcome in outcomes]
    assert receipts[0] == receipts[1] == receipts[2]
    with pytest.raises(DuplicateEventId, match="another stream"):
        elsewhere.result()


def test_a_missing_partition_spoils_nothing(
    crowd: Crowd, appender: Connection, admin: Connection
) -> None:
    clock = Clock(admin)
    with held(appender):
        crowd.lead(one("held-1"))
        outcomes = [crowd.join(one(f"s-{n}")) for n in range(3)]
        clock.set(4)
    assert [said_of(outcome) for outcome in outcomes] == [[(f"s-{n}", 1)] for n in range(3)]


def test_a_stream_that_somebody_holds_too_long_fails_alone(
    database_url: str, appender: Connection
) -> None:
    database = Database(database_url, "default", Limits(lock=0.3))
    with EventStore(database, FACTS, load()) as store, held(appender, "stuck-1"):
        crowd = Crowd(store)
        with held_by_another(database_url):
            crowd.lead(one("held-1"))
            outcomes = [
                crowd.join(one(name)) for name in ("s-1", "stuck-1", "s-2", "stuck-1", "s-3")
            ]
        assert [said_of(outcome) for outcome in outcomes] == [
            [("s-1", 1)],
            StoreUnavailable,
            [("s-2", 1)],
            StoreUnavailable,
            [("s-3", 1)],
        ]
        error = outcomes[1].exception()
        assert isinstance(error, StoreUnavailable)
        assert error.event_ids == (), "the outcome is known: nothing was recorded"
        crowd.pool.shutdown()


@contextmanager
def held_by_another(url: str, stream_id: str = "held-1") -> Iterator[None]:
    with connect(url, role="appender", tenant="default") as other, held(other, stream_id):
        yield


def test_when_the_server_is_gone_each_learns_of_its_own_events(
    database_url: str, appender: Connection, admin: Connection, wait_for_blocked: Callable[[], None]
) -> None:
    database = Database(database_url, "default", Limits(reconnect=0))
    with EventStore(database, FACTS, load()) as store:
        crowd = Crowd(store)
        with held(appender):
            leader_said, follower_said = Said(), said(2)
            leader = crowd.lead(one("held-1", leader_said))
            wait_for_blocked()
            follower = crowd.join(one("s-1", *follower_said))
            # The leader's session ends; the one that takes over finds its stream locked too.
            store.database.url = database_url.replace("port=5432", "port=1")
            end_blocked(admin)
            for outcome, events in ((leader, [leader_said]), (follower, follower_said)):
                with pytest.raises(StoreUnavailable) as caught:
                    outcome.result()
                assert caught.value.event_ids == tuple(event.event_id for event in events)
        store.database.url = database_url
        assert store.append("held-1", [leader_said]).stream_version == 2
        assert store.append("s-1", follower_said).stream_version == 2
        crowd.pool.shutdown()


def end_blocked(admin: Connection) -> None:
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )


@pytest.mark.parametrize("who", ["leader", "follower", "successor"])
def test_an_interrupt_is_nobody_else_s(
    database_url: str,
    appender: Connection,
    store: EventStore,
    wait_for_blocked: Callable[[], None],
    who: str,
) -> None:
    with (
        children(1, "interrupted", database_url, who) as [child],
        held_by_another(database_url, "held-2"),
    ):
        with held(appender):
            child.tell(go=True)
            assert child.hear() == "queued"
            if who != "successor":
                child.process.send_signal(signal.SIGINT)
            if who == "leader":
                outcome, versions, again = child.hear()
        if who == "successor":
            until(lambda: store.stream_version("held-1") == 2)
            wait_for_blocked()
            child.process.send_signal(signal.SIGINT)
        if who != "leader":
            outcome, versions, again = child.hear()
    assert outcome == "interrupted"
    assert versions == ([] if who == "leader" else [2]) + [1, 1, 1, 1]
    assert again == 2


def test_without_a_thread_what_waits_is_refused_and_nothing_else(
    shared: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_many(thread: Thread) -> None:
        raise RuntimeError("can't start new thread")

    with EventStore(Database(shared.database.url, "default"), FACTS, load()) as own:
        later = list[Future[list[Receipt]]]()
        append, start = own.writer.appender.append, Thread.start

        def meet(*arguments: Any) -> Any:
            """Somebody comes while the lone caller's append is under way."""
            monkeypatch.setattr(Thread, "start", too_many)
            later.append(own.writer.submit(own.prepare([one("threads-1")])))
            return append(*arguments)

        monkeypatch.setattr(own.writer.appender, "append", meet)
        assert own.append("threads-1", [Said()]).stream_version == 1
        monkeypatch.setattr(own.writer.appender, "append", append)
        refused = later[0].exception(10)
        assert isinstance(refused, StoreUnavailable)
        assert "nothing of it was recorded" in str(refused)
        with pytest.raises(StoreUnavailable, match="no thread"):
            own.append("threads-1", [Said()], timeout=10)
        monkeypatch.setattr(Thread, "start", start)
        assert own.append("threads-1", [Said()], timeout=10).stream_version == 2


def test_what_a_caller_does_with_its_list_afterwards_changes_nothing(
    shared: EventStore,
) -> None:
    """It is sent a second time after it has given up, because the stream was made meanwhile."""
    first: Said | Asked = Said()
    mine, tags = [first], ["list:1"]
    with held_by_another(shared.database.url, "list-1"):
        with pytest.raises(StoreUnavailable, match="no answer"):
            shared.append("list-1", mine, tags=tags, timeout=0.2)
        mine[0], tags[0] = Asked(), "list:2"
    until(lambda: shared.stream_version("list-1") == 2)
    recorded = list(shared.read_stream("list-1"))[1]
    assert (recorded.event_id, recorded.event, recorded.tags) == (
        first.event_id,
        first,
        ("list:1",),
    )


def test_a_batch_has_limits(
    store: EventStore, crowd: Crowd, appender: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstore.writing.backlog.MAX_BATCH_EVENTS", 10)
    with held(appender):
        crowd.lead(one("held-1"))
        outcomes = [crowd.join(one("s-1", *said(4))) for _ in range(6)]
        large = crowd.join(one("s-2", *said(30)))
    assert [outcome.result()[0].stream_version for outcome in outcomes] == [4, 8, 12, 16, 20, 24]
    assert large.result()[0].stream_version == 30
    moments = [recorded.recorded_at for recorded in store.read_stream("s-1")]
    assert len(set(moments)) == 3


def test_many_threads_at_full_speed(store: EventStore) -> None:
    lock, receipts = Lock(), list[Receipt]()

    def work(number: int) -> None:
        for n in range(25):
            receipt = store.append(f"s-{number % 4}", said(1 + n % 3))
            with lock:
                receipts.append(receipt)

    with ThreadPoolExecutor(16) as pool:
        for _ in pool.map(work, range(16)):
            pass
    positions = sorted(position for receipt in receipts for position in receipt.positions)
    assert [recorded.position for recorded in store.read_all()] == positions
    for n in range(4):
        versions = [recorded.stream_version for recorded in store.read_stream(f"s-{n}")]
        assert versions == list(range(1, len(versions) + 1))


def test_close_lets_appends_under_way_finish(
    database_url: str, appender: Connection, store: EventStore
) -> None:
    own = EventStore(Database(database_url, "default"), FACTS, load())
    crowd = Crowd(own)
    with held(appender):
        leader = crowd.lead(one("held-1"))
        follower = crowd.join(one("s-1"))
        closing = crowd.pool.submit(own.close)
        until(lambda: own.writer._closed)
        with pytest.raises(EventStoreError, match="closed"):
            own.append("s-2", [Said()])
    closing.result(10)
    assert said_of(leader) == [("held-1", 2)]
    assert said_of(follower) == [("s-1", 1)]
    crowd.pool.shutdown()
