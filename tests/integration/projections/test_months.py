"""Tables that are kept by month: their months come with the rows, live and in every build."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from threading import Barrier
from typing import Any

import psycopg
import pytest

from eventstore import EventStore
from eventstore.connection.database import Role, connect
from eventstore.connection.session import Session
from projections.apply.failures import failures
from projections.audit import drift
from projections.audit.verify import verify
from projections.builds.old_build import drop_old, switch_back
from projections.builds.rebuild import RebuildOptions, rebuild
from projections.errors import RebuildRefused, TablesNotMade
from projections.months import Months
from projections.row import full_key
from projections.row_store import RowStore
from projections.session import Connection, open_session, plan_for_keys
from projections.tables import template
from tests.integration.projections.diary import (
    DDL,
    Book,
    Diary,
    Entry,
    EntryTorn,
    change,
    entry,
    month,
    write,
)
from tests.integration.projections.running import (
    catch_up,
    checkpoint,
    replayed,
    running,
    stored,
    until,
)


@pytest.fixture
def url(database_url: str) -> str:
    """A database with the tables of diaries."""
    with connect(database_url, role="owner") as conn, conn.transaction():
        conn.execute(DDL)
    return database_url


@pytest.fixture
def owner(url: str) -> Iterator[Connection]:
    with connect(url, role="owner") as opened:
        yield opened


def months(conn: Connection, schema: str = "projections") -> list[str]:
    """The months that there are, by name."""
    found = conn.execute(
        "SELECT relname FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid "
        "WHERE inhparent = to_regclass(%s) ORDER BY 1",
        [f"{schema}.entries"],
    ).fetchall()
    return [name.removeprefix("entries_") for (name,) in found]


def test_months_come_with_their_first_rows(store: EventStore, url: str, conn: Connection) -> None:
    write(store, 0, 2)
    assert months(conn) == []
    assert catch_up(url, Diary()) == {}
    assert months(conn) == ["2020_01", "2020_03"]
    write(store, 1, 25)
    change(store, 0, 25)
    assert catch_up(url, Diary()) == {}
    assert months(conn) == ["2020_01", "2020_02", "2020_03", "2022_02"]
    assert conn.execute("SELECT text FROM entries_2022_02").fetchall() == [("changed",)]
    assert stored(conn, Diary()) == replayed(conn, Diary())


def test_a_running_projector_makes_them_too(store: EventStore, url: str, conn: Connection) -> None:
    with running(url, Diary()):
        write(store, 0)
        until(lambda: months(conn) == ["2020_01"], "the first month")
        write(store, 1, 2)
        until(lambda: len(stored(conn, Diary())["entries"]) == 3, "three entries")
    assert months(conn) == ["2020_01", "2020_02", "2020_03"]


def test_rows_of_a_month_are_changed_and_removed(
    store: EventStore, url: str, conn: Connection
) -> None:
    write(store, 0, 1)
    store.append("diary-ann", [EntryTorn(book="ann", entry_id=entry(0), written_at=month(0))])
    assert catch_up(url, Diary()) == {}
    assert list(stored(conn, Diary())["entries"]) == [("default", entry(1), month(1))]
    store.append("diary-ann", [EntryTorn(book="ann", entry_id=entry(1), written_at=month(1))])
    assert catch_up(url, Diary()) == {}
    assert stored(conn, Diary())["entries"] == {}


def test_the_same_moment_in_another_time_zone_is_the_same_row(
    store: EventStore, url: str, conn: Connection
) -> None:
    write(store, 0)
    there = month(0).astimezone(timezone(timedelta(hours=9)))
    store.append("diary-ann", [EntryTorn(book="ann", entry_id=entry(0), written_at=there)])
    assert catch_up(url, Diary()) == {}
    assert stored(conn, Diary())["entries"] == {}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("rows", [1, 50_000], ids=["looked up", "in memory"])
def test_a_rebuild_has_the_same_months(
    store: EventStore,
    url: str,
    conn: Connection,
    owner: Connection,
    workers: int,
    rows: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for book in ("ann", "bob", "eve"):
        write(store, *range(14), book=book)
        change(store, 3, 13, book=book)
    assert catch_up(url, Diary()) == {}
    live = stored(conn, Diary())
    monkeypatch.setattr("projections.builds.log_pages._PAGE", 7)
    done = rebuild(url, Diary(), RebuildOptions(workers=workers, rows_in_memory=rows))
    assert (done.rows, done.careful, done.held) == (3 + 42, False, 0)
    assert stored(conn, Diary()) == live
    assert len(months(conn)) == len(months(owner, "projections_old_diary")) == 14
    assert drift.check(owner, [Diary()]).drifts == ()
    assert verify(url, Diary()).wrong == 0
    assert len(months(conn)) == 14, "to look costs no month"


def test_they_change_places_back_and_go(
    store: EventStore, url: str, conn: Connection, owner: Connection
) -> None:
    write(store, 0, 1)
    assert catch_up(url, Diary()) == {}
    rebuild(url, Diary())
    write(store, 2)
    assert catch_up(url, Diary()) == {}
    assert months(owner, "projections_old_diary") == ["2020_01", "2020_02"]
    switch_back(url, Diary())
    assert months(conn) == ["2020_01", "2020_02", "2020_03"], "caught up"
    assert stored(conn, Diary()) == replayed(conn, Diary())
    assert drop_old(url, Diary())
    assert months(owner, "projections_old_diary") == []


def test_a_projector_does_not_take_the_months_of_replaced_tables_for_granted(
    store: EventStore, url: str, conn: Connection
) -> None:
    """The month of an entry that was torn is in the live tables alone."""
    write(store, 0, 1)
    with running(url, Diary()):
        until(lambda: len(months(conn)) == 2, "both months")
        store.append("diary-ann", [EntryTorn(book="ann", entry_id=entry(1), written_at=month(1))])
        until(lambda: _reached(conn) == store.watermark(), "all applied")
        rebuild(url, Diary(), RebuildOptions(workers=1))
        assert months(conn) == ["2020_01"]
        write(store, 1, book="bob")
        until(lambda: len(stored(conn, Diary())["entries"]) == 2, "the entry")
    assert months(conn) == ["2020_01", "2020_02"]
    assert failures(conn, [Diary()]) == []


def _reached(conn: Connection) -> int:
    found = checkpoint(conn, "diary")
    return found["position"] if found else 0


def test_a_month_that_somebody_dropped_is_made_again(
    store: EventStore, url: str, conn: Connection, owner: Connection
) -> None:
    with running(url, Diary()):
        write(store, 0)
        until(lambda: months(conn) == ["2020_01"], "the month")
        until(lambda: _reached(conn) == store.watermark(), "all applied")
        owner.execute("DROP TABLE projections.entries_2020_01")
        write(store, 0, book="bob")
        until(lambda: len(stored(conn, Diary())["entries"]) == 1, "the entry of the other book")


def test_many_may_make_a_month_at_once(url: str, conn: Connection) -> None:
    barrier = Barrier(4)

    def make(_: int) -> None:
        row = Entry(entry_id=entry(1), book="ann", text="x", stars=[])
        row.created_at = month(3)
        with open_session(url, part="test") as own:
            barrier.wait()
            Months(Diary(), "projections").make(own, [row])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))
    assert months(conn) == ["2020_04"]


def test_a_table_can_t_get_months_without_end(
    store: EventStore, url: str, conn: Connection, owner: Connection
) -> None:
    """The event whose month is one too many is held, and the others are applied."""
    body = owner.execute(
        "SELECT pg_get_functiondef('projections.make_months(text, text, date[])'::regprocedure)"
    ).fetchone()
    assert body is not None
    owner.execute(body[0].replace("integer := 600", "integer := 2"))
    write(store, 0, 1, 2)
    change(store, 2)
    write(store, 1, book="bob")
    assert catch_up(url, Diary()) == {}
    assert months(conn) == ["2020_01", "2020_02"]
    (held,) = failures(conn, [Diary()])
    assert "2 months already" in held.error
    assert (held.origin, held.waiting) == ("database", 1)
    assert ("default", "bob") in stored(conn, Diary())["books"]


def test_the_months_of_our_days_are_always_made(
    store: EventStore, url: str, conn: Connection, owner: Connection
) -> None:
    """Whoever uses up the months of a table with events of any time stops nobody else."""
    body = owner.execute(
        "SELECT pg_get_functiondef('projections.make_months(text, text, date[])'::regprocedure)"
    ).fetchone()
    assert body is not None
    owner.execute(body[0].replace("integer := 600", "integer := 1"))
    write(store, 0)
    today = datetime.now(UTC).date()
    owner.execute("SELECT projections.make_months('projections', 'entries', %s)", [[today]])
    assert len(months(conn)) >= 1
    assert f"{today:%Y_%m}" in months(conn)


ROLES: tuple[Role, ...] = ("owner", "appender", "projector", "archiver", "auditor", "subscriber")


def test_only_the_projector_may_have_months_made(url: str) -> None:
    for role in ROLES:
        with connect(url, role=role) as conn:
            statement = "SELECT projections.make_months('projections', 'entries', '{2024-05-01}')"
            if role in ("owner", "projector"):
                conn.execute(statement)
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(statement)


@pytest.mark.parametrize("schema", ["eventstore", "public", "pg_catalog", "projectionsx"])
def test_and_of_read_models_only(conn: Connection, schema: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SELECT projections.make_months(%s, 'events', '{2024-05-01}')", [schema])


def test_a_plain_table_gets_none(conn: Connection) -> None:
    conn.execute("SELECT projections.make_months('projections', 'books', '{2024-05-01}')")
    assert conn.execute("SELECT to_regclass('projections.books_2024_05')").fetchone() == (None,)


def test_a_month_is_protected_as_its_table_is(
    store: EventStore, url: str, conn: Connection
) -> None:
    """Live and rebuilt: by its own name it tells a tenant no more than the table does."""
    write(store, 0)
    with EventStore.open(url, tenant="acme") as other:
        write(other, 0, book="eve")
    assert catch_up(url, Diary()) == {}
    for _ in range(2):
        for name in ("entries", "entries_2020_01"):
            with connect(url, role="auditor", tenant="acme") as auditor:
                found = auditor.execute(f"SELECT book FROM projections.{name}").fetchall()
                assert found == [("eve",)]
                for change in ("DELETE FROM", "TRUNCATE", "UPDATE"):
                    tail = " SET text = ''" if change == "UPDATE" else ""
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        auditor.execute(f"{change} projections.{name}{tail}")
            with (
                connect(url, role="appender") as appender,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                appender.execute(f"SELECT FROM projections.{name}")
            forced = conn.execute(
                "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class "
                "WHERE oid = to_regclass(%s)",
                [f"projections.{name}"],
            )
            assert forced.fetchone() == (True,)
        rebuild(url, Diary(), RebuildOptions(workers=1))


HARMS = {
    "ALTER TABLE entries_2020_01 NO FORCE ROW LEVEL SECURITY": "table entries_2020_01",
    "GRANT SELECT ON entries_2020_01 TO PUBLIC": "grant on entries_2020_01 to PUBLIC",
    "CREATE INDEX odd ON entries_2020_01 (book)": "index entries_2020_01.odd",
    "ALTER TABLE entries DETACH PARTITION entries_2020_01": None,
    "DROP INDEX entries_text": "index entries.entries_text",
    "CREATE TABLE other PARTITION OF entries FOR VALUES FROM ('1990-01-01') TO ('1991-01-01')": (
        "table other"
    ),
}


def test_what_somebody_changes_about_a_month_is_found(
    store: EventStore, url: str, owner: Connection
) -> None:
    write(store, 0)
    assert catch_up(url, Diary()) == {}
    owner.execute("SET search_path = projections")
    for harm, thing in HARMS.items():
        assert drift.check(owner, [Diary()]).drifts == ()
        with owner.transaction(force_rollback=True):
            owner.execute(harm.encode())
            found = [each.thing for each in drift.check(owner, [Diary()]).drifts]
        assert (thing in found) if thing else found == []


def test_keys_find_their_month_alone(conn: Session) -> None:
    """With ten years of months, loading a row opens one."""
    plan_for_keys(conn)
    store = RowStore(Diary())
    rows = []
    for n in range(120):
        row = Entry(entry_id=entry(n), book="ann", text="x", stars=[])
        row.tenant_id, row.created_at, row.updated_at, row.position = (
            "default", month(n), month(n), n + 1,
        )  # fmt: skip
        rows.append(row)
    book = Book(book="ann", entries=120)
    book.tenant_id, book.created_at, book.updated_at, book.position = (
        "default", month(0), month(0), 1,
    )  # fmt: skip
    state: Any = {
        Book: {full_key(book): book},
        Entry: {full_key(row): row for row in rows},
    }
    store.months.make(conn, rows)
    with conn.transaction():
        store.save(conn, state, {(table, key) for table in state for key in state[table]})
    query, parameters = store._by_key("load", Entry, [full_key(rows[7]), full_key(rows[8])])
    plan = conn.execute(b"EXPLAIN " + query, parameters).fetchall()
    opened = {word for (line,) in plan for word in line.split() if word.startswith("entries_20")}
    assert {name[:15] for name in opened} == {"entries_2020_08", "entries_2020_09"}
    assert "Index" in str(plan)
    found = store.load(conn, [(Entry, full_key(rows[7]))])
    assert found[Entry] == {full_key(rows[7]): rows[7]}


def test_a_file_has_to_partition_as_its_rows_say(
    url: str, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Entry, "BY_MONTH", None)
    with pytest.raises(TablesNotMade, match=r"entries is partitioned by RANGE \(created_at\)"):
        rebuild(url, Diary())
    monkeypatch.setattr(Entry, "BY_MONTH", "created_at")
    monkeypatch.setattr(Book, "BY_MONTH", "created_at")
    with pytest.raises(TablesNotMade, match="books is not partitioned"), template(owner, Diary()):
        raise AssertionError


def test_a_view_of_a_month_is_in_the_way_of_a_rebuild(
    store: EventStore, url: str, owner: Connection
) -> None:
    write(store, 0)
    assert catch_up(url, Diary()) == {}
    owner.execute("CREATE VIEW projections.one AS SELECT text FROM projections.entries_2020_01")
    with pytest.raises(RebuildRefused, match=r"view projections\.one"):
        rebuild(url, Diary())


def test_the_boundaries_of_a_month_are_those_of_utc(conn: Connection) -> None:
    conn.execute("SELECT set_config('timezone', 'Pacific/Auckland', false)")
    conn.execute(
        "SELECT projections.make_months('projections', 'entries', %s)", [[date(2024, 2, 29)]]
    )
    conn.execute("SELECT set_config('timezone', 'UTC', false)")
    bound = conn.execute(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'entries_2024_02'"
    ).fetchone()
    assert bound == ("FOR VALUES FROM ('2024-02-01 00:00:00+00') TO ('2024-03-01 00:00:00+00')",)
