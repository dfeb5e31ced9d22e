"""A rebuild whose fold is stated in SQL: as far as SQL goes, and the rules from there on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eventstore import EventStore
from projections.apply.discards import append_discard
from projections.audit.drift import check
from projections.audit.verify import verify
from projections.builds.definition import definition_of
from projections.builds.progress import Progress
from projections.builds.rebuild import RebuildOptions, Rebuilt, rebuild
from projections.cli.builds import _say
from projections.errors import FoldNotStated, LeaseHeld, LeaseLost
from projections.projection import Projection
from projections.session import Connection, open_session
from projections.testing import same_in_sql, told
from tests.integration.projections.orders import (
    Opened,
    OpenedOnce,
    Order,
    Orders,
    OrdersInSql,
    Shipped,
)
from tests.integration.projections.running import (
    catch_up,
    checkpoint,
    number,
    replayed,
    stored,
    until,
)
from tests.integration.projections.things import Noise

ROOT = Path(__file__).parents[3]
FOLD = Path(__file__).with_name("orders_fold.sql").read_text(encoding="utf-8")


@pytest.fixture
def url(database_url: str) -> str:
    return database_url


@pytest.fixture(autouse=True)
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_FIRST", "_LEAST", "_MOST"):
        monkeypatch.setattr(f"projections.builds.sql_build.{name}", 10)


@pytest.fixture
def fold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that states the fold, to be changed."""
    monkeypatch.setattr("projections.builds.sql_fold.folder_of", lambda cls: tmp_path)
    file = tmp_path / "orders_fold.sql"
    file.write_text(FOLD)
    return file


def fill(store: EventStore, first: int, orders: int) -> None:
    """Three events an order, one of them of no interest."""
    for n in range(first, first + orders):
        store.append(
            f"order-{n}",
            [
                Opened(order_id=number(n), title=f"order {n}"),
                Noise(text="x"),
                Shipped(order_id=number(n), carrier="mule"),
            ],
        )
        if n % 3 == 0:
            store.append(f"order-{n}", [Shipped(order_id=number(n - 1), carrier="cart")])


def as_by_rules(conn: Connection, done: Rebuilt) -> bool:
    """Whether tables and held events are what the rules alone give, which is tried."""
    found = stored(conn, Orders()), held(conn)
    assert found[0] == replayed(conn, Orders())
    return found[0]["orders"] != {} and done.held == len(found[1])


def held(conn: Connection) -> list[Any]:
    return conn.execute(
        "SELECT position, behind FROM failures WHERE build = 'live' ORDER BY position"
    ).fetchall()


@pytest.mark.parametrize("workers", [1, 3])
def test_all_of_it(store: EventStore, url: str, conn: Connection, workers: int) -> None:
    fill(store, 1, 30)
    said: list[Progress] = []
    done = rebuild(url, OrdersInSql(), RebuildOptions(workers=workers), report=said.append)
    assert (done.events, done.in_sql, done.why_not_sql) == (70, 70, None)
    assert as_by_rules(conn, done)
    there = checkpoint(conn, "orders")
    assert there is not None
    assert (there["position"], there["applied"]) == (store.watermark(), 70)
    folds = [each for each in said if each.phase == "fold"]
    assert len(folds) == 10
    assert [each.position for each in folds] == sorted(each.position for each in folds)
    assert folds[-1].done == 70
    assert conn.execute(
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'projections' "
        "AND tablename = 'orders' ORDER BY 1"
    ).fetchall() == [("orders_pkey",), ("orders_title",)]
    with open_session(url, part="test", role="owner") as owner:
        assert check(owner, [OrdersInSql()]).drifts == ()


def test_the_live_projector_goes_on_with_the_rules(
    store: EventStore, url: str, conn: Connection
) -> None:
    fill(store, 1, 10)
    assert rebuild(url, OrdersInSql()).in_sql
    fill(store, 11, 10)
    assert catch_up(url, OrdersInSql()) == {}
    assert stored(conn, Orders()) == replayed(conn, Orders())
    assert verify(url, OrdersInSql()).wrong == 0


def test_only_from_a_position_on(store: EventStore, url: str, conn: Connection) -> None:
    fill(store, 1, 10)
    start = store.watermark()
    fill(store, 11, 10)
    done = rebuild(url, OrdersInSql(), RebuildOptions(starts_after=start))
    assert (done.in_sql, done.rows, done.why_not_sql) == (done.events, 10, None)


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_between_two_ranges_it_is_resumed(
    store: EventStore, url: str, conn: Connection, workers: int
) -> None:
    fill(store, 1, 30)
    module = "tests.integration.projections.sql_rebuild_process"
    with subprocess.Popen(
        [sys.executable, "-m", module, url, "30"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        reached = int(process.stdout.readline())
        process.kill()
    fill(store, 31, 5)
    done: Rebuilt = until(lambda: unless_held(url, OrdersInSql()), "the lease is free")
    there = checkpoint(conn, "orders")
    assert there is not None
    assert 0 < reached < store.watermark()
    assert (done.resumed, done.in_sql, done.why_not_sql) == (True, done.events, None)
    assert 0 < done.events < there["applied"] == 81
    assert as_by_rules(conn, done)


def unless_held(url: str, projection: Projection) -> Rebuilt | None:
    try:
        return rebuild(url, projection)
    except LeaseHeld:
        return None


def test_who_lost_the_lease_writes_nothing(store: EventStore, url: str, conn: Connection) -> None:
    fill(store, 1, 30)
    taken: list[int] = []

    def report(progress: Progress) -> None:
        if not taken:
            taken.append(progress.position)
            conn.execute(
                "UPDATE checkpoints SET fencing_token = fencing_token + 1 WHERE build = 'rebuild'"
            )

    with pytest.raises(LeaseLost):
        rebuild(url, OrdersInSql(), report=report)
    with open_session(url, part="test", role="owner") as owner:
        found = owner.execute(
            "SELECT max(position) FROM projections_rebuild_orders.orders"
        ).fetchone()
    assert found is not None
    assert found[0] <= taken[0]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("again", [False, True], ids=["unknown", "known"])
def test_an_event_that_the_rules_hold_is_held(
    store: EventStore, url: str, conn: Connection, workers: int, again: bool
) -> None:
    """With what waits for it; and a second time, it is left to the rules without a try."""
    fill(store, 1, 15)
    early = store.append("order-99", [Shipped(order_id=number(99), carrier="x")]).positions[0]
    fill(store, 16, 15)
    late = store.append("order-99", [Opened(order_id=number(99), title="late")]).positions[0]
    for _ in range(1 + again):
        done = rebuild(url, OrdersInSql(), RebuildOptions(workers=workers))
    assert held(conn) == [(early, None), (late, early)]
    assert as_by_rules(conn, done)
    assert done.events == 72
    assert 0 < done.in_sql < 36
    expected = f"position {early} is held" if again else f"too_early gave {early}, {number(99)}"
    assert expected in str(done.why_not_sql)


def test_a_second_opening_violates_the_key(store: EventStore, url: str, conn: Connection) -> None:
    fill(store, 1, 15)
    twice = store.append("order-7", [Opened(order_id=number(7), title="again")]).positions[0]
    done = rebuild(url, OrdersInSql())
    assert held(conn) == [(twice, None)]
    assert as_by_rules(conn, done)
    assert "opened: duplicate key" in str(done.why_not_sql)


def test_the_command_says_how_far_sql_came(
    store: EventStore, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(store, 1, 10)
    twice = store.append("order-7", [Opened(order_id=number(7), title="again")]).positions[0]
    _say(rebuild(url, OrdersInSql()))
    said = capsys.readouterr().err
    assert "21 of them in SQL" in said
    assert "after the fold in SQL: opened: duplicate key" in said
    assert f"in the positions 31 to {twice}" in said


def test_what_is_discarded_is_left_out(store: EventStore, url: str, conn: Connection) -> None:
    fill(store, 1, 15)
    receipt = store.append("order-3", [Shipped(order_id=number(3), carrier="nobody")])
    fill(store, 16, 5)
    (event,) = (each for each in store.read_all(after=receipt.positions[0] - 1, limit=1))
    append_discard(store, Orders(), event, "a mistake", "tester")
    done = rebuild(url, OrdersInSql())
    assert as_by_rules(conn, done)
    assert "nobody" not in {row["carrier"] for row in stored(conn, Orders())["orders"].values()}
    assert 0 < done.in_sql < done.events
    assert f"position {event.position} is held or discarded" in str(done.why_not_sql)


def test_what_an_upcaster_changes_is_for_the_rules(
    store: EventStore, url: str, conn: Connection
) -> None:
    fill(store, 1, 15)
    store.append("order-50", [OpenedOnce(order_id=number(50))])
    done = rebuild(url, OrdersInSql())
    assert as_by_rules(conn, done)
    assert 0 < done.in_sql < done.events
    assert "orders.opened is there in schema_version 1" in str(done.why_not_sql)


def test_a_row_that_only_the_database_refuses(
    store: EventStore, url: str, conn: Connection
) -> None:
    """It shows when the indexes are made: then all is applied as live."""
    fill(store, 1, 15)
    double = store.append("order-50", [Opened(order_id=number(50), title="order 5")]).positions[0]
    done = rebuild(url, OrdersInSql())
    assert (done.careful, done.in_sql, held(conn)) == (True, 0, [(double, None)])
    assert len(stored(conn, Orders())["orders"]) == 15


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("SELECT nonsense", "wrong: column"),
        ("SELECT 1/0 WHERE %(after)s >= 0", "wrong: division by zero"),
        ("DELETE FROM events", "wrong: permission denied"),
        ("UPDATE projections.checkpoints SET build = 'x' WHERE %(typo)s", "wrong: "),
        ("SELECT 'this range', 1", "wrong gave this range, 1"),
        ("INSERT INTO orders SELECT", "wrong: "),
    ],
)
def test_a_statement_that_fails(
    store: EventStore, url: str, conn: Connection, fold: Path, statement: str, reason: str
) -> None:
    fill(store, 1, 10)
    fold.write_text(f"{FOLD}\n-- name: wrong\n{statement}\n")
    done = rebuild(url, OrdersInSql())
    assert as_by_rules(conn, done)
    assert done.in_sql == 0
    assert reason in str(done.why_not_sql)


def test_a_file_that_is_not_there(url: str, store: EventStore, conn: Connection) -> None:
    class Nowhere(Orders, name="orders", tables=(Order,), fold_sql="nowhere.sql"):
        pass

    with pytest.raises(FoldNotStated, match=r"nowhere\.sql: no such file in .*projections"):
        rebuild(url, Nowhere())
    assert checkpoint(conn, "orders", "rebuild") is None


def test_a_file_that_states_nothing(url: str, store: EventStore, fold: Path) -> None:
    fold.write_text("SELECT 1")
    with pytest.raises(FoldNotStated, match="each begins with a line `-- name:"):
        rebuild(url, OrdersInSql())


def test_rules_with_settings_are_not_those_of_the_file(
    url: str, store: EventStore, conn: Connection
) -> None:
    class Set(Orders, name="orders", tables=(Order,), fold_sql="orders_fold.sql"):
        def __init__(self) -> None:
            self.setting = 1

    fill(store, 1, 10)
    done = rebuild(url, Set())
    assert as_by_rules(conn, done)
    assert (done.in_sql, done.why_not_sql) == (
        0,
        "the rules have settings, which SQL does not see",
    )


def test_other_sql_begins_anew(store: EventStore, url: str, conn: Connection, fold: Path) -> None:
    fill(store, 1, 30)
    before = definition_of(OrdersInSql())

    def report(progress: Progress) -> None:
        if progress.done > 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(url, OrdersInSql(), report=report)
    fold.write_text(FOLD.replace("shipments + news.count", "shipments + news.count * 1"))
    assert definition_of(OrdersInSql()) != before
    done = rebuild(url, OrdersInSql())
    assert (done.resumed, done.events) == (False, 70)
    assert as_by_rules(conn, done)


MINE = [
    Opened(order_id=number(1), title="one"),
    Opened(order_id=number(2), title="two"),
    Shipped(order_id=number(1), carrier="x"),
    Shipped(order_id=number(1), carrier="y"),
]


def test_both_forms_are_the_same(url: str) -> None:
    both_ways(url)
    same_in_sql(url, OrdersInSql(), told(*MINE), 2, 3, 10)
    same_in_sql(url, OrdersInSql(), [])


def both_ways(url: str) -> None:
    same_in_sql(url, OrdersInSql(), told(*MINE))
    same_in_sql(url, OrdersInSql(), told(*reversed(MINE)))


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("position DESC", "position", "up to position 4, rows differ"),
        ("count(*)", "1 + count(*)", "rows differ"),
        ("updated_at = news.occurred_at, ", "", "rows differ"),
        ("AND orders.order_id IS NULL", "", "SQL refuses what the rules apply: .*too_early"),
        ("AND orders.position < events.position", "", "SQL applies what the rules hold, .*[1]"),
    ],
)
def test_a_mistake_in_the_sql_is_found(
    url: str, fold: Path, right: str, wrong: str, reason: str
) -> None:
    assert right in FOLD
    fold.write_text(FOLD.replace(right, wrong))
    with pytest.raises(AssertionError, match=reason):
        both_ways(url)
