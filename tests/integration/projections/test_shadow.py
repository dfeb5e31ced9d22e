"""Verification beside a shadow in tables of its own, shard by shard and bucket by bucket."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from threading import Event as Signal
from typing import Any

import pytest

from eventstore import EventStore
from eventstore.connection.database import connect
from projections.audit.compare import compare
from projections.audit.verify import verify
from projections.audit.verify_continuously import verify_continuously
from projections.builds.rebuild import RebuildOptions, rebuild
from projections.errors import TooMuchHeld
from projections.session import Connection
from tests.integration.projections.building import ShardedThings, fill
from tests.integration.projections.running import catch_up, number, running
from tests.integration.projections.things import (
    AmountAdded,
    Forbidden,
    ThingMade,
    Things,
)

SHADOWS = "SELECT nspname FROM pg_namespace WHERE nspname ~ '^projections_(verify|compare)_'"


@pytest.fixture(params=["memory", "tables", "spilled"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Where the shadow lies; the options that say so."""
    if request.param == "memory":
        return {}
    monkeypatch.setattr("projections.builds.build._FEW_POSITIONS", 0)
    monkeypatch.setattr("projections.builds.build.can_travel", lambda task: False)
    if request.param == "tables":
        return {}
    monkeypatch.setattr("projections.builds.log_pages._PAGE", 10)
    return {"rows_in_memory": 3}


@pytest.fixture
def filled(store: EventStore, url: str) -> str:
    fill(store, 1, 20)
    assert catch_up(url, Things()) == {}
    return url


@pytest.mark.parametrize(
    ("tampering", "problem"),
    [
        ("UPDATE things SET note = 'x' WHERE name = 'thing 3'", "different"),
        ("UPDATE things SET position = 1 WHERE name = 'thing 3'", "different"),
        ("DELETE FROM parts WHERE thing_id = '00000000-0000-0000-0000-000000000003'", "missing"),
        (
            "INSERT INTO parts VALUES ('default', '00000000-0000-0000-0000-000000000003', 7, 'x', "
            "now(), now(), 1)",
            "unexpected",
        ),
    ],
)
def test_every_way_finds_it(
    filled: str, conn: Connection, way: dict[str, Any], tampering: str, problem: str
) -> None:
    assert verify(filled, ShardedThings(), **way).wrong == 0
    conn.execute(tampering)
    found = verify(filled, ShardedThings(), **way)
    assert (found.rows, found.wrong) == (40 + (problem == "unexpected"), 1)
    assert found.differences[0].problem == problem
    assert number(3) in found.differences[0].key
    assert conn.execute(SHADOWS).fetchall() == []


def test_in_processes(
    filled: str, conn: Connection, monkeypatch: pytest.MonkeyPatch, store: EventStore
) -> None:
    monkeypatch.setattr("projections.builds.build._FEW_POSITIONS", 0)
    conn.execute("UPDATE things SET note = 'x' WHERE name = 'thing 3'")
    found = verify(filled, ShardedThings(), workers=2)
    assert (found.events, found.rows, found.wrong) == (100, 40, 1)
    assert conn.execute(SHADOWS).fetchall() == []


def test_each_shard_at_its_own_position(
    store: EventStore, filled: str, conn: Connection, way: dict[str, Any]
) -> None:
    """Shard 1 of 2 stays where it is; shard 0 goes on."""
    with connect(filled, role="owner") as owner:
        owner.execute(
            "INSERT INTO projections.checkpoints (projection, shard, shards, projection_version, "
            "position) VALUES ('things', 1, 2, 1, %s)",
            [store.watermark()],
        )
        owner.execute("UPDATE projections.checkpoints SET shards = 2")
    shard_of = {
        n: conn.execute("SELECT eventstore.shard_of(%s, 2)", [str(number(n))]).fetchone()
        for n in (1, 2, 3, 4, 5)
    }
    for n in shard_of:
        store.append(f"thing-{n}", [AmountAdded(thing_id=number(n), amount=1)])
    for n in (n for n, shard in shard_of.items() if shard == (0,)):
        conn.execute(
            "UPDATE things SET amount = amount + 1, position = e.position, "
            "updated_at = e.occurred_at FROM eventstore.events AS e "
            "WHERE id = %s AND stream_id = %s AND event_type = 'things.amount_added' "
            "AND e.position > 100",
            [number(n), f"thing-{n}"],
        )
    conn.execute(
        "UPDATE checkpoints SET position = %s WHERE projection = 'things' AND shard = 0",
        [store.watermark()],
    )
    assert verify(filled, ShardedThings(), **way).wrong == 0
    conn.execute("UPDATE checkpoints SET position = %s WHERE shard = 1", [store.watermark()])
    late = sum(shard == (1,) for shard in shard_of.values())
    assert late > 0
    assert verify(filled, ShardedThings(), **way).wrong == late
    # And bucket by bucket, of which there is an even number then.
    found = [verify(filled, ShardedThings(), sample=(i, 3), **way) for i in range(4)]
    assert {each.bucket for each in found} == {(i, 4) for i in range(4)}
    assert sum(each.wrong for each in found) == late


@pytest.mark.parametrize(
    ("tampering", "problems"),
    [
        ("UPDATE things SET note = 'x' WHERE name = 'thing 3'", {"different"}),
        ("DELETE FROM parts WHERE thing_id = '00000000-0000-0000-0000-000000000003'", {"missing"}),
        ("UPDATE things SET position = 7 WHERE name = 'thing 3'", {"missing", "unexpected"}),
        ("UPDATE things SET position = 999 WHERE name = 'thing 3'", {"missing", "unexpected"}),
        (
            "INSERT INTO parts VALUES ('default', '00000000-0000-0000-0000-000000000003', 7, 'x', "
            "now(), now(), 999)",
            {"unexpected"},
        ),
    ],
)
def test_buckets_cover_everything(
    filled: str, conn: Connection, tampering: str, problems: set[str]
) -> None:
    """A row whose last event is another's shows in both buckets, one that has none in the first."""
    conn.execute(tampering)
    found = [verify(filled, ShardedThings(), sample=(i, 8)) for i in range(8)]
    assert sum(each.events for each in found) == 100
    assert all(each.rows < 20 for each in found)
    said = [difference.problem for each in found for difference in each.differences]
    assert problems <= set(said) <= problems | {"different"}


def test_what_has_no_shards_is_verified_whole(filled: str) -> None:
    found = verify(filled, Things(), sample=(1, 4))
    assert (found.bucket, found.rows) == (None, 40)


def test_held_events_are_not_expected(
    store: EventStore, filled: str, conn: Connection, way: dict[str, Any]
) -> None:
    store.append("thing-1", [Forbidden(thing_id=number(1))])
    store.append("thing-1", [AmountAdded(thing_id=number(1), amount=1)])
    store.append("thing-2", [AmountAdded(thing_id=number(2), amount=1)])
    rebuild(filled, ShardedThings())
    found = verify(filled, ShardedThings(), **way)
    assert (found.wrong, found.held) == (0, 2)

    class Fixed(ShardedThings, name="things", tables=Things.tables, shard_by="thing_id"):
        def forbidden(self, event: Any, recorded: Any, rows: Any) -> None:
            """Nothing: the event would be applied now, and still counts as held."""

        forbidden.handles = (Forbidden,)  # type: ignore[attr-defined]

    assert verify(filled, Fixed(), **way).wrong == 0
    conn.execute("DELETE FROM failures")
    assert verify(filled, Fixed(), **way).wrong == 1


def test_tables_that_start_late(
    store: EventStore, filled: str, conn: Connection, way: dict[str, Any]
) -> None:
    start = store.watermark()
    fill(store, 21, 5)
    rebuild(filled, ShardedThings(), RebuildOptions(starts_after=start))
    found = verify(filled, ShardedThings(), **way)
    assert (found.starts_after, found.rows, found.events, found.wrong) == (start, 10, 25, 0)


@pytest.fixture
def many_failures(store: EventStore, filled: str, conn: Connection) -> list[int]:
    """The live tables claim to have applied three thousand events that these rules refuse."""
    positions = [
        position
        for n in range(1, 21)
        for position in store.append(
            f"thing-{n}", [Forbidden(thing_id=number(1_000 * n + i)) for i in range(150)]
        ).positions
    ]
    conn.execute("UPDATE checkpoints SET position = %s", [store.watermark()])
    return positions


def test_many_failures_are_counted_and_some_shown(
    filled: str, many_failures: list[int], way: dict[str, Any]
) -> None:
    found = verify(filled, ShardedThings(), **way)
    assert (found.rows, found.wrong, found.failed) == (40, 0, 3_000)
    assert [each.position for each in found.failures] == many_failures[:100]
    said = compare(filled, ShardedThings(), ShardedThings(), **way)
    assert (said.held, said.failed, said.equal) == (3_000, 3_000, False)
    assert [each.position for each in said.failures] == many_failures[:1_000]


def test_far_too_many_end_it(
    filled: str,
    many_failures: list[int],
    way: dict[str, Any],
    conn: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("projections.builds.shard_build.MOST_HELD", 900)
    with pytest.raises(TooMuchHeld, match="mend the rules") as caught:
        verify(filled, ShardedThings(), **way)
    assert (caught.value.held, caught.value.failed) == (901, 901)
    assert caught.value.exit_code == 6
    assert len(caught.value.errors) == 901
    assert conn.execute(SHADOWS).fetchall() == []


def test_what_a_killed_one_left_is_cleared_up(
    filled: str, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But not the shadow of one that lives."""
    monkeypatch.setattr("projections.builds.build._FEW_POSITIONS", 0)
    with connect(filled, role="owner") as owner, connect(filled, role="owner") as living:
        (pid,) = living.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        left = "projections_verify_things_4194305_0a0b0c"
        owner.execute(f"CREATE SCHEMA {left}")
        owner.execute(f"CREATE TABLE {left}.things (a int)")
        owner.execute(f"CREATE SCHEMA projections_compare_things_{pid}_0a0b0c")
        owner.execute("CREATE SCHEMA projections_verify_mine")
        verify(filled, Things())
    assert {name for (name,) in conn.execute(SHADOWS).fetchall()} == {
        f"projections_compare_things_{pid}_0a0b0c",
        "projections_verify_mine",
    }


def test_two_at_once_and_a_rebuild(filled: str, store: EventStore, way: dict[str, Any]) -> None:
    wrong: list[int] = []

    def run() -> None:
        wrong.append(verify(filled, ShardedThings(), **way).wrong)

    threads = [threading.Thread(target=run) for _ in range(3)]
    with running(filled, ShardedThings()):
        for thread in threads:
            thread.start()
        fill(store, 21, 3)
        rebuild(filled, ShardedThings())
        for thread in threads:
            thread.join()
    assert wrong == [0, 0, 0]


def passes(url: str, stop: Signal, sample: int) -> Iterator[Any]:
    return verify_continuously(url, [ShardedThings()], stop, every=0.0, sample=sample)


def test_again_and_again(filled: str, conn: Connection) -> None:
    stop = Signal()
    found = passes(filled, stop, 4)
    first = list(itertools.islice(found, 8))
    assert [each.bucket for each in first] == [(i % 4, 4) for i in range(8)]
    assert sum(each.rows for each in first) == 80
    conn.execute("UPDATE things SET note = 'x' WHERE name = 'thing 3'")
    assert sum(each.wrong for each in itertools.islice(found, 4)) == 1
    stop.set()
    assert list(found) == []


def test_keys_come_in_the_same_order_on_both_sides(url: str, way: dict[str, Any]) -> None:
    """Tenants that a language would sort otherwise than their bytes; ids of every sign bit."""
    tenants = ["a", "B", "b-", "b_", "ä", "z", "Z", "日", "\U0001f600"]
    for tenant in tenants:
        with EventStore.open(url, tenant=tenant) as theirs:
            fill(theirs, 1, 2)
            theirs.append("thing-0", [ThingMade(thing_id=number((1 << 127) + 3), name="far")])
    assert catch_up(url, Things()) == {}
    found = verify(url, Things(), **way)
    assert (found.rows, found.wrong) == (len(tenants) * 5, 0)
