"""The engine's pure core, with a small context of its own."""

from __future__ import annotations

from dataclasses import field
from uuid import UUID, uuid4

import pytest

from eventstore import Event
from eventstore.errors import InvalidEvent, UnknownEventType
from projections.errors import EventNotApplied, KeyNotNamed, MissingRow, RowExists
from projections.projection import Projection, Rows, State, on
from projections.row import Row, table
from projections.testing import FIRST_MOMENT, given, recorded


class Opened(Event, event_type="test_projection.opened"):
    account_id: UUID
    owner: str = "ann"


class Paid(Event, event_type="test_projection.paid"):
    account_id: UUID
    amount: int
    to_account_id: UUID | None = None


class Noted(Event, event_type="test_projection.noted"):
    account_id: UUID
    note: str


class Closed(Event, event_type="test_projection.closed"):
    account_id: UUID


class Unheard(Event, event_type="test_projection.unheard"):
    account_id: UUID


class Careless(Event, event_type="test_projection.careless"):
    account_id: UUID
    other_id: UUID


@table("accounts", key="id", named_by=("account_id", "to_account_id"))
class Account(Row):
    id: UUID
    owner: str
    balance: int = 0
    notes: list[str] = field(default_factory=list)


@table("payments", key="event_id", named_by=("event_id",), named_only_by=(Paid,))
class Payment(Row):
    event_id: UUID
    account_id: UUID
    amount: int


@table("pairs", key=("from_id", "to_id"), named_by=(("account_id", "to_account_id"),))
class Pair(Row):
    from_id: UUID
    to_id: UUID
    amount: int = 0


class Bank(Projection, name="bank", tables=(Account, Payment, Pair)):
    @on(Opened)
    def opened(self, event: Opened, recorded: object, rows: Rows) -> None:
        rows.add(Account(id=event.account_id, owner=event.owner))

    @on(Paid)
    def paid(self, event: Paid, recorded: object, rows: Rows) -> None:
        rows.add(Payment(event_id=event.event_id, account_id=event.account_id, amount=event.amount))
        rows.get(Account).balance -= event.amount
        if event.to_account_id is not None:
            pair = rows.find(Pair)
            if pair is None:
                pair = Pair(from_id=event.account_id, to_id=event.to_account_id)
                rows.add(pair)
            pair.amount += event.amount
            rows.get(Account, event.to_account_id).balance += event.amount

    @on(Noted)
    def noted(self, event: Noted, recorded: object, rows: Rows) -> None:
        account = rows.see(Account)
        if event.note == "look":
            return
        rows.get(Account).notes = [*account.notes, event.note]
        if event.note == "break":
            raise ValueError("broken")

    @on(Closed)
    def closed(self, event: Closed, recorded: object, rows: Rows) -> None:
        rows.remove(Account)

    @on(Careless)
    def careless(self, event: Careless, recorded: object, rows: Rows) -> None:
        rows.get(Account, event.other_id).balance = 0


A, B = uuid4(), uuid4()
OPEN_A, OPEN_B = Opened(account_id=A), Opened(account_id=B, owner="bob")


def test_rows_follow_from_events() -> None:
    paid = Paid(account_id=A, amount=5, to_account_id=B)
    given(Bank(), OPEN_A, OPEN_B, paid).then(
        Account(id=A, owner="ann", balance=-5),
        Account(id=B, owner="bob", balance=5),
        Payment(event_id=paid.event_id, account_id=A, amount=5),
        Pair(from_id=A, to_id=B, amount=5),
    )


def test_then_fails_when_a_row_differs_or_is_missing() -> None:
    story = given(Bank(), OPEN_A)
    with pytest.raises(AssertionError):
        story.then(Account(id=A, owner="bob"))
    with pytest.raises(AssertionError):
        story.then(Account(id=A, owner="ann"), Account(id=B, owner="bob"))


def test_the_event_stamps_the_rows_that_it_touches() -> None:
    state = Bank().empty()
    opened, paid = recorded(OPEN_A, 7), recorded(Paid(account_id=A, amount=1), 9)
    Bank().apply(state, opened)
    Bank().apply(state, paid)
    account = state[Account]["default", A]
    assert account is not None
    assert account.tenant_id == "default"
    assert account.created_at == opened.occurred_at != FIRST_MOMENT
    assert account.updated_at == paid.occurred_at
    assert account.position == 9


def test_seeing_a_row_does_not_stamp_it() -> None:
    state = Bank().empty()
    Bank().apply(state, recorded(OPEN_A, 1))
    assert Bank().apply(state, recorded(Noted(account_id=A, note="look"), 2)) == []
    account = state[Account]["default", A]
    assert account is not None
    assert account.position == 1


def test_a_refused_event_changes_nothing() -> None:
    story = given(Bank(), OPEN_A)
    refusal = story.refuses(Noted(account_id=A, note="break"), ValueError)
    assert story.row(Account).notes == []
    assert (refusal.projection, refusal.position) == ("bank", 2)
    assert refusal.event_type == "test_projection.noted"
    assert "broken" in refusal.reason


def test_a_row_changed_after_a_payment_was_added_is_not_kept() -> None:
    """The rule adds the payment first, and then finds no account."""
    story = given(Bank(), OPEN_B)
    story.refuses(Paid(account_id=A, amount=1), MissingRow)
    assert story.rows(Payment) == []


def test_earlier_states_stay_as_they_were() -> None:
    """As-of reads keep the old row while the fold goes on, so a rule must get a copy."""
    state = Bank().empty()
    Bank().apply(state, recorded(OPEN_A, 1))
    before = state[Account]["default", A]
    Bank().apply(state, recorded(Paid(account_id=A, amount=1), 2))
    after = state[Account]["default", A]
    assert before is not None
    assert after is not None
    assert (before.balance, before.position) == (0, 1)  # type: ignore[attr-defined]
    assert (after.balance, after.position) == (-1, 2)  # type: ignore[attr-defined]


def test_a_row_is_added_once() -> None:
    given(Bank(), OPEN_A).refuses(Opened(account_id=A), RowExists)


def test_a_removed_row_is_gone_and_can_be_made_again() -> None:
    closed = Closed(account_id=A)
    story = given(Bank(), OPEN_A, closed)
    assert story.rows(Account) == []
    assert story.state[Account] == {("default", A): None}
    story.refuses(Closed(account_id=A), MissingRow)
    again = given(Bank(), OPEN_A, closed, Opened(account_id=A, owner="eve"))
    again.then(Account(id=A, owner="eve"))


def test_a_rule_reaches_only_rows_that_its_event_names() -> None:
    given(Bank(), OPEN_A, OPEN_B).refuses(Careless(account_id=A, other_id=B), KeyNotNamed)


def test_tenants_are_kept_apart() -> None:
    state: State = Bank().empty()
    bank = Bank()
    bank.apply(state, recorded(OPEN_A, 1, tenant="acme"))
    bank.apply(state, recorded(OPEN_A, 2, tenant="umbrella"))
    bank.apply(state, recorded(Paid(account_id=A, amount=3), 3, tenant="acme"))
    balances = {key: row and row.balance for key, row in state[Account].items()}  # type: ignore[attr-defined]
    assert balances == {("acme", A): -3, ("umbrella", A): 0}
    with pytest.raises(EventNotApplied):
        bank.apply(state, recorded(Paid(account_id=A, amount=3), 4, tenant="nobody"))


def test_an_event_without_a_rule_changes_nothing_and_names_nothing() -> None:
    unheard = recorded(Unheard(account_id=A))
    state = Bank().empty()
    assert Bank().apply(state, unheard) == []
    assert list(Bank().keys(unheard)) == []
    assert state == Bank().empty()


def test_keys_are_what_the_rules_may_touch() -> None:
    paid = Paid(account_id=A, amount=1, to_account_id=B)
    assert list(Bank().keys(recorded(paid))) == [
        (Account, ("default", A)),
        (Account, ("default", B)),
        (Payment, ("default", paid.event_id)),
        (Pair, ("default", A, B)),
    ]


def test_fields_that_are_null_name_nothing() -> None:
    paid = Paid(account_id=A, amount=1)
    assert list(Bank().keys(recorded(paid))) == [
        (Account, ("default", A)),
        (Payment, ("default", paid.event_id)),
    ]


def test_only_the_listed_events_name_a_row_by_their_own_id() -> None:
    assert list(Bank().keys(recorded(OPEN_A))) == [(Account, ("default", A))]


def test_apply_touches_no_row_that_keys_left_out() -> None:
    state, bank = Bank().empty(), Bank()
    for position, event in enumerate((OPEN_A, OPEN_B, Paid(account_id=A, amount=1)), 1):
        event_recorded = recorded(event, position)
        assert set(bank.apply(state, event_recorded)) <= set(bank.keys(event_recorded))


def test_an_undecodable_event_is_refused_with_its_cause() -> None:
    broken = recorded(OPEN_A)._replace(data=b'{"account_id":"no uuid"}')
    with pytest.raises(EventNotApplied) as caught:
        Bank().apply(Bank().empty(), broken)
    assert isinstance(caught.value.__cause__, InvalidEvent)


def test_a_schema_version_that_nothing_reads_is_refused() -> None:
    newer = recorded(OPEN_A)._replace(schema_version=2)
    with pytest.raises(EventNotApplied) as caught:
        Bank().apply(Bank().empty(), newer)
    assert isinstance(caught.value.__cause__, UnknownEventType)


def test_one_event_has_one_rule() -> None:
    with pytest.raises(TypeError, match="two rules"):

        class Twice(Projection, name="twice", tables=(Account,)):
            @on(Opened)
            def first(self, event: Opened, recorded: object, rows: Rows) -> None: ...

            @on(Opened)
            def second(self, event: Opened, recorded: object, rows: Rows) -> None: ...


def test_a_subclass_replaces_a_rule_and_keeps_the_others() -> None:
    class Generous(Bank, name="generous", tables=(Account, Payment, Pair), version=2):
        @on(Opened)
        def opened(self, event: Opened, recorded: object, rows: Rows) -> None:
            rows.add(Account(id=event.account_id, owner=event.owner, balance=100))

    story = given(Generous(), OPEN_A, Paid(account_id=A, amount=1))
    assert story.row(Account).balance == 99
    assert given(Bank(), OPEN_A).row(Account).balance == 0
    assert Generous.event_types == Bank.event_types


def test_the_columns_of_a_table() -> None:
    assert Pair.COLUMNS == (
        "tenant_id",
        "from_id",
        "to_id",
        "amount",
        "created_at",
        "updated_at",
        "position",
    )
    assert Pair.KEY == ("from_id", "to_id")


@table("settings", key="key", named_by=("account_id",))
class Setting(Row):
    key: UUID
    copy: int = 0
    full_key: str = ""
    table: str = ""


class Settings(Projection, name="settings", tables=(Setting,)):
    @on(Opened)
    def opened(self, event: Opened, recorded: object, rows: Rows) -> None:
        rows.add(Setting(key=event.account_id))

    @on(Noted)
    def noted(self, event: Noted, recorded: object, rows: Rows) -> None:
        setting = rows.get(Setting, event.account_id)
        setting.copy += 1
        setting.full_key = event.note


def test_a_column_can_have_any_name() -> None:
    noted = Noted(account_id=A, note="n")
    given(Settings(), OPEN_A, noted, noted).then(Setting(key=A, copy=2, full_key="n"))


@pytest.mark.parametrize("name", ["tenant_id", "position", "created_at", "updated_at", "KEY"])
def test_but_not_one_that_the_engine_fills_or_looks_at(name: str) -> None:
    fields = {"id": UUID, name: str}
    with pytest.raises(TypeError, match=f"a column of odd can't be named {name}"):
        table("odd", key="id", named_by=("account_id",))(
            type("Odd", (Row,), {"__annotations__": fields})
        )


def test_a_row_can_be_removed_and_made_again_by_one_event() -> None:
    class Renewing(Bank, name="renewing", tables=(Account, Payment, Pair)):
        @on(Closed)
        def closed(self, event: Closed, recorded: object, rows: Rows) -> None:
            rows.remove(Account)
            assert rows.find(Account) is None
            with pytest.raises(MissingRow):
                rows.see(Account)
            rows.add(Account(id=event.account_id, owner="again"))
            rows.get(Account).balance = 7

    story = given(Renewing(), OPEN_A, Closed(account_id=A))
    story.then(Account(id=A, owner="again", balance=7))
    assert Renewing().apply(story.state, recorded(Closed(account_id=A), 9)) == [
        (Account, ("default", A))
    ]


def test_an_event_may_name_one_row_twice() -> None:
    to_itself = Paid(account_id=A, amount=1, to_account_id=A)
    story = given(Bank(), OPEN_A, to_itself)
    assert story.row(Account).balance == 0
    assert story.row(Pair).amount == 1


def test_shards_have_no_row_in_common() -> None:
    with pytest.raises(TypeError, match="paid may lack to_account_id, as shard_by says"):

        class Loose(Bank, name="bank", tables=Bank.tables, shard_by="to_account_id"):
            pass

    with pytest.raises(TypeError, match="accounts is named by events that have note"):

        class Mixed(Bank, name="bank", tables=Bank.tables, shard_by="note"):
            pass


def test_events_of_another_kind_need_not_have_the_field_of_the_shards() -> None:
    class Rung(Event, event_type="test_projection.rung"):
        bell_id: UUID

    @table("bells", key="id", named_by=("bell_id",))
    class Bell(Row):
        id: UUID

    class Bells(Bank, name="bank", tables=(*Bank.tables, Bell), shard_by="account_id"):
        @on(Rung)
        def rung(self, event: Rung, recorded: object, rows: Rows) -> None:
            rows.add(Bell(id=event.bell_id))

    assert Bells.shard_by == "account_id"
    given(Bells(), Rung(bell_id=A), OPEN_A).then(Bell(id=A), Account(id=A, owner="ann"))


@pytest.mark.parametrize("name", ["bank.txt", "sql/bank_fold.sql", "../bank.sql", "", ".sql "])
def test_fold_sql_names_a_file_beside_the_class(name: str) -> None:
    with pytest.raises(TypeError, match=r"Wrong: fold_sql is the name of a file beside the class"):

        class Wrong(Bank, name="bank", tables=Bank.tables, fold_sql=name):
            pass


def test_a_subclass_does_not_take_over_the_fold_in_sql() -> None:
    class InSql(Bank, name="bank", tables=Bank.tables, fold_sql="bank_fold.sql"):
        pass

    class Changed(InSql, name="bank", tables=Bank.tables):
        pass

    assert (InSql.fold_sql, Changed.fold_sql) == ("bank_fold.sql", None)
