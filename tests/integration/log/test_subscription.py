"""Subscriptions: they catch up, follow, stop cleanly, and notice that the log is another one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from time import monotonic

import pytest
from psycopg.conninfo import make_conninfo

from eventstore import Checkpoint, EventStore, Subscription
from eventstore.connection.database import Database
from eventstore.errors import HistoryDiverged, StoreUnavailable
from eventstore.reading.read import PAGE
from tests.integration.log.facts import Asked, Said, open_store, said


def numbers(subscription: Subscription, count: int) -> list[int]:
    return [recorded.payload["number"] for recorded in islice(subscription, count)]


def test_it_catches_up_and_then_follows(store: EventStore) -> None:
    store.append("s-1", said(3))
    with store.subscribe() as subscription, ThreadPoolExecutor(1) as pool:
        assert numbers(subscription, 3) == [1, 2, 3]
        waiting = pool.submit(numbers, subscription, 2)
        store.append("s-1", [Said(number=4)])
        store.append("s-1", [Said(number=5)])
        assert waiting.result(10) == [4, 5]


def test_it_begins_after_a_position(store: EventStore) -> None:
    receipt = store.append("s-1", said(5))
    with store.subscribe(after=receipt.positions[2]) as subscription:
        assert numbers(subscription, 2) == [4, 5]


def test_it_pages_through_a_long_log(store: EventStore) -> None:
    store.append("s-1", said(2 * PAGE + 1))
    with store.subscribe() as subscription:
        assert numbers(subscription, 2 * PAGE + 1) == list(range(1, 2 * PAGE + 2))


def test_it_selects_by_category_and_type(store: EventStore) -> None:
    store.append("a-1", [Said(number=1), Asked()])
    store.append("b-1", [Said(number=2), Asked()])
    store.append("a-2", [Said(number=3)])
    with store.subscribe(categories=["a"], event_types=["log.said"]) as subscription:
        assert numbers(subscription, 2) == [1, 3]
        assert subscription.fetch() == []
        store.append("a-1", [Asked()])
        store.append("a-1", [Said(number=4)])
        assert numbers(subscription, 1) == [4]


def test_the_checkpoint_is_the_last_event_that_was_handed_out(store: EventStore) -> None:
    receipt = store.append("s-1", said(3))
    with store.subscribe() as subscription:
        assert subscription.checkpoint == Checkpoint(0)
        one = next(subscription)
        assert subscription.checkpoint == Checkpoint(receipt.positions[0], one.data_hash)
        two = next(subscription)
        checkpoint = subscription.checkpoint
        assert checkpoint == Checkpoint(receipt.positions[1], two.data_hash)
    assert Checkpoint.parse(str(checkpoint)) == checkpoint
    with store.subscribe(after=checkpoint) as again:
        assert numbers(again, 1) == [3]


@pytest.mark.parametrize("text", ["", "x", "1:zz", ":00"])
def test_a_checkpoint_that_can_not_be_parsed(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid|non-hexadecimal"):
        Checkpoint.parse(text)


def test_close_ends_a_waiting_iteration_from_another_thread(store: EventStore) -> None:
    subscription = store.subscribe()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(list, subscription)
        store.append("s-1", [Said()])
        began = monotonic()
        while subscription.checkpoint.position == 0:
            assert monotonic() < began + 10
        subscription.close()
        assert len(waiting.result(5)) == 1
    assert list(subscription) == []


def test_close_ends_it_even_if_there_is_more(store: EventStore) -> None:
    store.append("s-1", said(3))
    with store.subscribe() as subscription:
        next(subscription)
    assert list(subscription) == []
    assert subscription.checkpoint.position == 1


def test_a_closed_store_ends_it_with_an_error(database_url: str) -> None:
    with open_store(database_url) as store:
        subscription = store.subscribe()
        assert subscription.fetch() == []
    with pytest.raises(StoreUnavailable, match="closed"):
        next(subscription)


def test_two_threads_share_a_subscription_without_a_loss(store: EventStore) -> None:
    """As tasks do whose reads were cancelled: the thread of the first one is still at it."""
    subscription = store.subscribe()
    delivered: list[int] = []
    with ThreadPoolExecutor(4) as pool:
        for number in range(1, 51):
            store.append("s-1", [Said(number=number)])
            for _ in pool.map(lambda _: subscription.fill(), range(4)):
                pass
            while subscription.buffered:
                delivered.append(next(subscription).payload["number"])
    assert delivered == list(range(1, 51))


def test_another_history_is_noticed(store: EventStore, make_database: Callable[[], str]) -> None:
    store.append("s-1", [Said(text="one"), Said(text="two")])
    with store.subscribe() as subscription:
        next(subscription)
        first = subscription.checkpoint
        next(subscription)
        second = subscription.checkpoint
    with open_store(make_conninfo(store.database.url, dbname=make_database())) as restored:
        with pytest.raises(HistoryDiverged, match="there is no event at that position"):
            restored.subscribe(after=first)
        restored.append("s-1", [Said(text="one")])
        with restored.subscribe(after=first) as same:
            assert same.fetch() == []
        restored.append("s-1", [Said(text="two, but another")])
        with pytest.raises(HistoryDiverged, match="another event stands") as caught:
            restored.subscribe(after=second)
        assert caught.value.position == 2
        restored.subscribe(after=second.position).close()


def test_a_server_that_took_over_and_lost_events_is_noticed(
    store: EventStore, make_database: Callable[[], str]
) -> None:
    """A subscription that lives through it must not go on as if nothing had happened."""
    url = make_conninfo(store.database.url, dbname=make_database())
    with open_store(url) as successor, store.subscribe() as subscription:
        successor.append("s-1", [Said(text="one")])
        store.append("s-1", [Said(text="one"), Said(text="two")])
        assert [recorded.position for recorded in islice(subscription, 2)] == [1, 2]
        successor.append("s-1", [Said(text="another two"), Said(text="three")])
        store.database.close()
        store.database = Database(url, "default")
        subscription._database = store.database
        with pytest.raises(HistoryDiverged) as caught:
            next(subscription)
        assert caught.value.position == 2


def test_a_foreign_tenant_s_event_is_no_checkpoint(store: EventStore) -> None:
    with open_store(store.database.url, "other") as other:
        other.append("s-1", [Said()])
        with other.subscribe() as subscription:
            next(subscription)
            checkpoint = subscription.checkpoint
    with pytest.raises(HistoryDiverged):
        store.subscribe(after=checkpoint)
