"""One reader for all: who falls behind reads for himself, and who has nothing to do is moved."""

from __future__ import annotations

from functools import partial

import psycopg
import pytest

from eventstore import EventStore
from eventstore.vocabulary.packaging import PackageRegistered
from projections.checkpoint import Lease, acquire
from projections.live import feed
from projections.live.tail import Tail
from projections.packaging import Packaging
from projections.session import Connection
from projections.work import Work
from tests.integration.projections.killing import tell
from tests.integration.projections.running import (
    checkpoint,
    number,
    replayed,
    running,
    stored,
    until,
)
from tests.integration.projections.sharded import Sharded, divide, positions
from tests.integration.projections.things import Noise, ThingMade, Things


def is_at(conn: Connection, name: str, position: int) -> bool:
    return bool((checkpoint(conn, name) or {}).get("position", -1) >= position)


def held(conn: Connection) -> Lease:
    lease = acquire(conn, Things(), seconds=60)
    assert isinstance(lease, Lease)
    return lease


@pytest.mark.parametrize("limit", ["_MOST_EVENTS", "_MOST_BYTES"])
def test_who_falls_behind_reads_for_himself(
    store: EventStore, url: str, conn: Connection, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(feed, limit, 3)
    with running(url, Things()):
        for first in (1, 11, 21):
            tell(store, first, 10)
            until(partial(is_at, conn, "things", store.watermark()), "all is applied")
    assert stored(conn, Things()) == replayed(conn, Things())


def test_all_checkpoints_are_moved_over_events_of_others(
    store: EventStore, url: str, conn: Connection
) -> None:
    divide(url, 3)
    with running(url, Sharded(), Work(), Packaging()):
        until(lambda: checkpoint(conn, "packaging"), "it runs")
        event = PackageRegistered(package_id=number(1), name="a", version="1", publisher="p")
        end = store.append("package-1", [event]).position
        for name in ("things", "work", "packaging"):
            until(partial(is_at, conn, name, end), f"{name} is there")
        until(lambda: set(positions(conn).values()) == {end}, "every shard is there")


def test_a_feed_gives_what_comes_after_its_start(
    store: EventStore, url: str, conn: Connection
) -> None:
    store.append("thing-1", [ThingMade(thing_id=number(1), name="before")])
    lease = held(conn)
    with Tail(url) as tail, tail.feed(Things(), lease) as news:
        assert news.start() == 1
        lease.advance(conn, 1)
        news.skip(1)
        store.append("noise-1", [Noise()])
        end = store.append("thing-2", [ThingMade(thing_id=number(2), name="after")]).position
        page = news.take(10)
        assert page is not None
        assert [recorded.payload["name"] for recorded in page.events] == ["after"]
        assert page.until == end


def test_a_feed_is_taken_in_parts(store: EventStore, url: str, conn: Connection) -> None:
    lease = held(conn)
    with Tail(url) as tail, tail.feed(Things(), lease) as news:
        assert news.start() == 0
        store.append("thing-1", [ThingMade(thing_id=number(n), name=str(n)) for n in range(1, 8)])
        parts = [news.take(3) for _ in range(3)]
        assert [page and [recorded.position for recorded in page.events] for page in parts] == [
            [1, 2, 3],
            [4, 5, 6],
            [7],
        ]
        assert [page and page.until for page in parts] == [3, 6, 7]
        assert news.take(3, timeout=0) == ([], 7)


def test_a_feed_ends_with_the_connection(
    store: EventStore, url: str, conn: Connection, admin_url: str
) -> None:
    """What was seen over it counts no more: a crash may take back what nobody committed."""
    lease = held(conn)
    with Tail(url) as tail, psycopg.connect(admin_url, autocommit=True) as admin:
        with tail.feed(Things(), lease) as news:
            assert news.start() == 0
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name LIKE 'eventstore tail%'"
            )
            assert news.take(10) is None
        with tail.feed(Things(), lease) as again:
            assert again.start() == 0
    with tail.feed(Things(), lease) as too_late:
        assert too_late.start() is None


def test_a_checkpoint_whose_lease_is_lost_is_not_moved(
    store: EventStore, url: str, conn: Connection
) -> None:
    lease = held(conn)
    with Tail(url) as tail, tail.feed(Things(), lease) as news:
        assert news.start() == 0
        store.append("noise-1", [Noise()])
        assert news.take(10, timeout=0.05) is not None  # it does not wait, so it may be at work
        assert (checkpoint(conn, "things") or {})["position"] in (0, 1)
        conn.execute("UPDATE checkpoints SET fencing_token = fencing_token + 1")
        before = (checkpoint(conn, "things") or {})["position"]
        end = store.append("noise-1", [Noise()]).position
        page = news.take(10, timeout=0.2)
        assert page is not None
        assert page.until == end
        assert (checkpoint(conn, "things") or {})["position"] == before
        assert lease.position == before


def test_a_batch_has_limited_time(conn: Connection) -> None:
    """So that a projector that is stopped in the middle of one does not lock its checkpoint."""
    lease = held(conn)
    with conn.transaction():
        conn.execute(
            "SELECT projections.advance('things', 'live', 0, %s, 0, 1, 0, 0)",
            [lease.fencing_token],
        )
        row = conn.execute(
            "SELECT current_setting('transaction_timeout'), current_setting('synchronous_commit')"
        ).fetchone()
    assert row == ("2min", "off")
    row = conn.execute("SELECT current_setting('transaction_timeout')").fetchone()
    assert row == ("0",)
