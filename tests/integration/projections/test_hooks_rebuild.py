"""Hooks beside a rebuild, and beside shards: nothing is told of history, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from eventstore import EventStore
from projections.apply.by_hand import discard
from projections.builds.progress import Progress
from projections.builds.rebuild import rebuild
from projections.hooks.runners import Runners
from projections.session import Connection
from tests.integration.projections.hooking import Remembering
from tests.integration.projections.killing import tell
from tests.integration.projections.running import catch_up, number, running, stored, until
from tests.integration.projections.sharding import Sharded, make_shards
from tests.integration.projections.things import AmountAdded, Forbidden, Thing, ThingMade, Things

MORE = number(1_000_000)


def test_a_rebuild_is_not_told(store: EventStore, url: str) -> None:
    hook = Remembering()
    tell(store, 1, 5)
    assert catch_up(url, Things(), hooks=[hook]) == {}
    assert hook.told() == list(range(1, 51))
    rebuild(url, Things())
    assert catch_up(url, Things(), hooks=[hook]) == {}
    assert hook.told() == list(range(1, 51))


def test_what_a_rebuild_was_first_to_apply_is_told_after_the_switch(
    store: EventStore, url: str
) -> None:
    """The live tables were behind; what they had not applied is news, and the rest is not."""
    hook = Remembering()
    tell(store, 1, 1)
    assert catch_up(url, Things(), hooks=[hook]) == {}
    tell(store, 2, 1)
    rebuild(url, Things())
    tell(store, 3, 1)
    assert catch_up(url, Things(), hooks=[hook]) == {}
    assert hook.told() == list(range(1, 31))


def test_nothing_is_told_twice_or_lost_across_a_switch(
    store: EventStore, url: str, conn: Connection
) -> None:
    hook = Remembering()
    tell(store, 1, 20)
    assert catch_up(url, Things(), hooks=[hook]) == {}
    old = hook.told()
    with running(url, Things(), hooks=[hook], lease_seconds=2.0):
        with appending(url):
            for _ in range(2):
                during: list[int] = []

                def note(progress: Progress, during: list[int] = during) -> None:
                    during.extend(hook.told()[len(old) :])

                before = len(hook.calls)
                rebuild(url, Things(), report=note)
                until(lambda before=before: len(hook.calls) > before, "it goes on")  # type: ignore[misc]
                assert not set(during) & set(old), "it was told of history"
        end = store.watermark()
        until(lambda: set(hook.told()) >= set(range(1, end + 1)), "all of it")
    times = hook.times()
    assert sorted(times) == list(range(1, end + 1))
    assert all(times[position] == 1 for position in old)
    # Row by row what it saw last is what the tables hold.
    last = {key: row for changes in hook.calls for key, row in changes.rows[Thing].items()}
    assert {key: vars(row) for key, row in last.items() if row} == stored(conn, Things())["things"]


@contextmanager
def appending(url: str) -> Iterator[None]:
    """Appends in the background, to a thing that nobody else speaks of."""
    stop = threading.Event()

    def run() -> None:
        with EventStore.open(url) as store:
            store.append("thing-more", [ThingMade(thing_id=MORE, name="more")])
            while not stop.is_set():
                store.append("thing-more", [AmountAdded(thing_id=MORE, amount=1)])

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def twenty(store: EventStore) -> None:
    """Twenty things, each made at the position of its number."""
    for n in range(1, 21):
        store.append(f"thing-{n}", [ThingMade(thing_id=number(n), name=str(n))])


def positions(conn: Connection) -> list[tuple[int, int, int]]:
    return conn.execute(
        "SELECT shards, shard, position FROM hooks ORDER BY shards, shard"
    ).fetchall()


def test_each_shard_tells_its_own_events(twenty: None, url: str, conn: Connection) -> None:
    hook = Remembering(from_start=True)
    leases = make_shards(conn, [20] * 3)
    with Runners(url, [hook]) as runners, ExitStack() as held:
        for lease in leases:
            held.enter_context(runners.following(conn, Sharded(), lease))
        until(lambda: positions(conn) == [(3, n, 20) for n in range(3)], "all shards")
    assert sorted(hook.told()) == list(range(1, 21))
    by_shard: dict[int, list[int]] = {0: [], 1: [], 2: []}
    for changes in hook.calls:
        by_shard[changes.shard] += [recorded.position for recorded in changes.events]
    for shard, told in by_shard.items():
        belongs = conn.execute(
            "SELECT position FROM eventstore.events "
            "WHERE eventstore.shard_of(data ->> 'thing_id', 3) = %s ORDER BY 1",
            [shard],
        ).fetchall()
        assert told == [row[0] for row in belongs]


def test_no_event_is_lost_when_the_number_of_shards_changes(
    twenty: None, url: str, conn: Connection
) -> None:
    """One old shard was further than the other; all new ones begin where both have been."""
    make_shards(conn, [20] * 2)
    conn.execute(
        "INSERT INTO hooks (projection, hook, shards, shard, position, fencing_token) "
        "VALUES ('things', 'remembering', 2, 0, 18, 1), ('things', 'remembering', 2, 1, 7, 1)"
    )
    hook = Remembering()
    with Runners(url, [hook]) as runners, ExitStack() as held:
        leases = make_shards(conn, [20] * 3)
        for lease in leases[:2]:
            held.enter_context(runners.following(conn, Sharded(), lease))
        until(
            lambda: [row for row in positions(conn) if row[0] == 3 and row[2] == 20], "two shards"
        )
        # The old ones stay until the last new one has begun.
        assert [row for row in positions(conn) if row[0] == 2] == [(2, 0, 18), (2, 1, 7)]
        held.enter_context(runners.following(conn, Sharded(), leases[2]))
        until(lambda: positions(conn) == [(3, n, 20) for n in range(3)], "all shards")
    assert sorted(hook.told()) == list(range(8, 21))


def test_a_late_event_goes_to_the_shard_that_it_belongs_to(
    twenty: None, url: str, conn: Connection
) -> None:
    hook = Remembering()
    with Runners(url, [hook]) as runners, ExitStack() as held:
        following = [
            held.enter_context(runners.following(conn, Sharded(), lease))
            for lease in make_shards(conn, [20] * 3)
        ]
        for n in (4, 9):
            conn.execute(
                "INSERT INTO hook_backlog VALUES ('things', 'remembering', %s, %s)",
                [n, str(number(n))],
            )
        for each in following:
            each.wake(0)
        until(lambda: not conn.execute("SELECT FROM hook_backlog").fetchall(), "both")
    assert sorted(hook.told()) == [4, 9]
    for changes in hook.calls:
        for recorded in changes.events:
            found = conn.execute(
                "SELECT eventstore.shard_of(%s, 3)", [recorded.payload["thing_id"]]
            ).fetchone()
            assert found == (changes.shard,)


def test_what_was_discarded_is_not_told_after_the_switch(
    store: EventStore, url: str, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was held live, the rebuild has left it out, and what waited for it is news."""
    hook = Remembering()
    store.append("thing-1", [ThingMade(thing_id=number(1), name="a")])
    poison = store.append("thing-1", [Forbidden(thing_id=number(1))]).position
    waiting = store.append("thing-1", [AmountAdded(thing_id=number(1), amount=1)]).position
    assert catch_up(url, Things(), hooks=[hook]) == {}
    assert hook.told() == [1]
    with monkeypatch.context() as patch:
        # The one who discards it is gone before the projector has heard of it.
        patch.setattr("projections.apply.by_hand._have_tried", lambda *_: [])
        discard(url, Things(), poison, "sent by mistake", agent="me")
    rebuild(url, Things())
    owed = conn.execute("SELECT position FROM hook_backlog ORDER BY position").fetchall()
    assert owed == [(poison,), (waiting,)]
    assert catch_up(url, Things(), hooks=[hook]) == {}
    assert hook.told() == [1, waiting]
    assert conn.execute("SELECT FROM hook_backlog").fetchall() == []
    assert conn.execute("SELECT hooks_told('things', %s)", [waiting]).fetchone() == (True,)
