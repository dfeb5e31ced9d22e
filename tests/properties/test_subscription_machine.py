"""Consumers that come, fail, are paused and are lost, over one subscription; and what must hold."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import hypothesis.strategies as st
import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from eventstore import EventStore
from eventstore.connection.database import Connection
from eventstore.errors import LeaseLost
from eventstore.subscriptions import Consumer, Delivery
from eventstore.subscriptions import consumer as consuming
from tests.integration.log.facts import Asked, Said, open_store
from tests.integration.subscriptions.consuming import mutated

STREAMS = ["a-1", "a-2", "b-1"]
NAME = "s"
MOST_ATTEMPTS = 4

places = st.integers(0, 2)
"""Of one of the consumers, or of one of the deliveries in hands, modulo how many there are."""


class SubscriptionMachine(RuleBasedStateMachine):
    """Every example is a tenant of its own in one database. What it knows is what it was told."""

    url: str
    admin: Connection

    @initialize(pass_on=st.booleans(), only_said=st.booleans(), batch=st.sampled_from([1, 2, 50]))
    def open(self, pass_on: bool, only_said: bool, batch: int) -> None:
        self.tenant = f"tenant-{uuid4().hex}"
        self.store: EventStore = open_store(self.url, self.tenant)
        self.passes, self.only_said, self.batch = pass_on, only_said, batch
        self.store.subscriptions.create(
            NAME,
            event_types=["log.said"] if only_said else None,
            after_parked="pass" if pass_on else "wait",
            max_attempts=MOST_ATTEMPTS,
            retry_seconds=100,
            start="now",
        )
        self.consumers = [self.join() for _ in range(2)]
        self.in_hands: list[tuple[Consumer, Delivery]] = []
        self.matching: dict[int, str] = {}  # position: stream
        self.handled: set[int] = set()  # somebody has handled it, whether the store knows or not
        self.told: set[int] = set()  # the store knows
        self.discarded: set[int] = set()
        self.given: set[int] = set()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            try:
                self.drain()
            finally:
                for consumer in self.consumers:
                    consumer.close()
                self.store.close()

    def join(self) -> Consumer:
        consumer = self.store.subscriptions.consumer(NAME, batch=self.batch)
        consumer.__enter__()
        return consumer

    # What happens ---------------------------------------------------------------------------------

    @rule(stream_id=st.sampled_from(STREAMS), count=st.integers(1, 3), asked=st.booleans())
    def append(self, stream_id: str, count: int, asked: bool) -> None:
        facts = [Asked() if asked and n == 0 else Said() for n in range(count)]
        receipt = self.store.append(stream_id, facts)
        for fact, position in zip(facts, receipt.positions, strict=True):
            if isinstance(fact, Said) or not self.only_said:
                self.matching[position] = stream_id

    @rule(place=places)
    def take(self, place: int) -> None:
        """The next delivery of a consumer, from its tray or, when that is empty, by a claim."""
        consumer = self.consumers[place % len(self.consumers)]
        delivery = consumer.take()
        if delivery is None:
            self.speak(consumer, consumer.fetch)
            delivery = consumer.take()
        if delivery is not None:
            self.in_hands.append((consumer, delivery))
            self.check_order(delivery)

    @rule(place=places)
    def flush(self, place: int) -> None:
        consumer = self.consumers[place % len(self.consumers)]
        self.speak(consumer, consumer.flush)

    def speak(self, consumer: Consumer, call: object) -> None:
        """A call of the database; what it acknowledges under its lease is never given again."""
        tray, lease = consumer._tray, consumer._lease
        acknowledged = set(tray.unsent().acknowledged)
        assert callable(call)
        call()
        if consumer._lease == lease:
            self.told |= acknowledged
            claimed = {d.recorded.position for d in consumer._tray._queue}
            assert not claimed & self.told, "acknowledged, and delivered again"
            assert claimed <= self.matching.keys()
            self.given |= claimed

    def check_order(self, delivery: Delivery) -> None:
        """What comes before it in its stream was handled by somebody, or was taken out of line."""
        position, stream_id = delivery.recorded.position, delivery.recorded.stream_id
        before = {p for p, s in self.matching.items() if s == stream_id and p < position}
        aside = (
            {p.position for p in self.store.subscriptions.parked(NAME)} if self.passes else set()
        )
        out_of_line = self.retried if self.passes else set()
        assert before <= self.handled | self.discarded | aside | out_of_line

    retried: set[int] = set()

    @precondition(lambda self: self.in_hands)
    @rule(place=places)
    def handle(self, place: int) -> None:
        _, delivery = self.in_hands.pop(place % len(self.in_hands))
        try:
            delivery.ack()
        except LeaseLost:
            return
        self.handled.add(delivery.recorded.position)

    @precondition(lambda self: self.in_hands)
    @rule(place=places, delay=st.sampled_from([None, 0]), park=st.booleans())
    def fail(self, place: int, delay: float | None, park: bool) -> None:
        _, delivery = self.in_hands.pop(place % len(self.in_hands))
        try:
            if park:
                delivery.park("broken")
            else:
                delivery.retry("not now", delay=delay)
        except LeaseLost:
            return

    @rule(place=places)
    def pause(self, place: int) -> None:
        """It gives no sign of life for the length of a lease, and will wake up."""
        consumer = self.consumers[place % len(self.consumers)]
        assert consumer._lease is not None
        self.admin.execute(
            "UPDATE eventstore.subscription_consumers SET heartbeat_at = '2020-01-01' "
            "WHERE tenant_id = %s AND token = %s",
            [self.tenant, consumer._lease.token],
        )

    @rule(place=places)
    def kill(self, place: int) -> None:
        """It is gone with all that it had in hands, and did not say goodbye."""
        self.pause(place)
        consumer = self.consumers.pop(place % len(self.consumers))
        consumer._disconnect()
        self.in_hands = [held for held in self.in_hands if held[0] is not consumer]
        self.consumers.append(self.join())

    @rule(place=places)
    def restart(self, place: int) -> None:
        """It ends in peace, and another comes."""
        consumer = self.consumers.pop(place % len(self.consumers))
        self.speak(consumer, consumer.flush)
        consumer.close()
        self.in_hands = [held for held in self.in_hands if held[0] is not consumer]
        self.consumers.append(self.join())

    @rule()
    def time_passes(self) -> None:
        self.admin.execute(
            "UPDATE eventstore.deliveries SET next_at = NULL WHERE tenant_id = %s", [self.tenant]
        )

    @rule()
    def retry_parked(self) -> None:
        self.retried = self.retried | set(self.store.subscriptions.retry(NAME, who="me"))

    @rule(place=places)
    def discard(self, place: int) -> None:
        parked = self.store.subscriptions.parked(NAME)
        if parked:
            position = parked[place % len(parked)].position
            self.store.subscriptions.discard(NAME, position, "no use", who="me")
            self.discarded.add(position)

    # What must hold -------------------------------------------------------------------------------

    @invariant()
    def the_checkpoint_passes_nothing(self) -> None:
        if not hasattr(self, "store"):
            return
        status = self.store.subscriptions.show(NAME)
        settled = self.told | self.discarded
        passed = {position for position in self.matching if position <= status.checkpoint}
        assert passed <= settled
        read = {position for position in self.matching if position <= status.read_position}
        unsettled = status.held + status.waiting + status.parked + status.behind_parked
        assert len(read - settled) == unsettled, "lost, or there twice"

    @rule()
    def drain(self) -> None:
        """Everybody ends; one consumer finds all that is left, each event of a stream in order."""
        for consumer in self.consumers:
            self.speak(consumer, consumer.flush)
            consumer.close()
        self.in_hands = []
        self.retry_parked()
        self.time_passes()
        self.consumers = [self.join(), self.join()]
        consumer = self.consumers[0]
        self.admin.execute(
            "UPDATE eventstore.subscription_consumers SET heartbeat_at = '2020-01-01' "
            "WHERE tenant_id = %s AND consumer <> %s",
            [self.tenant, consumer.name],
        )
        while True:
            self.speak(consumer, consumer.fetch)
            while delivery := consumer.take():
                self.check_order(delivery)
                delivery.ack()
                self.handled.add(delivery.recorded.position)
            if consumer.is_idle and not self.store.subscriptions.retry(NAME, who="me"):
                break
        assert self.told | self.discarded == self.matching.keys()
        assert self.given | self.discarded == self.matching.keys()
        status = self.store.subscriptions.show(NAME)
        assert status.checkpoint == status.read_position >= max(self.matching, default=0)


def one_is_lost(machine: SubscriptionMachine) -> None:
    """With two of a stream in its hands, which go to others then, one by one."""
    machine.open(pass_on=False, only_said=False, batch=50)
    machine.append("a-1", 2, asked=False)
    machine.take(0)
    machine.batch = 1
    machine.kill(0)
    machine.restart(0)
    machine.take(0)
    machine.take(1)


def two_take(machine: SubscriptionMachine) -> None:
    """Of a stream that has two."""
    machine.open(pass_on=False, only_said=False, batch=1)
    machine.append("a-1", 2, asked=False)
    machine.take(0)
    machine.take(1)


def one_is_parked(machine: SubscriptionMachine) -> None:
    """And another event of its stream is behind it."""
    machine.open(pass_on=False, only_said=False, batch=50)
    machine.append("a-1", 2, asked=False)
    machine.take(0)
    machine.fail(0, None, park=True)
    machine.flush(0)
    machine.take(1)
    machine.the_checkpoint_passes_nothing()


def a_page_is_cut(machine: SubscriptionMachine) -> None:
    """Where more is meant than a consumer takes at once."""
    machine.open(pass_on=False, only_said=True, batch=1)
    for _ in range(2):
        machine.append("a-1", 3, asked=True)
    machine.take(0)
    machine.the_checkpoint_passes_nothing()


MUTANTS: dict[str, tuple[tuple[str, str], Callable[[SubscriptionMachine], None]]] = {
    "a claim of what waits ignores who has the stream": (
        ("AND t.elsewhere IS NOT TRUE", ""), one_is_lost
    ),
    "a claim of what is new ignores who has the stream": (
        ("CASE WHEN t.waits OR t.behind IS NOT NULL THEN NULL ELSE mine END", "mine"), two_take
    ),
    "the checkpoint passes what is parked": (
        ("AND d.position > s.checkpoint;\n    s.checkpoint :=",
         "AND d.position > s.checkpoint AND d.behind IS NULL;\n    s.checkpoint :="), one_is_parked
    ),
    "read_position passes a page that was cut": (
        ("until := coalesce(last, until)", "last := until"), a_page_is_cut
    ),
}  # fmt: skip
"""What of claim_deliveries is replaced by what, and steps that show it."""


def test_subscriptions_keep_their_promises(
    database_url: str, admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(database_url, admin_url, monkeypatch, 5, 20)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_subscriptions_keep_their_promises_at_length(
    database_url: str, admin_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(database_url, admin_url, monkeypatch, 30, 60)


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_do_not(database_url: str, admin_url: str, name: str) -> None:
    change, steps = MUTANTS[name]
    with psycopg.connect(admin_url, autocommit=True) as admin:
        machine = machine_of(database_url, admin)()
        play(steps, machine)
        mutated(admin, "claim_deliveries", change)
        with pytest.raises(AssertionError):
            play(steps, machine)


def play(steps: Callable[[SubscriptionMachine], None], machine: SubscriptionMachine) -> None:
    try:
        steps(machine)
    finally:
        for consumer in machine.consumers:
            consumer.close()
        machine.store.close()


def machine_of(url: str, admin: Connection) -> type[SubscriptionMachine]:
    return type("Machine", (SubscriptionMachine,), {"url": url, "admin": admin})


def check(
    url: str,
    admin_url: str,
    monkeypatch: pytest.MonkeyPatch,
    examples: int,
    steps: int,
) -> None:
    monkeypatch.setattr(consuming, "_LOOKS", 1)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        run_state_machine_as_test(
            machine_of(url, admin),
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
