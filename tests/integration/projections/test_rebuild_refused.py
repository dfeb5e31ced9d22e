"""A rebuild meets events that only the database refuses, and that nobody has tried before.

They are held as the live projection holds them, whoever folds them and wherever it shows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eventstore import Event, EventStore, RecordedEvent
from eventstore.connection.database import connect
from projections import tables
from projections.apply.failures import failures
from projections.audit.verify import verify
from projections.builds import definition
from projections.builds.progress import Progress
from projections.builds.rebuild import RebuildOptions, rebuild
from projections.projection import Rows, on
from projections.session import Connection
from projections.tables import sql_file
from tests.integration.projections.building import ShardedThings, fill
from tests.integration.projections.running import catch_up, checkpoint, number, replayed, stored
from tests.integration.projections.things import (
    AmountAdded,
    Forbidden,
    Overdrawn,
    PartAdded,
    Thing,
    ThingMade,
    ThingRenamed,
    Things,
)

BIG = "".join(chr(0x4E00 + n * n % 20_000) for n in range(6_000))


class Careless(ShardedThings, name="things", tables=Things.tables, shard_by="thing_id"):
    """Lets through what the database will not take."""

    @on(Forbidden)
    def forbidden(self, event: Forbidden, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Thing).info = {"x": object()}

    @on(AmountAdded)
    def amount_added(self, event: AmountAdded, recorded: RecordedEvent, rows: Rows) -> None:
        thing = rows.get(Thing)
        thing.amount += event.amount
        if event.amount > 1e6:
            thing.big = 2**80

    @on(PartAdded)
    def part_added(self, event: PartAdded, recorded: RecordedEvent, rows: Rows) -> None:
        if event.part_no < 100:
            super().part_added(event, recorded, rows)
        else:
            thing = rows.find(Thing)
            if thing is not None:
                rows.remove(Thing)


POISON: dict[str, Event] = {
    "a check": Overdrawn(thing_id=number(7)),
    "a unique index": ThingRenamed(thing_id=number(7), name="thing 8"),
    "a foreign key": PartAdded(thing_id=number(7), part_no=100, label="gone"),
    "a number out of range": AmountAdded(thing_id=number(7), amount=1e7),
    "too big for the index": ThingRenamed(thing_id=number(7), name=BIG),
    "no form in JSON": Forbidden(thing_id=number(7)),
}
PLACES: dict[str, Any] = {
    "here": RebuildOptions(workers=1),
    "in processes": RebuildOptions(workers=3),
    "spilled": RebuildOptions(workers=3, rows_in_memory=3, flush_seconds=0.0),
}


def held(conn: Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "SELECT position, behind, origin, keys, shard_key FROM projections.failures "
        "WHERE build = 'live' ORDER BY position"
    ).fetchall()


def forget_that_it_ran(url: str) -> None:
    with connect(url, role="owner") as owner:
        owner.execute(
            "TRUNCATE projections.parts, projections.things, projections.failures, "
            "projections.checkpoints"
        )


@pytest.mark.parametrize(
    ("why", "place"),
    [
        *((why, "here") for why in POISON),
        pytest.param("a check", "in processes", marks=pytest.mark.faults),
        ("a check", "spilled"),
        pytest.param("no form in JSON", "in processes", marks=pytest.mark.faults),
        pytest.param("too big for the index", "spilled", marks=pytest.mark.faults),
    ],
)
def test_it_is_held_as_live_holds_it(
    store: EventStore,
    url: str,
    conn: Connection,
    monkeypatch: pytest.MonkeyPatch,
    why: str,
    place: str,
) -> None:
    """Whether live has tried it, and holds it already, or never ran."""
    if place != "here":
        monkeypatch.setattr("projections.builds.build._FEW_POSITIONS", 0)
    fill(store, 1, 12)
    refused = store.append("thing-7", [POISON[why]]).position
    waiting = store.append("thing-7", [AmountAdded(thing_id=number(7), amount=1)]).position
    store.append("thing-13", [ThingMade(thing_id=number(13), name="thing 13")])
    assert catch_up(url, Careless()) == {}
    live, what = stored(conn, Careless()), held(conn)
    assert [row[:3] for row in what] == [(refused, None, "database"), (waiting, refused, None)]
    for known in (True, False):
        if not known:
            forget_that_it_ran(url)
        done = rebuild(url, Careless(), PLACES[place])
        assert (done.held, done.position) == (2, store.watermark())
        assert done.careful is not known
        assert stored(conn, Careless()) == live == replayed(conn, Careless())
        assert held(conn) == what
        (failure,) = failures(conn, [Careless()])
        assert (failure.position, failure.waiting) == (refused, 1)
        assert failure.error
        assert failure.error != "the database refused its rows"
        assert verify(url, Careless()).wrong == 0
        assert catch_up(url, Careless()) == {}
        assert held(conn) == what
        assert (checkpoint(conn, "things") or {})["state"] == "stopped"


TRIGGER = """
CREATE TRIGGER too_big BEFORE INSERT ON things FOR EACH ROW
WHEN (new.name = 'huge') EXECUTE FUNCTION projections.too_big();
"""


def refuse_huge(owner: Connection, sqlstate: str) -> None:
    """Makes what the trigger calls."""
    owner.execute(
        "CREATE FUNCTION projections.too_big() RETURNS trigger LANGUAGE plpgsql AS $$"
        f"BEGIN RAISE EXCEPTION 'too big' USING ERRCODE = '{sqlstate}'; END $$"
    )


@pytest.mark.parametrize("sqlstate", ["23514", "53200"])
def test_what_a_trigger_refuses(
    store: EventStore,
    url: str,
    conn: Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sqlstate: str,
) -> None:
    """A bulk load would go past it, and one that says so for want of memory ends nothing."""
    with connect(url, role="owner") as owner:
        refuse_huge(owner, sqlstate)
    file = tmp_path / "things_v1.sql"
    file.write_text(sql_file(Things()).read_text() + TRIGGER)
    for module in (definition, tables):
        monkeypatch.setattr(module, "sql_file", lambda projection: file)
    fill(store, 1, 5)
    huge = store.append("thing-6", [ThingMade(thing_id=number(6), name="huge")]).position
    fill(store, 7, 5)
    for _ in range(2):
        done = rebuild(url, Things())
        assert (done.held, done.rows, done.careful) == (1, 20, True)
        (failure,) = failures(conn, [Things()])
        assert (failure.position, failure.origin) == (huge, "database")
        assert "too big" in failure.error
        assert stored(conn, Things()) == replayed(conn, Things())


def test_too_much_work_that_comes_late(store: EventStore, url: str, conn: Connection) -> None:
    """The tables are loaded, and follow the log: an event that is too much for the server."""
    fill(store, 1, 5)
    late: list[int] = []

    def report(progress: Progress) -> None:
        if progress.phase == "index" and not late:
            with connect(url, role="owner") as owner:
                refuse_huge(owner, "53200")
                table = "projections_rebuild_things.things"
                owner.execute(TRIGGER.replace("ON things", f"ON {table}").encode())
            late.append(
                store.append("thing-6", [ThingMade(thing_id=number(6), name="huge")]).position
            )
            fill(store, 7, 5)

    done = rebuild(url, Things(), report=report)
    assert (done.held, done.position) == (1, store.watermark())
    (failure,) = failures(conn, [Things()])
    assert (failure.position, failure.origin) == (late[0], "database")
    assert stored(conn, Things()) == replayed(conn, Things())
