"""Transactions on a stream, and the snapshots that save reading it again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import psycopg
import pytest

from eventstore import AsyncEventStore, Event, EventRegistry, EventStore, Snapshots
from eventstore.deciding.execute import MAX_TRIES
from eventstore.deciding.snapshots import _form
from eventstore.errors import ConcurrencyConflict
from eventstore.refusals import NotAllowed

ACCOUNTS = EventRegistry()
WRITERS = 6


class Paid(Event, event_type="account.paid", registry=ACCOUNTS):
    amount: int


NEWER = EventRegistry()


class PaidInOtherWords(Event, event_type="account.paid", schema_version=2, registry=NEWER):
    cents: int


@dataclass(frozen=True)
class Account:
    snapshots: ClassVar = Snapshots(version=1, every=10)
    balance: int = 0
    folded: int = 0

    def after(self, event: Event) -> Self:
        FOLDED.append(1)
        assert isinstance(event, Paid)
        return replace(self, balance=self.balance + event.amount, folded=self.folded + 1)

    def withdraw(self, amount: int) -> Sequence[Event]:
        if amount > self.balance:
            raise NotAllowed(f"the account holds {self.balance}")
        return [Paid(amount=-amount)]


@dataclass(frozen=True)
class Lossy:
    """Its state does not come back as it went, or can't be written at all."""

    snapshots: ClassVar = Snapshots(version=1, every=1)
    seen: object = None

    def after(self, event: Event) -> Self:
        return replace(self, seen=LOSSY[0])


LOSSY: list[object] = []


FOLDED: list[int] = []


@pytest.fixture(autouse=True)
def _nothing_folded() -> None:
    FOLDED.clear()


@pytest.fixture
def open_store(database_url: str) -> Iterator[Callable[[], EventStore]]:
    """Opens stores that know nothing yet."""
    opened = []

    def open_one() -> EventStore:
        opened.append(EventStore.open(database_url, registry=ACCOUNTS))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


def pay(amount: int) -> Callable[[Account], Event]:
    return lambda account: Paid(amount=amount)


def deposits(store: EventStore, count: int) -> None:
    store.append("account-1", [Paid(amount=1) for _ in range(count)])


def test_what_is_decided_rests_on_what_the_stream_says(
    open_store: Callable[[], EventStore],
) -> None:
    store = open_store()
    assert store.transact("account-1", Account(), lambda account: []) is None
    first = store.transact("account-1", Account(), pay(50), agent="teller")
    assert first is not None
    assert first.stream_version == 1
    with pytest.raises(NotAllowed, match="holds 50"):
        store.transact("account-1", Account(), lambda account: account.withdraw(60))
    second = store.transact("account-1", Account(), lambda account: account.withdraw(50))
    assert second is not None
    assert second.stream_version == 2
    assert [recorded.agent for recorded in store.read_stream("account-1")] == ["teller", None]


def test_rivals_are_decided_one_after_the_other(open_store: Callable[[], EventStore]) -> None:
    stores = [open_store() for _ in range(WRITERS)]
    stores[0].append("account-1", [Paid(amount=WRITERS - 2)])

    def withdraw(store: EventStore) -> bool:
        try:
            store.transact("account-1", Account(), lambda account: account.withdraw(1))
        except NotAllowed:
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as pool:
        allowed = list(pool.map(withdraw, stores))
    assert allowed.count(True) == WRITERS - 2
    assert sum(each.event.amount for each in stores[0].read_stream("account-1")) == 0  # type: ignore[union-attr]


def test_it_gives_up_after_so_many_conflicts(open_store: Callable[[], EventStore]) -> None:
    store, other = open_store(), open_store()
    tries = []

    def outrun(account: Account) -> Event:
        tries.append(account)
        deposits(other, 1)
        return Paid(amount=1)

    with pytest.raises(ConcurrencyConflict):
        store.transact("account-1", Account(), outrun)
    assert len(tries) == MAX_TRIES


def test_an_asynchronous_store_transacts_too(database_url: str) -> None:
    async def scenario() -> int:
        async with await AsyncEventStore.open(database_url, registry=ACCOUNTS) as store:
            first = await store.transact("account-1", Account(), pay(5), agent="teller")
            assert first is not None
            return first.stream_version

    assert asyncio.run(scenario()) == 1


def test_a_snapshot_saves_folding_a_stream_again(open_store: Callable[[], EventStore]) -> None:
    store = open_store()
    deposits(store, 9)
    store.transact("account-1", Account(), pay(1))  # nine were folded: no snapshot yet
    store.transact("account-1", Account(), pay(1))  # and one more: the tenth
    FOLDED.clear()
    states = []

    def look(account: Account) -> Sequence[Event]:
        states.append(account)
        return []

    open_store().transact("account-1", Account(), look)
    assert states == [Account(balance=11, folded=11)]
    assert len(FOLDED) == 1


def test_snapshots_of_another_fold_and_broken_ones_are_not_used(
    open_store: Callable[[], EventStore],
    admin_url: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    deposits(open_store(), 10)
    open_store().transact("account-1", Account(), lambda account: [])
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("""UPDATE eventstore.snapshots SET state = '{"balance": "many"}'""")
    FOLDED.clear()
    with caplog.at_level(logging.WARNING):
        open_store().transact("account-1", Account(), lambda account: [])
    assert len(FOLDED) == 10
    assert "can't be read" in caplog.text

    monkeypatch.setattr(Account, "snapshots", Snapshots(version=2, every=10))
    _form.cache_clear()
    FOLDED.clear()
    open_store().transact("account-1", Account(), lambda account: [])
    assert len(FOLDED) == 10
    with psycopg.connect(admin_url, autocommit=True) as admin:
        kept = admin.execute("SELECT fold_version, stream_version FROM eventstore.snapshots")
        assert [(version[0], at) for version, at in kept] == [("2", 10)]
    monkeypatch.undo()
    _form.cache_clear()


@pytest.mark.parametrize(
    "seen", [frozenset({1}), object(), "\ud800"], ids=["set", "no JSON", "no text"]
)
def test_a_state_that_would_come_back_as_another_is_not_kept(
    open_store: Callable[[], EventStore],
    admin_url: str,
    caplog: pytest.LogCaptureFixture,
    seen: object,
) -> None:
    LOSSY[:] = [seen]
    store = open_store()
    deposits(store, 1)
    with caplog.at_level(logging.WARNING):
        store.transact("account-1", Lossy(), lambda lossy: [])
    assert "not kept" in caplog.text
    with psycopg.connect(admin_url) as admin:
        assert admin.execute("SELECT count(*) FROM eventstore.snapshots").fetchone() == (0,)


def test_what_an_old_program_could_not_read_is_in_no_snapshot(
    open_store: Callable[[], EventStore], database_url: str, admin_url: str
) -> None:
    with EventStore.open(database_url, registry=NEWER) as newer:
        newer.append("account-1", [PaidInOtherWords(cents=100)])
    store = open_store()
    for _ in range(2):
        deposits(store, 10)
        store.transact("account-1", Account(), lambda account: [])
    with psycopg.connect(admin_url) as admin:
        assert admin.execute("SELECT count(*) FROM eventstore.snapshots").fetchone() == (0,)


def test_a_snapshot_is_never_ahead_of_its_stream_nor_goes_back(
    open_store: Callable[[], EventStore], admin_url: str
) -> None:
    store = open_store()
    deposits(store, 12)
    save = "SELECT eventstore.save_snapshot('default', 'account-1', 'f', '1', %s, '{}')"
    with store.database.writer() as connection:
        saved = [connection.execute(save, [at]).fetchone() for at in (13, 12, 11)]
        assert saved == [(False,), (True,), (False,)]
        with pytest.raises(psycopg.Error) as refused:
            connection.execute(save.replace("default", "*"), [1])
        assert refused.value.sqlstate == "ES003"
    assert store.executor.snapshots.drop("account-2") == 0
    assert store.executor.snapshots.drop() == 1


def test_a_session_of_one_tenant_saves_and_drops_nothing_of_another(
    open_store: Callable[[], EventStore],
) -> None:
    store = open_store()
    deposits(store, 1)
    for forbidden in (
        "SELECT eventstore.save_snapshot('default', 'account-1', 'f', '1', 1, '{}')",
        "SELECT eventstore.drop_snapshots('default')",
    ):
        with store.database.writer() as connection:
            connection.execute("SELECT set_config('eventstore.tenant', 'other', false)")
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(forbidden)
        assert refused.value.sqlstate == "ES003"
