"""A build gives the same rows however it is done: in one go or not, by one process or several."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest

from eventstore import Event, EventStore, RecordedEvent
from eventstore.registry import EventRegistry
from projections import tables
from projections.builds import definition
from projections.builds.build_lease import begin_build
from projections.builds.definition import definition_of
from projections.builds.progress import Progress
from projections.builds.rebuild import RebuildOptions, Rebuilt, rebuild
from projections.errors import LeaseHeld, ProjectionPaused, WorkerLost
from projections.monitor.status import status
from projections.projection import Projection, Rows, on
from projections.session import Connection, open_session
from projections.tables import sql_file
from tests.integration.projections.building import ShardedThings, fill
from tests.integration.projections.killing import tell
from tests.integration.projections.running import (
    catch_up,
    checkpoint,
    number,
    replayed,
    stored,
    until,
)
from tests.integration.projections.small_pages import Paged
from tests.integration.projections.things import (
    AmountAdded,
    Forbidden,
    PartAdded,
    PartRemoved,
    Thing,
    ThingMade,
    ThingRenamed,
    ThingRetired,
    Things,
)


@pytest.fixture
def in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any log is long enough for processes."""
    monkeypatch.setattr("projections.builds.build._FEW_POSITIONS", 0)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.builds.log_pages._PAGE", 10)


def flushing(**options: Any) -> RebuildOptions:
    """After every page."""
    return RebuildOptions(flush_seconds=0.0, **options)


def live_a_little(store: EventStore, things: int, events: int, seed: int = 1) -> None:
    """Things that come, change, lose parts and names again and again, in a random order."""
    chance = random.Random(seed)
    names: dict[int, str] = {}
    parts: dict[int, set[int]] = {}
    for _ in range(events):
        n = chance.randrange(things)
        thing, said = number(n), chance.random()
        if n not in names:
            names[n], parts[n] = f"name {n}", set()
            store.append(
                f"thing-{n}", [ThingMade(thing_id=thing, name=names[n], price=Decimal("1.50"))]
            )
        elif said < 0.3:
            names[n] = f"name {n} {said}"
            store.append(f"thing-{n}", [ThingRenamed(thing_id=thing, name=names[n])])
        elif said < 0.6:
            store.append(f"thing-{n}", [AmountAdded(thing_id=thing, amount=said)])
        elif said < 0.8:
            part = max(parts[n], default=0) + 1
            parts[n].add(part)
            store.append(f"thing-{n}", [PartAdded(thing_id=thing, part_no=part, label="p")])
        elif said < 0.95 and parts[n]:
            part = parts[n].pop()
            store.append(f"thing-{n}", [PartRemoved(thing_id=thing, part_no=part)])
        else:
            store.append(f"thing-{n}", [ThingRetired(thing_id=thing)])


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("rows_in_memory", [1, 7, 50_000])
def test_any_number_of_shards_and_any_memory(
    store: EventStore,
    url: str,
    conn: Connection,
    small_pages: None,
    workers: int,
    rows_in_memory: int,
) -> None:
    live_a_little(store, 15, 300)
    options = RebuildOptions(workers=workers, rows_in_memory=rows_in_memory)
    done = rebuild(url, ShardedThings(), options)
    assert stored(conn, ShardedThings()) == replayed(conn, ShardedThings())
    assert done.events == store.watermark()
    there = checkpoint(conn, "things")
    assert there is not None
    assert (there["position"], there["applied"]) == (done.position, done.events)
    assert (there["shard"], there["shards"]) == (0, 1)


@pytest.mark.parametrize("workers", [1, 3])
def test_in_processes_of_its_own(
    store: EventStore, url: str, conn: Connection, in_processes: None, workers: int
) -> None:
    live_a_little(store, 15, 200)
    said: list[Progress] = []
    options = RebuildOptions(workers=workers, rows_in_memory=10)
    rebuild(url, ShardedThings(), options, report=said.append)
    assert stored(conn, ShardedThings()) == replayed(conn, ShardedThings())
    folds = [each for each in said if each.phase == "fold"]
    assert folds[-1].done == store.watermark()
    assert [each.done for each in folds] == sorted(each.done for each in folds)
    assert [each.position for each in folds] == sorted(each.position for each in folds)
    assert not [child for child in psutil.Process().children() if is_worker(child)]


def test_flushing_all_the_time(
    store: EventStore, url: str, conn: Connection, small_pages: None
) -> None:
    """What was written stays in memory too, and is written again when it changes."""
    live_a_little(store, 15, 300)
    rebuild(url, ShardedThings(), flushing(workers=2))
    assert stored(conn, ShardedThings()) == replayed(conn, ShardedThings())


def test_what_cannot_travel_is_folded_here(
    store: EventStore, url: str, conn: Connection, in_processes: None
) -> None:
    class Local(ShardedThings, name="things", tables=Things.tables, shard_by="thing_id"):
        pass

    live_a_little(store, 5, 50)
    rebuild(url, Local(), RebuildOptions(workers=3))
    assert stored(conn, Things()) == replayed(conn, Things())


def broken_off(url: str, projection: Projection, at: int, options: RebuildOptions) -> int:
    """A rebuild that is interrupted when it has folded so many events or more; how many."""
    folded = 0

    def report(progress: Progress) -> None:
        nonlocal folded
        folded = progress.done
        if progress.phase == "fold" and progress.done >= at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(url, projection, options, report=report)
    return folded


@pytest.mark.parametrize("workers", [1, 2])
def test_resumed_it_folds_the_rest_only(
    store: EventStore, url: str, conn: Connection, small_pages: None, workers: int
) -> None:
    live_a_little(store, 15, 300)
    options = flushing(workers=workers)
    folded = broken_off(url, ShardedThings(), 100, options)
    fill(store, 100, 10)
    said: list[Progress] = []
    done = rebuild(url, ShardedThings(), options, report=said.append)
    assert done.resumed
    assert done.events == store.watermark() - folded
    assert stored(conn, ShardedThings()) == replayed(conn, ShardedThings())
    there = checkpoint(conn, "things")
    assert there is not None
    assert there["applied"] == store.watermark()


def test_a_finished_build_is_resumed_with_its_constraints(
    store: EventStore, url: str, conn: Connection
) -> None:
    fill(store)

    def report(progress: Progress) -> None:
        if progress.phase == "switch":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(url, Things(), report=report)
    fill(store, 21, 2)
    said: list[Progress] = []
    done = rebuild(url, Things(), report=said.append)
    assert (done.resumed, done.events) == (True, 10)
    assert {each.phase for each in said} == {"catch up", "switch"}
    assert stored(conn, Things()) == replayed(conn, Things())


class Newer(ShardedThings, name="things", tables=Things.tables, shard_by="thing_id", version=2):
    pass


class Changed(ShardedThings, name="things", tables=Things.tables, shard_by="thing_id"):
    def __init__(self, setting: int) -> None:
        self.setting = setting


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((ShardedThings(), flushing(workers=2)), (Newer(), flushing(workers=2))),
        ((Changed(1), flushing(workers=2)), (Changed(2), flushing(workers=2))),
        (
            (ShardedThings(), flushing(workers=2)),
            (ShardedThings(), flushing(workers=3)),
        ),
        (
            (ShardedThings(), flushing(workers=2)),
            (ShardedThings(), flushing(workers=2, anew=True)),
        ),
    ],
    ids=["version", "settings", "workers", "anew"],
)
def test_what_is_not_the_same_begins_anew(
    store: EventStore,
    url: str,
    conn: Connection,
    small_pages: None,
    first: tuple[Projection, RebuildOptions],
    second: tuple[Projection, RebuildOptions],
) -> None:
    live_a_little(store, 15, 300)
    broken_off(url, first[0], 200, first[1])
    done = rebuild(url, *second)
    assert (done.resumed, done.events) == (False, store.watermark())
    assert stored(conn, ShardedThings()) == replayed(conn, ShardedThings())


def test_killed_before_its_tables_were_made_it_begins_anew(
    store: EventStore, url: str, conn: Connection, small_pages: None
) -> None:
    """The tables are then still those of the build before, which had other rules."""
    live_a_little(store, 15, 300)
    broken_off(url, Changed(1), 200, flushing(workers=2))
    with open_session(url, part="test", role="owner") as owner:
        begin_build(
            owner,
            Changed(2),
            definition=definition_of(Changed(2)),
            shards=2,
            starts_after=0,
            anew=False,
            seconds=0.01,
        )
    done = until(lambda: unless_held(url, Changed(2), flushing(workers=2)), "the lease is free")
    assert (done.resumed, done.events) == (False, store.watermark())
    assert stored(conn, ShardedThings()) == replayed(conn, ShardedThings())


def unless_held(url: str, projection: Projection, options: RebuildOptions) -> Rebuilt | None:
    try:
        return rebuild(url, projection, options)
    except LeaseHeld:
        return None


def test_other_tables_begin_anew(
    store: EventStore,
    url: str,
    small_pages: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    live_a_little(store, 15, 300)
    broken_off(url, Things(), 200, flushing())
    file = tmp_path / "things_v1.sql"
    check = "ALTER TABLE things ADD CHECK (part_count < 1000);"
    file.write_text(f"{sql_file(Things()).read_text()}\n{check}\n")
    for module in (definition, tables):
        monkeypatch.setattr(module, "sql_file", lambda projection: file)
    done = rebuild(url, Things())
    assert (done.resumed, done.events) == (False, store.watermark())


def test_only_from_a_position_on(store: EventStore, url: str, conn: Connection) -> None:
    fill(store, 1, 5)
    start = store.watermark()
    fill(store, 6, 5)
    store.append("thing-1", [AmountAdded(thing_id=number(1), amount=1)])
    done = rebuild(url, Things(), RebuildOptions(starts_after=start))
    assert (done.starts_after, done.events, done.rows, done.held) == (start, 26, 10, 1)
    there = checkpoint(conn, "things")
    assert there is not None
    assert there["starts_after"] == start
    assert [each.starts_after for each in status(conn, [Things()]).projections] == [start]
    assert rebuild(url, Things()).held == 0
    there = checkpoint(conn, "things")
    assert there is not None
    assert there["starts_after"] == 0


@pytest.mark.parametrize("rows_in_memory", [1, 50_000])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_poison_is_held_with_all_that_waits_for_it(
    store: EventStore,
    url: str,
    conn: Connection,
    small_pages: None,
    workers: int,
    rows_in_memory: int,
) -> None:
    live_a_little(store, 10, 100)
    expected = stored_without(conn, number(3))
    poison = store.append("thing-3", [Forbidden(thing_id=number(3))]).positions[0]
    behind = [
        store.append("thing-3", [AmountAdded(thing_id=number(3), amount=1)]).positions[0]
        for _ in range(30)
    ]
    options = RebuildOptions(workers=workers, rows_in_memory=rows_in_memory)
    done = rebuild(url, ShardedThings(), options)
    assert done.held == 31
    assert stored_without(conn, number(3), live=True) == expected
    held = conn.execute(
        "SELECT position, behind, shard_key FROM failures WHERE build = 'live' ORDER BY position"
    ).fetchall()
    key = str(number(3))
    assert held == [(poison, None, key)] + [(position, poison, key) for position in behind]


def stored_without(conn: Connection, thing: Any, *, live: bool = False) -> dict[str, Any]:
    """All rows but those of one thing: as a replay has them, or as they are."""
    tables = stored(conn, Things()) if live else replayed(conn, Things())
    return {
        name: {key: row for key, row in rows.items() if key[1] != thing}
        for name, rows in tables.items()
    }


def test_what_is_held_is_held_after_a_resume(
    store: EventStore, url: str, conn: Connection, small_pages: None
) -> None:
    fill(store, 1, 5)
    poison = store.append("thing-3", [Forbidden(thing_id=number(3))]).positions[0]
    fill(store, 6, 5)
    last = store.append("thing-3", [AmountAdded(thing_id=number(3), amount=1)]).positions[0]
    broken_off(url, ShardedThings(), 40, flushing(workers=2))
    done = rebuild(url, ShardedThings(), flushing(workers=2))
    assert done.resumed
    held = conn.execute("SELECT position, behind FROM failures ORDER BY position").fetchall()
    assert held == [(poison, None), (last, poison)]


def test_too_many_failures_end_it(
    store: EventStore, url: str, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.apply.holding.MAX_HELD", 4)
    fill(store, 1, 5)
    for n in range(1, 6):
        store.append(f"thing-{n}", [Forbidden(thing_id=number(n))])
    with pytest.raises(ProjectionPaused):
        rebuild(url, Things())
    there = checkpoint(conn, "things", "rebuild")
    assert there is not None
    assert there["state"] == "failed"


def test_an_event_of_no_use_to_its_class_is_held(
    store: EventStore, url: str, conn: Connection
) -> None:
    fill(store, 1, 3)
    elsewhere = EventRegistry()

    class Renamed(Event, event_type="things.renamed", registry=elsewhere):
        thing_id: UUID
        name: int

    with EventStore.open(url, registry=elsewhere) as other:
        other.append("thing-2", [Renamed(thing_id=number(2), name=5)])
    store.append("thing-2", [AmountAdded(thing_id=number(2), amount=1)])
    done = rebuild(url, Things())
    assert done.held == 2
    origins = conn.execute("SELECT origin FROM failures ORDER BY position").fetchall()
    assert origins == [("payload",), (None,)]


def test_a_process_that_is_killed_takes_the_others_with_it(
    store: EventStore, url: str, conn: Connection, in_processes: None
) -> None:
    tell(store, 1, 400)

    def workers() -> list[psutil.Process]:
        return [each for each in psutil.Process().children() if is_worker(each)]

    def report(progress: Progress) -> None:
        """At the first sign of one of them, when the younger one has all before it or most."""
        there = until(lambda: len(workers()) == 2 and workers(), "both are there")
        os.kill(max(there, key=lambda each: each.create_time()).pid, signal.SIGKILL)

    with pytest.raises(WorkerLost) as caught:
        rebuild(url, Paged(), flushing(workers=2), report=once(report))
    assert caught.value.exit_status == -signal.SIGKILL
    assert "things, shard" in caught.value.task
    assert not workers()
    there = checkpoint(conn, "things", "rebuild")
    assert there is not None
    assert there["state"] == "failed"
    assert rebuild(url, Paged(), flushing(workers=2)).resumed
    assert stored(conn, Paged()) == replayed(conn, Paged())


def is_worker(process: psutil.Process) -> bool:
    try:
        return "projections.builds.processes" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def once(report: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Only the first time."""
    called = threading.Event()

    def first(progress: Progress) -> None:
        if not called.is_set():
            called.set()
            report(progress)

    return first


def test_an_error_in_a_process_is_raised_here(
    store: EventStore, url: str, in_processes: None
) -> None:
    live_a_little(store, 5, 30)
    with open_session(url, part="test", role="owner") as owner:
        owner.execute("REVOKE SELECT ON eventstore.events FROM eventstore_projector")
        with pytest.raises(Exception, match="permission denied") as caught:
            rebuild(url, ShardedThings(), RebuildOptions(workers=2))
    assert type(caught.value).__name__ == "PermissionDenied"


class Counting(Things, name="things", tables=Things.tables):
    """Refuses nothing that Things refuses; counts in a note how often a thing was renamed."""

    @on(ThingRenamed)
    def renamed(self, event: ThingRenamed, recorded: RecordedEvent, rows: Rows) -> None:
        row = rows.get(Thing)
        row.name, row.note = event.name, str(int(row.note or 0) + 1)


def test_rows_that_only_the_order_makes_right(
    store: EventStore, url: str, conn: Connection
) -> None:
    """Two things have the name at the end of the log: the database takes the first one's."""
    fill(store, 1, 3)
    catch_up(url, Counting())
    clash = store.append("thing-2", [ThingRenamed(thing_id=number(2), name="thing 1")]).positions[0]
    done = rebuild(url, Counting())
    assert (done.careful, done.held, done.rows) == (True, 1, 6)
    assert conn.execute(
        "SELECT position, origin FROM failures WHERE build = 'live'"
    ).fetchall() == [(clash, "database")]
    done = rebuild(url, Counting())
    assert (done.careful, done.held) == (False, 1)  # known by now
    # Now the first gives the name up: at the end of the log all is well.
    store.append("thing-1", [ThingRenamed(thing_id=number(1), name="another")])
    done = rebuild(url, Counting())
    assert (done.careful, done.held) == (False, 0)
    assert stored(conn, Counting()) == replayed(conn, Counting())


def test_it_waits_for_no_lock_of_the_heartbeat(
    store: EventStore, url: str, small_pages: None
) -> None:
    """A heartbeat many times a second, for all shards, while each moves its own checkpoint."""
    live_a_little(store, 15, 300)
    done = rebuild(url, ShardedThings(), flushing(workers=3, lease_seconds=0.03))
    assert done.events == store.watermark()


def test_the_lease_shows_each_shard(
    store: EventStore, url: str, conn: Connection, small_pages: None
) -> None:
    live_a_little(store, 15, 300)
    broken_off(url, ShardedThings(), 150, flushing(workers=3))
    found = conn.execute(
        "SELECT shard, shards, state, holder, built_at FROM checkpoints WHERE build = 'rebuild' "
        "ORDER BY shard"
    ).fetchall()
    assert found == [(shard, 3, "stopped", None, None) for shard in range(3)]
    until(lambda: rebuild(url, ShardedThings(), flushing(workers=3)), "it ends")
