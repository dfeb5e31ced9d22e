"""Another number of shards, while the projection runs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from eventstore import EventStore
from eventstore.reading.follow import Division, page
from eventstore.vocabulary.packaging import (
    KnowledgeItemAdded,
    PackageDeleted,
    PackageRegistered,
    SystemConfigChanged,
)
from projections.apply.abreast import wait_for_others
from projections.apply.batch import apply_events
from projections.apply.holding import Holding
from projections.checkpoint import Lease, acquire
from projections.errors import LeaseLost, ReshardRefused, RulesDiffer, ShardsDiffer
from projections.live.reshard import reshard
from projections.packaging import Packaging
from projections.row_store import RowStore
from projections.session import Connection, open_session
from tests.integration.projections.killing import tell, telling
from tests.integration.projections.running import (
    catch_up,
    checkpoint,
    number,
    replayed,
    running,
    stored,
    until,
)
from tests.integration.projections.sharded import (
    Sharded,
    assert_told_once,
    divide,
    positions,
    shares,
)
from tests.integration.projections.things import AmountAdded, ThingMade, Things


def has_all(conn: Connection, shards: int) -> bool:
    return shares(conn) == [shards]


def has_reached(conn: Connection, position: int) -> bool:
    return min(positions(conn).values()) >= position


def test_under_load_and_back(store: EventStore, url: str, conn: Connection) -> None:
    """Nothing is lost, nothing comes twice, and each thing's events stay in order."""
    with running(url, Sharded(), lease_seconds=1.0), telling(url):
        for shards in (4, 2, 1, 3):
            divide(url, shards)
            until(partial(has_all, conn, shards), "the daemon has all")
            until(partial(has_reached, conn, store.watermark()), "all shards go on")
    assert_told_once(url)
    assert sorted(positions(conn)) == [0, 1, 2]


def test_shards_at_different_positions_are_brought_together(
    store: EventStore, url: str, conn: Connection
) -> None:
    divide(url, 3)
    tell(store, 1, 12)
    lease = acquire(conn, Sharded(), shard=1, seconds=60)
    assert isinstance(lease, Lease)
    assert lease.shards == 3
    one = page(
        conn,
        0,
        store.watermark(),
        25,
        event_types=Sharded.event_types,
        division=Division("thing_id", 3),
        shard=1,
    )
    apply_events(conn, RowStore(Sharded()), lease, Holding(), one.events, one.until)
    assert set(positions(conn).values()) == {0, one.until}
    heard: list[tuple[int, int]] = []
    done = reshard(url, Sharded(), 2, report=lambda *now: heard.append(now))
    assert (done.before, done.shards, done.position) == (3, 2, one.until)
    assert heard[-1] == (one.until, one.until)
    assert positions(conn) == {0: one.until, 1: one.until}
    with pytest.raises(LeaseLost):
        lease.heartbeat(conn)
    assert_told_once(url)


def test_a_holder_loses_its_lease(store: EventStore, url: str, conn: Connection) -> None:
    lease = acquire(conn, Sharded(), seconds=60)
    assert isinstance(lease, Lease)
    tell(store, 1, 2)
    divide(url, 2)
    with pytest.raises(LeaseLost):
        lease.advance(conn, store.watermark())
    again = acquire(conn, Sharded(), shard=1, seconds=60)
    assert isinstance(again, Lease)
    assert again.fencing_token > lease.fencing_token
    divide(url, 1)
    with pytest.raises(LeaseLost):
        acquire(conn, Sharded(), shard=1, seconds=60)


def test_what_can_not_be_divided(store: EventStore, url: str, conn: Connection) -> None:
    with pytest.raises(ReshardRefused, match="shard_by"):
        reshard(url, Things(), 2)
    with pytest.raises(ReshardRefused, match=r"1\.\.256"):
        reshard(url, Sharded(), 257)
    assert reshard(url, Things(), 1).shards == 1

    class Newer(Sharded, name="things", tables=Things.tables, shard_by="thing_id", version=2):
        pass

    with pytest.raises(RulesDiffer):
        reshard(url, Newer(), 2)
    conn.execute(
        "UPDATE checkpoints SET state = 'failed', holder = NULL, last_error = '{\"error\": \"x\"}'"
    )
    with pytest.raises(ReshardRefused, match="shard 0 is failed: x"):
        reshard(url, Sharded(), 2)
    assert (checkpoint(conn, "things") or {})["state"] == "failed"


def test_rules_that_divide_by_another_field(store: EventStore, url: str, conn: Connection) -> None:
    """They would take other events into the same shards, and lose some."""

    class Otherwise(Sharded, name="things", tables=Things.tables, shard_by="thing_id"):
        pass

    Otherwise.shard_by = "another_id"
    divide(url, 2)
    tell(store, 1, 2)
    for rules in (Things(), Otherwise()):
        assert isinstance(catch_up(url, rules)["things"], ShardsDiffer)
        with pytest.raises(ShardsDiffer, match="by thing_id"):
            reshard(url, rules, 1)
    divide(url, 1)
    assert catch_up(url, Things()) == {}


def test_each_event_is_in_one_shard(store: EventStore, url: str, conn: Connection) -> None:
    tell(store, 1, 20)
    end = store.watermark()
    everything = page(conn, 0, end, 10_000, event_types=Sharded.event_types).events
    shards = [
        page(
            conn,
            0,
            end,
            10_000,
            event_types=Sharded.event_types,
            division=Division("thing_id", 4),
            shard=shard,
        ).events
        for shard in range(4)
    ]
    assert all(shards)
    assert sum(map(len, shards)) == len(everything)
    streams = [{recorded.stream_id for recorded in events} for events in shards]
    assert len(set().union(*streams)) == sum(map(len, streams))


def register(store: EventStore, n: int) -> int:
    event = PackageRegistered(package_id=number(n), name="zlib", version="1", publisher="p")
    return store.append(f"package-{n}", [event]).position


def held(conn: Connection, shard: int) -> Lease:
    lease = acquire(conn, Packaging(), shard=shard, seconds=60)
    assert isinstance(lease, Lease)
    return lease


def apply_until(conn: Connection, lease: Lease, until: int) -> None:
    found = page(
        conn,
        lease.position,
        until,
        100,
        event_types=Packaging.event_types,
        division=Division("package_id", lease.shards),
        shard=lease.shard,
    )
    apply_events(conn, RowStore(Packaging()), lease, Holding(), found.events, found.until)


def test_a_name_that_is_given_up_in_another_shard(
    store: EventStore, url: str, conn: Connection
) -> None:
    """The shard that takes a unique name is ahead of the one that gives it up: it waits."""
    reshard(url, Packaging(), 2)
    shard_of: dict[int, int] = {
        n: conn.execute("SELECT eventstore.shard_of(%s, 2)", [str(number(n))]).fetchone()[0]  # type: ignore[index]
        for n in range(1, 20)
    }
    giver = next(n for n, shard in shard_of.items() if shard == 0)
    taker = next(n for n, shard in shard_of.items() if shard == 1)
    first = register(store, giver)
    store.append(f"package-{giver}", [PackageDeleted(package_id=number(giver), reason="old")])
    last = register(store, taker)
    slow, fast = held(conn, 0), held(conn, 1)
    apply_until(conn, slow, first)

    def run() -> None:
        with open_session(url, part="fast") as other:
            apply_until(other, fast, last)

    with ThreadPoolExecutor() as pool:
        running_ahead = pool.submit(run)
        until(lambda: positions(conn)[1] == last - 1, "it waits before the event")
        assert not running_ahead.done()
        apply_until(conn, slow, last)
        running_ahead.result(20)
    there = conn.execute("SELECT id, deleted_at IS NULL FROM packages ORDER BY position").fetchall()
    assert there == [(number(giver), False), (number(taker), True)]


def test_what_is_about_no_package_is_in_the_first_shard(
    store: EventStore, url: str, conn: Connection
) -> None:
    """And waits until another shard has the package that it mentions."""
    reshard(url, Packaging(), 2)
    other = next(
        n
        for n in range(1, 20)
        if conn.execute("SELECT eventstore.shard_of(%s, 2)", [str(number(n))]).fetchone() == (1,)
    )
    setting = SystemConfigChanged(key="retries", value=3, updated_by="ann")
    learned = KnowledgeItemAdded(
        knowledge_item_id=number(20), title="t", content="c", source_package_id=number(other)
    )
    register(store, other)
    last = store.append("team-1", [setting, learned]).position
    first, second = held(conn, 0), held(conn, 1)

    def run() -> None:
        with open_session(url, part="first") as ahead:
            apply_until(ahead, first, last)

    with ThreadPoolExecutor() as pool:
        running_ahead = pool.submit(run)
        until(lambda: positions(conn)[0] == last - 1, "it waits before the event")
        assert not running_ahead.done()
        apply_until(conn, second, last)
        running_ahead.result(20)
    assert conn.execute("SELECT source_package_id FROM knowledge_items").fetchall() == [
        (number(other),)
    ]
    assert stored(conn, Packaging()) == replayed(conn, Packaging())


def test_one_shard_waits_for_nobody(conn: Connection, url: str) -> None:
    lease = acquire(conn, Things(), seconds=60)
    assert isinstance(lease, Lease)
    assert wait_for_others(conn, lease, 10) is False
    assert lease.position == 0


def test_order_is_kept_within_a_thing(store: EventStore, url: str) -> None:
    """Amounts are added up in the order of the log, which floats remember."""
    divide(url, 3)
    things = range(1, 9)
    store.append("thing-1", [ThingMade(thing_id=number(n), name=str(n)) for n in things])
    for amount in (1e16, 1.0, -1e16, 3.0, 0.1):
        for n in things:
            store.append(f"thing-{n}", [AmountAdded(thing_id=number(n), amount=amount)])
    assert catch_up(url, Sharded(), batch=3) == {}
    assert_told_once(url)
