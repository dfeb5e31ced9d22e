"""How projectors read: news that are waited for inside the server, and pages of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from eventstore import EventStore
from eventstore.connection.database import Connection, connect
from eventstore.reading.follow import Division, News, news, page
from tests.integration.log.facts import FACTS, Asked, Said
from tests.integration.log.raw_append import append
from tests.integration.log.waiting import until

SAID = (Said.event_type,)


@pytest.fixture
def projector(database_url: str) -> Iterator[Connection]:
    with connect(database_url, role="projector") as opened:
        yield opened


def look(connection: Connection, after: int, **options: Any) -> News:
    """The news of what was said, for which it waits a second at most."""
    asked: dict[str, Any] = {
        "limit": 100,
        "looks": 1_000,
        "pause": 1,
        "event_types": SAID,
        "registry": FACTS,
    }
    return news(connection, after, **(asked | options))


def test_what_is_there_comes_at_once(store: EventStore, projector: Connection) -> None:
    store.append("s-1", [Said(text="a"), Asked(), Said(text="b")])
    found = look(projector, 0)
    assert [recorded.payload["text"] for recorded in found.events] == ["a", "b"]
    assert [recorded.position for recorded in found.events] == [1, 3]
    assert (found.until, found.shards) == (3, [])
    assert [recorded.position for recorded in look(projector, 1).events] == [3]


def test_without_news_it_answers_after_its_looks(store: EventStore, projector: Connection) -> None:
    store.append("s-1", [Said()])
    assert look(projector, 1, looks=3) == News([], 1, [])


def test_events_of_other_types_only_move_the_end(store: EventStore, projector: Connection) -> None:
    store.append("s-1", [Asked(), Asked()])
    assert look(projector, 0) == News([], 2, [])


def test_it_wakes_up_by_itself(store: EventStore, projector: Connection, admin: Connection) -> None:
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(look, projector, 0)
        until(
            lambda: admin.execute(
                "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'",
                [projector.info.backend_pid],
            ).fetchall()
        )
        store.append("s-1", [Said()])
        assert [recorded.position for recorded in waiting.result(20).events] == [1]


def test_it_does_not_overtake_an_append_under_way(
    store: EventStore, projector: Connection, appender: Connection, database_url: str
) -> None:
    with appender.transaction():
        append(appender, "s-1", 2)
        store.append("s-2", [Said(text="after them")])
        assert look(projector, 0, looks=50) == News([], 0, [])
    assert [recorded.position for recorded in look(projector, 0).events] == [1, 2, 3]


def test_a_page_ends_after_so_many_events(store: EventStore, projector: Connection) -> None:
    store.append("s-1", [Said(number=n) for n in range(1, 8)])
    first = look(projector, 0, limit=3)
    assert ([recorded.position for recorded in first.events], first.until) == ([1, 2, 3], 3)
    second = page(projector, 3, 7, 3, event_types=SAID, registry=FACTS)
    assert ([recorded.position for recorded in second.events], second.until) == ([4, 5, 6], 6)
    last = page(projector, 6, 7, 3, event_types=SAID, registry=FACTS)
    assert ([recorded.position for recorded in last.events], last.until) == ([7], 7)
    assert page(projector, 7, 9, 3, event_types=SAID, registry=FACTS) == ([], 9)


def test_a_page_ends_after_so_many_bytes(store: EventStore, projector: Connection) -> None:
    """The event that goes over the limit is the last; one that is larger by itself comes alone.

    Bytes are those of the payload as submitted, however well it can be compressed.
    """
    large = Said(text="x" * 100_000)
    store.append("s-1", [Said(), Said(), large, Said(), Said(text="y" * 100_000), Said()])
    found, after = [], 0
    while after < 6:
        some = page(projector, after, 6, 100, event_types=SAID, max_bytes=50_000, registry=FACTS)
        found.append([recorded.position for recorded in some.events])
        after = some.until
    assert found == [[1, 2, 3], [4, 5], [6]]
    both = look(projector, 0, max_bytes=50_000)
    assert ([recorded.position for recorded in both.events], both.until) == ([1, 2, 3], 3)
    alone = look(projector, 2, max_bytes=1)
    assert ([recorded.position for recorded in alone.events], alone.until) == ([3], 3)


def test_each_event_says_in_which_shard_it_is(
    store: EventStore, projector: Connection, admin: Connection
) -> None:
    store.append("s-1", [Said(text=f"key {n}", number=n) for n in range(1, 21)])
    found = look(
        projector, 0, divisions=(Division("text", 4), Division("number", 3), Division("none", 9))
    )
    expected = [
        list(row)
        for row in admin.execute(
            "SELECT eventstore.shard_of(data ->> 'text', 4), "
            "eventstore.shard_of(data ->> 'number', 3), 0 FROM eventstore.events ORDER BY position"
        ).fetchall()
    ]
    assert found.shards == expected
    assert {shards[0] for shards in expected} == {0, 1, 2, 3}
    for shard in range(4):
        ours = page(
            projector,
            0,
            20,
            100,
            event_types=SAID,
            division=Division("text", 4),
            shard=shard,
            registry=FACTS,
        )
        assert [recorded.position for recorded in ours.events] == [
            position for position, shards in enumerate(expected, 1) if shards[0] == shard
        ]


def test_odd_names_of_types(store: EventStore, projector: Connection) -> None:
    store.append("s-1", [Said()])
    odd = ('a "quoted" name', "a, b", "{}", "back\\slash", "NULL", " ")
    assert look(projector, 0, event_types=odd) == News([], 1, [])
    assert len(look(projector, 0, event_types=(*odd, *SAID)).events) == 1
