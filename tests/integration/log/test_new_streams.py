"""Streams that come into being while others lock them: nobody waits for each other crosswise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from eventstore import Append, EventStore, Query
from eventstore.connection.database import Connection, connect
from tests.integration.log.facts import open_store, said
from tests.integration.log.raw_append import append
from tests.integration.log.test_condition_race import assert_no_deadlock
from tests.integration.log.waiting import until

Way = Callable[[EventStore, Sequence[str]], object]


def together(store: EventStore, streams: Sequence[str]) -> object:
    return store.append_many([Append(stream_id, said(1)) for stream_id in streams])


def closely(store: EventStore, streams: Sequence[str]) -> object:
    """With tags, for which there is no short way."""
    return store.append_many(
        [Append(stream_id, said(1), tags=[stream_id]) for stream_id in streams]
    )


def decided(store: EventStore, streams: Sequence[str]) -> object:
    unless = Query(tags=["nobody"])
    return store.append_many([Append(each, said(1), fail_if_any=unless) for each in streams])


def imported(store: EventStore, streams: Sequence[str]) -> object:
    return store.import_events(Append(stream_id, said(1)) for stream_id in streams)


def blocked(admin: Connection) -> int:
    """How many sessions wait for a lock."""
    query = (
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    row = admin.execute(query).fetchone()
    assert row is not None
    return int(row[0])


WAYS = [together, closely, decided, imported]


@pytest.mark.parametrize("way", WAYS)
def test_a_stream_comes_between(way: Way, database_url: str, admin: Connection) -> None:
    """Who waits for a new stream meets another one that has come into being meanwhile."""
    with (
        open_store(database_url) as one,
        open_store(database_url) as other,
        connect(database_url, role="appender", tenant="default") as third,
        ThreadPoolExecutor(2) as pool,
    ):
        other.append("s-3", said(1))
        with third.transaction():
            append(third, "s-1")
            first = pool.submit(way, one, ["s-1", "s-2", "s-3"])
            until(lambda: blocked(admin) == 1)
            other.append("s-2", said(1))
            second = pool.submit(way, other, ["s-2", "s-3"])
            until(lambda: second.done() or blocked(admin) == 2)
        first.result()
        second.result()
        assert [one.stream_version(f"s-{number}") for number in (1, 2, 3)] == [2, 3, 3]
    assert_no_deadlock(admin)


@pytest.mark.parametrize(("way", "another"), list(zip(WAYS, [WAYS[-1], *WAYS[:-1]], strict=True)))
def test_two_ways_meet_at_a_new_stream(
    way: Way, another: Way, database_url: str, admin: Connection
) -> None:
    """Both wait for a later stream, or for who waits for it."""
    with (
        open_store(database_url) as one,
        open_store(database_url) as other,
        connect(database_url, role="appender", tenant="default") as third,
        ThreadPoolExecutor(2) as pool,
    ):
        other.append("s-2", said(1))
        with third.transaction():
            append(third, "s-2")
            first = pool.submit(way, one, ["s-1", "s-2"])
            until(lambda: blocked(admin) == 1)
            second = pool.submit(another, other, ["s-1", "s-2"])
            until(lambda: blocked(admin) == 2)
        first.result()
        second.result()
        assert [one.stream_version(f"s-{number}") for number in (1, 2)] == [2, 4]
    assert_no_deadlock(admin)
