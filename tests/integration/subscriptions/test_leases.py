"""Who holds what: consumers that die, that are paused, that lose their connection."""

from __future__ import annotations

from threading import Thread

import psycopg
import pytest

from eventstore import EventStore
from eventstore.connection.database import Connection, connect
from eventstore.errors import DatabaseFault, LeaseLost, StoreUnavailable
from eventstore.subscriptions import exchange
from eventstore.subscriptions.tray import Settled
from tests.integration.log.facts import FACTS, Asked, Said, said
from tests.integration.log.raw_append import append
from tests.integration.log.waiting import until
from tests.integration.subscriptions.consuming import drained, fetched, mutated, silence


def test_what_a_dead_consumer_held_goes_to_another(store: EventStore, admin: Connection) -> None:
    store.subscriptions.create("s")
    for n in range(3):
        store.append(f"a-{n}", said(1))
    dead = store.subscriptions.consumer("s", consumer="dead")
    with store.subscriptions.consumer("s", consumer="alive", batch=2) as alive:
        held = fetched(dead)
        assert len(held) == 3
        assert fetched(alive) == []
        silence(admin, "dead")
        # One at a time: it may have been one of them that killed it.
        [again] = fetched(alive)
        assert (again.recorded.position, again.attempt) == (held[0].recorded.position, 2)
        again.ack()
        # The dead one was only paused. What it settles now does not count.
        for delivery in held[:2]:
            delivery.ack()
        dead.flush()
        assert dead.refused == 2
        assert not held[2].is_open
        with pytest.raises(LeaseLost):
            held[2].ack()
        dead.close()
    assert drained(store, "s") == [d.recorded.position for d in held[1:]]


def test_an_event_that_kills_its_consumers_is_parked(store: EventStore, admin: Connection) -> None:
    store.subscriptions.create("s", max_attempts=3)
    store.append("a-1", said(3))
    store.append("b-1", said(1))
    dead = [store.subscriptions.consumer("s", consumer="dead") for _ in range(3)]
    for consumer in dead:
        fetched(consumer)
        silence(admin, "dead")
    assert len(drained(store, "s")) == 1  # b-1
    for consumer in dead:
        consumer.close()
    [parked] = store.subscriptions.parked("s")
    assert (parked.attempts, parked.waiting, parked.parked_by) == (3, 2, "dead")
    assert "lost" in parked.reason


def test_what_a_consumer_that_ends_held_is_free_at_once(store: EventStore) -> None:
    store.subscriptions.create("s")
    store.append("a-1", said(3))
    with store.subscriptions.consumer("s") as consumer:
        [first] = fetched(consumer)
    assert not first.is_open
    with store.subscriptions.consumer("s") as consumer:
        [first] = fetched(consumer)
        assert first.attempt == 1  # it was not tried


def test_a_lost_connection_is_made_again(store: EventStore, admin: Connection) -> None:
    store.subscriptions.create("s")
    store.append("a-1", said(4))
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
    taken = []
    with store.subscriptions.consumer("s", until_idle=True) as consumer:
        for delivery in consumer:
            taken.append(delivery.recorded.stream_version)
            delivery.ack()
            if len(taken) == 2:
                admin.execute(end, ["eventstore subscriber"])
                consumer.flush()
    assert taken == [1, 2, 3, 4]
    assert consumer.refused == 0


def test_who_is_slow_can_renew(store: EventStore, admin: Connection) -> None:
    store.subscriptions.create("s")
    store.append("a-1", said(1))
    beat = "SELECT heartbeat_at FROM eventstore.subscription_consumers"
    with store.subscriptions.consumer("s") as consumer:
        [delivery] = fetched(consumer)
        before = admin.execute(beat).fetchone()
        delivery.renew()
        after = admin.execute(beat).fetchone()
        assert before is not None
        assert after is not None
        assert after[0] > before[0]
        silence(admin)
        with store.subscriptions.consumer("s") as other:
            assert len(fetched(other)) == 1
            with pytest.raises(LeaseLost):
                delivery.renew()


def test_only_its_own_token_settles(store: EventStore) -> None:
    store.subscriptions.create("s", start="now")
    store.append("a-1", said(2))
    with store.database.subscriber() as one, store.database.subscriber() as other:
        mine = exchange.join(one, store.tenant, "s", "one")
        theirs = exchange.join(other, store.tenant, "s", "other")
        claimed = exchange.claim(one, mine, 10, Settled(), registry=FACTS)
        first, second = (recorded.position for recorded, _ in claimed.deliveries)
        exchange.settle(other, theirs, Settled((first, second)))
        exchange.settle(other, theirs, Settled((), ({"position": first, "reason": "x"},)))
        assert store.subscriptions.show("s").held == 2
        with pytest.raises(DatabaseFault, match="before an earlier one") as refused:
            exchange.settle(one, mine, Settled((second,)))
        assert refused.value.sqlstate == "ES025"
        exchange.settle(one, mine, Settled((first,)))
        exchange.settle(one, mine, Settled((first, second)))  # an answer may have been lost
        with pytest.raises(LeaseLost):
            exchange.settle(one, mine._replace(token=99), Settled((first,)))
    assert store.subscriptions.show("s").checkpoint == second


@pytest.mark.parametrize("mutant", [False, True], ids=["as it is", "without the watermark"])
def test_an_event_that_appears_late_is_not_passed(
    own_store: EventStore, own_admin: Connection, database_url: str, mutant: bool
) -> None:
    """Its transaction took a position, and commits after a higher one was read."""
    if mutant:
        positions = "pg_sequence_last_value('eventstore.events_position_seq')"
        mutated(own_admin, "claim_deliveries", ("eventstore.watermark()", positions))
    own_store.subscriptions.create("s")
    with connect(database_url, role="appender", tenant="default") as slow:
        with slow.transaction():
            append(slow, "slow-1", 1)
            own_store.append("quick-1", said(1))
            before = drained(own_store, "s")
        assert own_store.watermark() == 2
    assert (before + drained(own_store, "s") == [1, 2]) is not mutant


def test_the_event_of_a_detached_partition_is_parked(
    own_store: EventStore, own_admin: Connection
) -> None:
    """Archived while it waited: it can't be delivered, and is not forgotten."""
    own_store.subscriptions.create("s", retry_seconds=0)
    own_store.append("a-1", said(1))
    with own_store.subscriptions.consumer("s") as consumer:
        [delivery] = fetched(consumer)
        delivery.retry("later")
    detach(own_admin)
    assert drained(own_store, "s") == []
    [parked] = own_store.subscriptions.parked("s")
    assert (parked.event_id, parked.reason) == (None, "the event is not in the log any more")


def test_what_follows_events_of_a_detached_partition_waits_for_each(
    own_store: EventStore, own_admin: Connection
) -> None:
    own_store.subscriptions.create("s", retry_seconds=0)
    own_store.append("a-1", [Said(), Said(), Asked()])
    own_store.append("b-1", [Asked(), Asked()])
    with own_store.subscriptions.consumer("s") as consumer:
        fetched(consumer)[0].retry("later")
    detach(own_admin)
    assert drained(own_store, "s") == [4, 5]
    assert [parked.position for parked in own_store.subscriptions.parked("s")] == [1]
    own_store.subscriptions.discard("s", 1, "archived", who="test")
    assert drained(own_store, "s") == []
    assert [parked.position for parked in own_store.subscriptions.parked("s")] == [2]
    own_store.subscriptions.discard("s", 2, "archived", who="test")
    assert drained(own_store, "s") == [3]


def test_a_token_is_worth_nothing_for_a_subscription_of_the_same_name(store: EventStore) -> None:
    """What a consumer of the old one acknowledges, somebody else is just handling anew."""
    [position] = store.append("a-1", said(1)).positions
    with store.database.subscriber() as one, store.database.subscriber() as other:
        store.subscriptions.create("s", start=position - 1)
        old = exchange.join(one, store.tenant, "s", "one")
        assert exchange.claim(one, old, 10, Settled(), registry=FACTS).deliveries
        store.subscriptions.drop("s", force=True)
        store.subscriptions.create("s", start=position - 1)
        new = exchange.join(other, store.tenant, "s", "other")
        assert exchange.claim(other, new, 10, Settled(), registry=FACTS).deliveries
        with pytest.raises(LeaseLost):
            exchange.settle(one, old, Settled((position,)))
        assert store.subscriptions.show("s").held == 1


def test_who_leaves_late_meets_who_takes_over(
    own_store: EventStore, own_admin: Connection, admin_url: str
) -> None:
    """Both lock the lease and what is held under it, in the same order."""
    own_store.subscriptions.create("s")
    own_store.append("a-1", said(1))
    [last] = own_store.append("b-1", said(1)).positions
    failed: list[Exception] = []

    def waiting() -> int:
        found = own_admin.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
        assert found is not None
        return int(found[0])

    with own_store.database.subscriber() as one, own_store.database.subscriber() as other:
        late = exchange.join(one, own_store.tenant, "s", "late")
        exchange.claim(one, late, 10, Settled(), registry=FACTS)
        silence(own_admin, "late")
        lease = exchange.join(other, own_store.tenant, "s", "other")

        def leave() -> None:
            try:
                exchange.leave(one, late)
            except StoreUnavailable as error:
                failed.append(error)

        def claim() -> None:
            try:
                exchange.claim(other, lease, 10, Settled(), registry=FACTS)
            except StoreUnavailable as error:
                failed.append(error)

        with psycopg.connect(admin_url) as blocker:
            blocker.execute(
                "SELECT FROM eventstore.deliveries WHERE position = %s FOR UPDATE", [last]
            )
            leaving, claiming = Thread(target=leave), Thread(target=claim)
            leaving.start()
            until(lambda: waiting() == 1)
            claiming.start()
            until(lambda: waiting() == 2 or not claiming.is_alive())
            blocker.rollback()
        leaving.join()
        claiming.join()
    assert failed == []


def test_one_claim_at_a_time(store: EventStore) -> None:
    store.subscriptions.create("s", start="now")
    store.append("a-1", said(1))
    store.append("b-1", said(1))
    with store.database.subscriber() as one:
        lease = exchange.join(one, store.tenant, "s", "one")
        with one.transaction():
            claimed = exchange.claim(one, lease, 1, Settled(), registry=FACTS)
            with store.database.subscriber() as other:
                other.execute("SET lock_timeout = '50ms'")
                with pytest.raises(StoreUnavailable, match="lock timeout"):
                    exchange.join(other, store.tenant, "s", "other")
    assert [recorded.stream_id for recorded, _ in claimed.deliveries] == ["a-1"]


def detach(admin: Connection) -> None:
    """The partition of what was said."""
    [(partition,)] = admin.execute(
        "SELECT DISTINCT tableoid::regclass FROM eventstore.events WHERE retention_class = 'work'"
    ).fetchall()
    admin.execute(f"ALTER TABLE eventstore.events_work DETACH PARTITION {partition}")
