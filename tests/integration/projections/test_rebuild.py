"""A rebuild gives the same tables, and nobody notices it but by its effect."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from eventstore import EventStore, RecordedEvent
from eventstore.connection.database import connect
from projections.apply.failures import failures
from projections.builds.old_build import switch_back
from projections.builds.progress import Progress
from projections.builds.rebuild import RebuildOptions, rebuild
from projections.builds.rebuild_all import rebuild_all
from projections.catalogue import PROJECTIONS
from projections.errors import (
    LeaseHeld,
    LeaseLost,
    ProjectionPaused,
    RebuildRefused,
    SwitchRefused,
)
from projections.projection import Projection, Rows, on
from projections.session import Connection
from tests.integration.projections.building import begin_rebuild, fill
from tests.integration.projections.running import (
    catch_up,
    checkpoint,
    number,
    replayed,
    running,
    stored,
    until,
)
from tests.integration.projections.things import (
    AmountAdded,
    Forbidden,
    Overdrawn,
    Thing,
    Things,
)

ROOT = Path(__file__).parents[3]
STRUCTURE = """
SELECT 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull::text,
       coalesce(pg_get_expr(d.adbin, d.adrelid), '') || coalesce(a.attgenerated::text, ''),
       col_description(c.oid, a.attnum)
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND attnum > 0
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.oid = ANY (%(tables)s::regclass[])
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(k.oid), '', '',
       obj_description(k.oid, 'pg_constraint')
  FROM pg_constraint k WHERE conrelid = ANY (%(tables)s::regclass[])
UNION ALL
SELECT 'index', indrelid::regclass::text, indexrelid::regclass::text,
       pg_get_indexdef(indexrelid), '', '', obj_description(indexrelid, 'pg_class')
  FROM pg_index WHERE indrelid = ANY (%(tables)s::regclass[])
UNION ALL
SELECT 'table', relname, relrowsecurity::text, relforcerowsecurity::text,
       coalesce(reloptions::text, ''),
       (SELECT string_agg(acl::text, ' ' ORDER BY acl::text) FROM unnest(relacl) AS acl),
       obj_description(oid, 'pg_class')
  FROM pg_class WHERE oid = ANY (%(tables)s::regclass[])
UNION ALL
SELECT 'policy', polrelid::regclass::text, polname,
       concat(polroles::regrole[], polcmd, polpermissive), pg_get_expr(polqual, polrelid),
       pg_get_expr(polwithcheck, polrelid), NULL
  FROM pg_policy WHERE polrelid = ANY (%(tables)s::regclass[])
UNION ALL
SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), '', '', NULL
  FROM pg_trigger WHERE tgrelid = ANY (%(tables)s::regclass[]) AND NOT tgisinternal
 ORDER BY 1, 2, 3, 4
"""


def structure(url: str, projection: Projection) -> list[tuple[Any, ...]]:
    """All that the catalogue says of a projection's live tables."""
    names = [f"projections.{table.TABLE}" for table in projection.tables]
    with connect(url, role="owner") as owner:
        owner.execute("SET search_path = pg_catalog")
        return owner.execute(STRUCTURE, {"tables": names}).fetchall()


def identities(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute("SELECT 'projections.things'::regclass::oid").fetchall()


@pytest.fixture
def owner(url: str) -> Iterator[Connection]:
    with connect(url, role="owner") as opened:
        yield opened


def test_it_equals_the_live_tables(store: EventStore, url: str, conn: Connection) -> None:
    fill(store)
    assert catch_up(url, Things()) == {}
    live, before = stored(conn, Things()), identities(conn)
    done = rebuild(url, Things())
    assert identities(conn) != before
    assert stored(conn, Things()) == live == replayed(conn, Things())
    assert (done.events, done.rows, done.position) == (100, 40, store.watermark())
    there = checkpoint(conn, "things")
    assert there is not None
    assert (there["position"], there["state"]) == (store.watermark(), "stopped")
    assert there["applied"] == 100
    assert checkpoint(conn, "things", "rebuild") is None


def test_it_can_be_the_first_to_fill_the_tables(
    store: EventStore, url: str, conn: Connection
) -> None:
    fill(store)
    rebuild(url, Things())
    assert stored(conn, Things()) == replayed(conn, Things())
    fill(store, 21, 5)
    assert catch_up(url, Things()) == {}
    assert stored(conn, Things()) == replayed(conn, Things())


def test_of_an_empty_log(url: str, conn: Connection) -> None:
    assert rebuild(url, Things()).rows == 0
    assert stored(conn, Things()) == {"things": {}, "parts": {}}


@pytest.mark.parametrize("projection", [Things(), *PROJECTIONS], ids=lambda each: each.name)
def test_the_structure_is_that_of_the_migration(url: str, projection: Projection) -> None:
    """Columns, constraints, indexes, comments, grants, policies: all, or a rebuild loses it."""
    before = structure(url, projection)
    assert before
    rebuild(url, projection)
    assert structure(url, projection) == before


def test_all_at_once(store: EventStore, url: str) -> None:
    fill(store)
    done = rebuild_all(url, [*PROJECTIONS, Things()])
    assert [each.projection for each in done] == [*(each.name for each in PROJECTIONS), "things"]
    assert [each.rows for each in done] == [0] * len(PROJECTIONS) + [40]


def test_the_running_projector_is_fenced_and_goes_on(
    store: EventStore, url: str, conn: Connection
) -> None:
    fill(store)
    with running(url, Things()) as daemon:
        until(lambda: len(stored(conn, Things())["things"]) == 20, "the rows")
        before = checkpoint(conn, "things")
        rebuild(url, Things())
        fill(store, 21, 5)
        until(lambda: len(stored(conn, Things())["things"]) == 25, "the rows after")
        after = checkpoint(conn, "things")
        assert before is not None
        assert after is not None
        assert after["fencing_token"] > before["fencing_token"] + 1
    assert daemon.failures == {}
    assert stored(conn, Things()) == replayed(conn, Things())


def test_readers_never_see_an_empty_table(store: EventStore, url: str) -> None:
    """Tight loops in processes of their own, some with long transactions, each kind of snapshot.

    Meanwhile events arrive, the tables are rebuilt, and switched back, again and again.
    """
    fill(store, 1, 30)
    catch_up(url, Things())
    stop = threading.Event()

    def append() -> None:
        n = 31
        while not stop.wait(0.005):
            fill(store, n, 1)
            n += 1

    appender = threading.Thread(target=append)
    kinds = ("short", "read committed", "repeatable read")
    with ExitStack() as stack:
        stack.enter_context(running(url, Things()))
        readers = [stack.enter_context(reading(url, kind)) for kind in kinds]
        appender.start()
        try:
            for _ in range(2):
                rebuild(url, Things())
                switch_back(url, Things())
        finally:
            stop.set()
            appender.join()
            said = [reader.communicate(timeout=30)[0] for reader in readers]
    for kind, words in zip(kinds, said, strict=True):
        found = json.loads(words)
        assert found["broken"] == [], (kind, found["broken"])
        assert found["reads"] > 5, kind


@contextmanager
def reading(url: str, kind: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that reads until its stdin is closed, and then says what it saw."""
    module = "tests.integration.projections.reader_process"
    with subprocess.Popen(
        [sys.executable, "-m", module, url, kind],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"reading\n"
            yield process
        finally:
            process.kill()


def interrupt_at(phase: str) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        if progress.phase == phase:
            raise KeyboardInterrupt

    return report


@pytest.mark.parametrize("phase", ["fold", "index", "catch up", "switch"])
def test_broken_off_it_leaves_the_live_tables(
    store: EventStore, url: str, conn: Connection, phase: str
) -> None:
    fill(store)
    catch_up(url, Things())
    before, tables = stored(conn, Things()), identities(conn)
    with pytest.raises(KeyboardInterrupt):
        rebuild(url, Things(), report=interrupt_at(phase))
    assert identities(conn) == tables
    assert stored(conn, Things()) == before
    fill(store, 21, 3)
    assert catch_up(url, Things()) == {}
    # The next one does not wait for the lease of the one before, and clears up after it.
    rebuild(url, Things())
    assert stored(conn, Things()) == replayed(conn, Things())
    left = conn.execute("SELECT FROM pg_namespace WHERE nspname LIKE 'projections_rebuild%'")
    assert left.fetchone() is None


def test_it_holds_what_the_rules_refuse(store: EventStore, url: str, conn: Connection) -> None:
    fill(store)
    catch_up(url, Things())
    position = store.append("thing-1", [Forbidden(thing_id=number(1))]).positions[0]
    store.append("thing-1", [AmountAdded(thing_id=number(1), amount=1)])
    rebuild(url, Things())
    assert [each.position for each in failures(conn, [Things()])] == [position]
    assert failures(conn, [Things()])[0].waiting == 1
    before = stored(conn, Things())
    assert before == replayed(conn, Things())
    assert catch_up(url, Things()) == {}
    assert stored(conn, Things()) == before


def test_too_many_that_the_rules_refuse_end_it(
    store: EventStore, url: str, conn: Connection
) -> None:
    fill(store)
    catch_up(url, Things())
    before = stored(conn, Things())
    store.append("thing-1", [Forbidden(thing_id=number(n)) for n in range(1000, 1101)])
    with pytest.raises(ProjectionPaused):
        rebuild(url, Things())
    assert stored(conn, Things()) == before
    there = checkpoint(conn, "things", "rebuild")
    assert there is not None
    assert there["state"] == "failed"
    assert "101 events failed" in there["last_error"]["error"]


def test_an_event_that_the_rules_refuse_is_held(
    store: EventStore, url: str, conn: Connection
) -> None:
    """And so is what names its row after it; all else is there."""
    fill(store)
    one, two = number(1), number(2)
    refused = store.append(
        "thing-1", [Forbidden(thing_id=one), AmountAdded(thing_id=one, amount=1)]
    ).positions
    store.append("thing-2", [AmountAdded(thing_id=two, amount=1)])
    done = rebuild(url, Things())
    assert (done.held, done.rows) == (2, 40)
    held = conn.execute(
        "SELECT position, behind, origin, error, keys FROM failures "
        "WHERE build = 'live' ORDER BY position"
    ).fetchall()
    assert [row[:3] for row in held] == [
        (refused[0], None, "rules"),
        (refused[1], refused[0], None),
    ]
    assert "this rule refuses" in held[0][3]
    assert held[0][4] == [f'["things","default","{one}"]']
    amounts: dict[UUID, float] = dict(conn.execute("SELECT id, amount FROM things").fetchall())
    assert (amounts[one], amounts[two]) == (0.1, 1.1)


def test_rows_that_the_constraints_refuse_are_not_switched_to(
    store: EventStore, url: str, conn: Connection
) -> None:
    """Its events are applied in the order and in the batches of live, and end where live ends."""
    fill(store)
    catch_up(url, Things())
    position = store.append("thing-1", [Overdrawn(thing_id=number(1))]).positions[0]
    fill(store, 21, 1)
    for careful in (True, False):  # by then it is known what the database refuses
        done = rebuild(url, Things())
        assert (done.careful, done.held, done.position) == (careful, 1, store.watermark())
        (held,) = failures(conn, [Things()])
        assert (held.position, held.origin) == (position, "database")
        assert "things_big_check" in held.error
        assert stored(conn, Things()) == replayed(conn, Things())
    assert catch_up(url, Things()) == {}


def test_it_cures_what_failed_under_older_rules(
    store: EventStore, url: str, conn: Connection
) -> None:
    fill(store)
    store.append(
        "thing-1", [Forbidden(thing_id=number(1)), AmountAdded(thing_id=number(1), amount=1)]
    )
    assert catch_up(url, Things()) == {}
    assert len(failures(conn, [Things()])) == 1

    class Newer(Things, name="things", tables=Things.tables, version=2):
        @on(Forbidden)
        def forbidden(self, event: Forbidden, recorded: RecordedEvent, rows: Rows) -> None:
            rows.get(Thing).note = "forgiven"

    rebuild(url, Newer())
    there = checkpoint(conn, "things")
    assert there is not None
    assert (there["projection_version"], there["state"], there["last_error"]) == (
        2,
        "stopped",
        None,
    )
    old = checkpoint(conn, "things", "old")
    assert old is not None
    assert (old["projection_version"], old["state"]) == (1, "stopped")
    assert failures(conn, [Things()]) == []
    assert catch_up(url, Newer()) == {}
    row = conn.execute("SELECT note, amount FROM things WHERE id = %s", [number(1)]).fetchone()
    assert row == ("forgiven", 1.1)


def test_the_replaced_tables_stay_until_the_next_time(
    store: EventStore, url: str, conn: Connection, owner: Connection
) -> None:
    fill(store, 1, 3)
    catch_up(url, Things())
    first = identities(conn)
    rebuild(url, Things())
    kept = "SELECT 'projections_old_things.things'::regclass::oid"
    assert owner.execute(kept).fetchall() == first
    second = identities(conn)
    rebuild(url, Things())
    assert owner.execute(kept).fetchall() == second


def test_one_at_a_time(url: str, conn: Connection) -> None:
    lease = begin_rebuild(url, Things())
    with pytest.raises(LeaseHeld) as caught:
        rebuild(url, Things())
    assert "a rebuild of things" in str(caught.value)
    lease.release(conn)
    rebuild(url, Things())


def test_who_was_followed_does_not_switch(store: EventStore, url: str, conn: Connection) -> None:
    """A rebuild sleeps past its lease, another one begins: only the second may switch."""
    fill(store)
    catch_up(url, Things())
    tables = identities(conn)
    followed = threading.Event()

    def report(progress: Progress) -> None:
        if progress.phase == "switch" and not followed.is_set():
            # What the clock would do to a stopped process, whose heartbeat is stopped too.
            conn.execute(
                "UPDATE projections.checkpoints SET fencing_token = fencing_token + 1 "
                "WHERE build = 'rebuild'"
            )
            followed.set()

    with pytest.raises(LeaseLost):
        rebuild(url, Things(), report=report)
    assert identities(conn) == tables


def test_a_long_reader_is_waited_for(store: EventStore, url: str, conn: Connection) -> None:
    fill(store)
    catch_up(url, Things())
    switching = threading.Event()

    def report(progress: Progress) -> None:
        if progress.phase == "switch":
            switching.set()

    with connect(url, role="auditor") as reader, connect(url, role="auditor") as other:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM things")
        thread = threading.Thread(target=rebuild, args=(url, Things()), kwargs={"report": report})
        thread.start()
        try:
            assert switching.wait(20)
            # It steps aside again and again: others read meanwhile, and see what was there.
            for _ in range(20):
                assert other.execute("SELECT count(*) FROM things").fetchone() == (20,)
            assert thread.is_alive()
        finally:
            reader.execute("COMMIT")
            thread.join()
    assert stored(conn, Things()) == replayed(conn, Things())


def test_a_snapshot_from_before_the_build_is_waited_for(
    store: EventStore, url: str, conn: Connection
) -> None:
    """Else its reader, who has not looked at the tables yet, would find the new ones empty."""
    fill(store)
    catch_up(url, Things())
    with connect(url, role="auditor") as reader:
        reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT count(*) FROM packages")
        with pytest.raises(SwitchRefused, match="snapshot"):
            rebuild(url, Things(), RebuildOptions(switch_seconds=0.5))
        assert reader.execute("SELECT count(*) FROM things").fetchone() == (20,)
        reader.execute("COMMIT")
    done = rebuild(url, Things())
    assert (done.resumed, done.events) == (True, 0)
    assert stored(conn, Things()) == replayed(conn, Things())


def test_a_reader_that_never_ends_is_given_up_on(store: EventStore, url: str) -> None:
    fill(store)
    catch_up(url, Things())
    with connect(url, role="auditor") as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM things")
        with pytest.raises(SwitchRefused, match="other transactions"):
            rebuild(url, Things(), RebuildOptions(switch_seconds=0.5))
        reader.execute("COMMIT")


@pytest.mark.parametrize(
    ("obstacle", "reason"),
    [
        ("CREATE VIEW projections.v AS SELECT * FROM projections.things", "view projections.v"),
        (
            "CREATE TABLE projections.hanger_on (tenant_id text, thing_id uuid, "
            "FOREIGN KEY (tenant_id, thing_id) REFERENCES projections.things)",
            "foreign key hanger_on",
        ),
    ],
)
def test_what_hangs_on_the_tables_is_named(
    url: str, owner: Connection, obstacle: str, reason: str
) -> None:
    owner.execute(obstacle)
    with pytest.raises(RebuildRefused, match=reason):
        rebuild(url, Things())


def test_progress_is_told(store: EventStore, url: str) -> None:
    fill(store)
    told: list[Progress] = []
    rebuild(url, Things(), report=told.append)
    assert list(dict.fromkeys(each.phase for each in told)) == [
        "fold",
        "index",
        "catch up",
        "switch",
    ]
    assert all(each.position <= each.target for each in told)


def test_the_projector_cannot_rebuild(url: str, conn: Connection) -> None:
    for statement in (
        "SELECT projections.switch_builds('things', 'rebuild', '{things,parts}', 1)",
        "SELECT projections.drop_build('things', 'old')",
        "DELETE FROM projections.checkpoints",
        "TRUNCATE projections.things",
        "DROP TABLE projections.things",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement)
