"""What a subscription delivers, in which order, and what becomes of what fails."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from eventstore import Append, AsyncEventStore, EventStore
from eventstore.connection.database import Connection
from eventstore.errors import (
    ConfigurationError,
    DeliverySettled,
    InvalidEvent,
    NotFound,
    SubscriptionExists,
    SubscriptionInUse,
)
from eventstore.subscriptions import Delivery, exchange
from eventstore.subscriptions.tray import Settled
from tests.integration.log.facts import FACTS, Asked, Said, said
from tests.integration.subscriptions.consuming import drained, fetched, let_time_pass


def positions_of(store: EventStore, **filters: Any) -> list[int]:
    return [recorded.position for recorded in store.read_all(**filters)]


def test_every_event_of_the_filter_is_delivered(store: EventStore) -> None:
    run = uuid4()
    store.append("a-1", [Said(), Asked()])
    store.append_many(
        [
            Append("b-1", [Said(), Asked()], correlation_id=run, tags=["x:1", "y:1"]),
            Append("a-2", [Said()], correlation_id=run, tags=["x:1"]),
        ]
    )
    everything = positions_of(store)
    tagged = [r.position for r in store.read_all() if "x:1" in r.tags]
    filters: dict[str, tuple[dict[str, Any], list[int]]] = {
        "all": ({}, everything),
        "type": ({"event_types": ["log.asked"]}, positions_of(store, event_types=["log.asked"])),
        "category": ({"categories": ["a", "z"]}, positions_of(store, categories=["a"])),
        "run": ({"correlation_id": run}, tagged),
        "run-type": ({"correlation_id": run, "event_types": ["log.asked"]}, tagged[1:2]),
        "tag": ({"tags": ["x:1"]}, tagged),
        "tags": ({"tags": ["y:1", "x:1"]}, tagged[:2]),
        "tag-category": ({"tags": ["x:1"], "categories": ["a"]}, tagged[2:]),
        "position": ({"start": everything[2]}, everything[3:]),
        "now": ({"start": "now"}, []),
        "none": ({"event_types": ["log.none"]}, []),
    }
    for name, (options, expected) in filters.items():
        assert store.subscriptions.create(name, **options)
        assert drained(store, name, batch=2) == expected, name
    store.append("a-3", [Said()])
    assert drained(store, "now") == positions_of(store)[-1:]
    names = [status.name for status in store.subscriptions.list()]
    assert names == sorted(filters)


def test_a_claim_by_a_tag_costs_what_it_gives(own_store: EventStore) -> None:
    """However many events have the tag."""
    own_store.append("a-1", said(500), tags=["x:1"])
    own_store.subscriptions.create("s", tags=["x:1"])
    with own_store.database.subscriber() as connection:
        lease = exchange.join(connection, own_store.tenant, "s", "one")
        with connection.transaction():
            claimed = exchange.claim(connection, lease, 5, Settled(), registry=FACTS)
            [(looked_at,)] = connection.execute(
                "SELECT idx_tup_fetch FROM pg_stat_xact_all_tables WHERE relname = 'event_tags'"
            ).fetchall()
    assert len(claimed.deliveries) == 5
    assert 5 <= looked_at < 50


def test_what_was_acknowledged_does_not_come_again(store: EventStore) -> None:
    store.subscriptions.create("s")
    store.append("a-1", said(5))
    assert len(drained(store, "s")) == 5
    assert drained(store, "s") == []
    store.append("a-1", said(1))
    assert len(drained(store, "s")) == 1
    status = store.subscriptions.show("s")
    assert status.checkpoint == status.read_position == store.watermark()
    assert (status.held, status.waiting, status.parked, status.unread) == (0, 0, 0, 0)


@pytest.mark.faults
def test_a_rare_event_is_found_far_away(store: EventStore) -> None:
    """Windows without a match are passed, and the position is kept."""
    store.subscriptions.create("s", event_types=["log.asked"])
    for _ in range(3):
        store.append("a-1", said(4_000))
    [wanted] = store.append("b-1", [Asked()]).positions
    store.append("a-1", said(3))
    assert drained(store, "s") == [wanted]
    assert store.subscriptions.show("s").read_position >= wanted


def test_consumers_keep_the_order_of_a_stream(store: EventStore) -> None:
    store.subscriptions.create("s")
    store.append("a-1", said(3))
    store.append("b-1", said(1))
    with (
        store.subscriptions.consumer("s", batch=2) as one,
        store.subscriptions.consumer("s", batch=4) as other,
    ):
        [first] = fetched(one)  # two events of a-1, of which one can be taken
        assert first.recorded.stream_version == 1
        [elsewhere] = fetched(other)
        assert elsewhere.recorded.stream_id == "b-1"
        first.ack()
        second = one.take()
        assert second is not None
        assert second.recorded.stream_version == 2
        assert fetched(other) == []  # the third waits for the second
        second.ack()
        one.flush()
        [third] = fetched(other)
        assert third.recorded.stream_version == 3
        third.ack()
        elsewhere.ack()
    assert store.subscriptions.show("s").checkpoint == store.watermark()


def test_a_failure_is_tried_again_and_then_parked(store: EventStore, admin: Connection) -> None:
    store.subscriptions.create("s", max_attempts=3, retry_seconds=60)
    store.append("a-1", said(2))
    [bad, after] = positions_of(store)
    [elsewhere] = store.append("b-1", said(1)).positions
    seen: list[tuple[int, int]] = []

    def handle(delivery: Delivery) -> None:
        seen.append((delivery.recorded.position, delivery.attempt))
        if delivery.recorded.position == bad:
            raise ValueError("no\0 such \ud800 thing")

    for _ in range(4):
        store.subscriptions.consume("s", handle, until_idle=True)
        let_time_pass(admin)
    assert seen == [(bad, 1), (elsewhere, 1), (bad, 2), (bad, 3)]
    status = store.subscriptions.show("s")
    assert (status.parked, status.behind_parked, status.waiting) == (1, 1, 0)
    assert status.checkpoint == bad - 1
    [parked] = store.subscriptions.parked("s")
    assert parked.reason == r"ValueError: no\0 such \ud800 thing"
    assert parked.error is not None
    assert "in handle" in parked.error
    assert (parked.position, parked.attempts, parked.waiting) == (bad, 3, 1)
    # What comes later in its stream waits behind it as well.
    [later] = store.append("a-1", said(1)).positions
    assert drained(store, "s") == []
    assert store.subscriptions.retry("s", who="me") == [bad]
    assert drained(store, "s") == [bad, after, later]
    assert store.subscriptions.parked("s") == []


def test_the_pause_before_a_retry_grows(store: EventStore, admin: Connection) -> None:
    store.subscriptions.create("s", retry_seconds=100)
    store.append("a-1", said(1))
    pauses: list[int] = []
    for _ in range(3):
        with store.subscriptions.consumer("s") as consumer:
            [delivery] = fetched(consumer)
            delivery.retry("not now")
        assert drained(store, "s") == []
        row = admin.execute(
            "SELECT next_at - clock_timestamp() FROM eventstore.deliveries WHERE tenant_id = %s",
            [store.tenant],
        )
        [(pause,)] = row.fetchall()
        pauses.append(round(pause.total_seconds() / 100))
        let_time_pass(admin)
    assert pauses == [1, 2, 4]
    with store.subscriptions.consumer("s") as consumer:
        [delivery] = fetched(consumer)
        delivery.retry("at once", delay=0)
        [again] = fetched(consumer)
        assert again.attempt == 5
        again.ack()


def test_what_follows_a_failure_comes_after_it(store: EventStore) -> None:
    """To the same consumer, which had it at hand when the first one failed."""
    store.subscriptions.create("s", start="now")
    positions = store.append("a-1", said(3)).positions
    seen: list[tuple[int, int]] = []
    with store.subscriptions.consumer("s", until_idle=True) as consumer:
        for delivery in consumer:
            seen.append((positions.index(delivery.recorded.position), delivery.attempt))
            if len(seen) == 1:
                delivery.retry("not yet", delay=0)
            else:
                delivery.ack()
    assert seen == [(0, 1), (0, 2), (1, 1), (2, 1)]


def test_parked_events_let_others_pass_if_that_is_the_rule(store: EventStore) -> None:
    store.subscriptions.create("s", after_parked="pass")
    store.append("a-1", said(3))
    first, *others = positions_of(store)
    store.subscriptions.consume(
        "s", lambda d: d.park("broken") if d.recorded.position == first else None, until_idle=True
    )
    [later] = store.append("a-1", said(1)).positions
    assert drained(store, "s") == [later]
    status = store.subscriptions.show("s")
    assert (status.checkpoint, status.parked, status.behind_parked) == (first - 1, 1, 0)
    assert store.subscriptions.retry("s", [first, *others], who="me") == [first]
    assert drained(store, "s") == [first]


def test_a_discarded_event_is_passed_and_told_of(store: EventStore) -> None:
    store.subscriptions.create("s")
    store.append("a-1", said(2))
    [bad, after] = positions_of(store)
    with store.subscriptions.consumer("s", consumer="me") as consumer:
        [delivery] = fetched(consumer)
        delivery.park("broken")
    for wrong, error in ((after, NotFound), (10**9, NotFound)):
        with pytest.raises(error, match="parked list"):
            store.subscriptions.discard("s", wrong, "why", who="me")
    with pytest.raises(ConfigurationError, match="reason"):
        store.subscriptions.discard("s", bad, " ", who="me")
    store.subscriptions.discard("s", bad, "the customer is gone", who="anna")
    assert drained(store, "s") == [after]
    [told] = store.subscriptions.resolved("s", bad)
    assert (told["resolution"], told["resolved_by"], told["remark"]) == (
        "discarded", "anna", "the customer is gone",
    )  # fmt: skip
    assert (told["parked_by"], told["reason"]) == ("me", "broken")
    assert store.subscriptions.show("s").checkpoint == store.watermark()


def test_a_delivery_is_settled_once(store: EventStore) -> None:
    store.subscriptions.create("s")
    receipt = store.append("a-1", said(1))
    with store.subscriptions.consumer("s") as consumer:
        [delivery] = fetched(consumer)
        assert delivery.key == f"s/{receipt.event_ids[0]}"
        delivery.ack()
        for again in (delivery.ack, delivery.retry, lambda: delivery.park("why")):
            with pytest.raises(DeliverySettled):
                again()
    assert drained(store, "s") == []


def test_too_much_that_is_not_settled_stops_the_reading(store: EventStore) -> None:
    store.subscriptions.create("s", max_unsettled=4)
    store.append("a-1", said(3))
    with store.subscriptions.consumer("s") as consumer:
        [delivery] = fetched(consumer)
        delivery.park("broken")
    for _ in range(3):
        store.append("a-1", said(1))
        assert drained(store, "s") == []
    status = store.subscriptions.show("s")
    assert (status.parked, status.behind_parked, status.unread) == (1, 3, 2)
    store.subscriptions.retry("s", who="me")
    assert drained(store, "s") == positions_of(store)


@pytest.mark.faults
def test_full_hands_are_not_idle(store: EventStore) -> None:
    """Other threads have all that a consumer may hold, and there is more."""
    store.subscriptions.create("s", start="now")
    for n in range(12):
        store.append(f"a-{n}", said(1))
    with store.subscriptions.consumer("s", until_idle=True) as consumer:
        hands = fetched(consumer)
        consumer._given_at -= 10  # they are slow, so that it may hold one
        hands[0].ack()
        consumer.fetch()
        assert not consumer.ended
    assert len(hands) < 12


@pytest.mark.parametrize("delay", [-1, 1e12, float("nan"), float("inf")])
def test_a_delay_that_the_store_could_not_keep_is_refused(store: EventStore, delay: float) -> None:
    store.subscriptions.create("s", start="now")
    store.append("a-1", said(1))
    with store.subscriptions.consumer("s") as consumer:
        [delivery] = fetched(consumer)
        with pytest.raises(ConfigurationError, match="delay"):
            delivery.retry("later", delay=delay)
        delivery.ack()
    assert store.subscriptions.show("s").held == 0


def test_large_events_come_a_few_at_a_time(store: EventStore) -> None:
    store.subscriptions.create("s", start="now")
    for n in range(5):
        store.append(f"a-{n}", [Said(text="x" * 900_000) for _ in range(3)])
    with store.subscriptions.consumer("s") as consumer:
        consumer.fetch()
        assert 8 <= len(list(iter(lambda: settled(consumer.take()), None))) <= 10
    assert len(drained(store, "s")) in range(5, 8)


def settled(delivery: Delivery | None) -> Delivery | None:
    if delivery is not None:
        delivery.ack()
    return delivery


def test_definitions_are_checked(store: EventStore) -> None:
    assert store.subscriptions.create("s", event_types=["b", "a", "a"])
    assert not store.subscriptions.create("s", event_types=["a", "b"])
    with pytest.raises(SubscriptionExists, match="another definition"):
        store.subscriptions.create("s", event_types=["a"])
    wrong: list[dict[str, Any]] = [
        {"start": "never"}, {"start": -1}, {"start": True}, {"after_parked": "skip"},
        {"max_attempts": 0}, {"lease_seconds": 0.5}, {"categories": []}, {"event_types": "a"},
        {"start": 2**63}, {"max_attempts": 2.5}, {"max_unsettled": "9"}, {"correlation_id": "run"},
    ]  # fmt: skip
    for options in wrong:
        with pytest.raises(ConfigurationError):
            store.subscriptions.create("t", **options)
    unsayable: list[dict[str, Any]] = [
        {"event_types": [""]}, {"categories": ["x" * 300]}, {"categories": ["a-1"]},
        {"tags": ["\0"]},
    ]  # fmt: skip
    for options in unsayable:
        with pytest.raises(InvalidEvent):
            store.subscriptions.create("t", **options)
    with pytest.raises(InvalidEvent):
        store.subscriptions.create("")
    with pytest.raises(ConfigurationError):
        store.subscriptions.consumer("s", batch=0)
    with pytest.raises(ConfigurationError, match="is no position"):
        store.subscriptions.retry("s", [2**63], who="carla")


def test_what_is_not_there_is_named(store: EventStore) -> None:
    for ask in (
        lambda: store.subscriptions.show("none"),
        lambda: store.subscriptions.drop("none"),
        lambda: store.subscriptions.parked("none"),
        lambda: store.subscriptions.retry("none", who="me"),
        lambda: drained(store, "none"),
    ):
        with pytest.raises(NotFound, match="there is no subscription none"):
            ask()


def test_one_in_use_is_dropped_by_force_only(store: EventStore) -> None:
    store.subscriptions.create("s")
    store.append("a-1", said(1))
    with store.subscriptions.consumer("s") as consumer:
        [delivery] = fetched(consumer)
        with pytest.raises(SubscriptionInUse) as refused:
            store.subscriptions.drop("s")
        assert (refused.value.consumers, refused.value.parked) == (1, 0)
        delivery.park("broken")
    with pytest.raises(SubscriptionInUse):
        store.subscriptions.drop("s")
    store.subscriptions.drop("s", force=True)
    assert store.subscriptions.list() == []
    assert store.subscriptions.create("s")
    assert len(drained(store, "s")) == 1


def test_the_same_for_asyncio(store: EventStore) -> None:
    async def main() -> None:
        async with AsyncEventStore(store) as async_store:
            subscriptions = async_store.subscriptions
            assert await subscriptions.create("s", max_attempts=1)
            store.append("a-1", said(3))
            [first, *rest] = positions_of(store)
            seen: list[int] = []

            async def handle(delivery: Delivery) -> None:
                seen.append(delivery.recorded.position)
                await asyncio.sleep(0)
                if delivery.recorded.position == first:
                    raise RuntimeError("broken")

            assert await subscriptions.consume("s", handle, until_idle=True) == 1
            assert [p.position for p in await subscriptions.parked("s")] == [first]
            await subscriptions.discard("s", first, "not needed", who="me")
            async with subscriptions.consumer("s", batch=1) as consumer:
                async for delivery in consumer:
                    seen.append(delivery.recorded.position)
                    delivery.ack()
                    if len(seen) == 3:
                        consumer.stop()
            assert seen == [first, *rest]
            assert (await subscriptions.show("s")).checkpoint == rest[-1]
            assert await subscriptions.retry("s", who="me") == []
            assert len(await subscriptions.list()) == 1
            await subscriptions.drop("s")

    asyncio.run(main())
