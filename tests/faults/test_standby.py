"""Reads from a standby: as old as they say, and never out of order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from eventstore.connection.database import Connection, connect
from eventstore.errors import PermissionDenied, ReadBehind
from eventstore.reading.follow import news
from eventstore.upkeep.health import health
from tests.integration.log.facts import Said, open_store, said
from tests.integration.log.order import Read, run_check
from tests.integration.log.pair import Pair, pair
from tests.integration.log.processes import children
from tests.integration.log.raw_append import append
from tests.integration.log.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def servers() -> Iterator[Pair]:
    with pair() as made:
        yield made


def replayed(servers: Pair) -> None:
    """Waits until the standby has all that the primary has written."""
    row = servers.primary.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
    query = "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn"
    until(lambda: (servers.standby.execute(query, row).fetchone() or (False,))[0])


def test_what_was_stored_is_what_a_standby_shows(servers: Pair) -> None:
    receipt = servers.store.append("s-1", said(3))
    servers.stored()
    assert servers.log.wait_for_position(receipt.position) == receipt.position
    assert [each.position for each in servers.log.read_all(after=receipt.positions[0] - 1)] == list(
        receipt.positions
    )
    assert servers.log.read_age() > 0
    assert servers.store.read_age() == 0
    assert servers.store.wait_for_position(receipt.position) >= receipt.position


def test_ordered_reads_end_there_and_others_are_as_new_as_the_replay(servers: Pair) -> None:
    mark = servers.stored()
    receipt = servers.store.append("s-2", said(2))
    replayed(servers)
    assert servers.log.watermark() == mark
    assert not list(servers.log.read_all(after=mark))
    assert len(list(servers.log.read_stream("s-2"))) == 2
    assert servers.log.stream_version("s-2") == 2
    with pytest.raises(ReadBehind) as caught:
        servers.log.wait_for_position(receipt.position, timeout=0.05)
    assert (caught.value.position, caught.value.reached) == (receipt.position, mark)
    assert servers.stored() == receipt.position
    found = servers.log.read_all(after=mark, min_position=receipt.position)
    assert [each.position for each in found] == list(receipt.positions)


def test_followers_stop_there_too(servers: Pair) -> None:
    mark = servers.stored()
    replayed(servers)
    with connect(servers.standby_url, role="auditor", tenant="default") as connection:

        def look() -> list[int]:
            found = news(connection, mark, 100, looks=20, pause=1, event_types=("log.said",))
            return [each.position for each in found.events]

        receipt = servers.store.append("s-3", [Said()])
        replayed(servers)
        assert look() == []
        servers.stored()
        until(lambda: servers.log.watermark() == receipt.position)
        assert look() == list(receipt.positions)


def test_a_paused_replay_shows_in_the_age(servers: Pair) -> None:
    servers.stored()
    replayed(servers)
    with paused(servers.standby):
        receipt = servers.store.append("s-4", said(1))
        servers.stored()
        before = servers.log.read_age()
        until(lambda: servers.log.read_age() > before + 0.2)
        with pytest.raises(ReadBehind) as caught:
            servers.log.wait_for_position(receipt.position, timeout=0.05)
        assert caught.value.age > before
        with servers.log.database.reading() as connection:
            assert health(connection).standby
    assert servers.log.wait_for_position(receipt.position) == receipt.position
    assert len(list(servers.log.read_stream("s-4"))) == 1


@contextmanager
def paused(standby: Connection) -> Iterator[None]:
    standby.execute("SELECT pg_wal_replay_pause()")
    until(
        lambda: standby.execute("SELECT pg_get_wal_replay_pause_state()").fetchone() == ("paused",)
    )
    try:
        yield
    finally:
        standby.execute("SELECT pg_wal_replay_resume()")


def test_an_append_in_flight_holds_a_standby_back(servers: Pair) -> None:
    """And a reader that goes by the highest position that it sees loses the event."""
    start = servers.stored()
    url = servers.store.database.url
    law, mutant = subscription_from(servers, start), highest(servers, start)
    with (
        connect(url, role="appender", tenant="default") as a,
        connect(url, role="appender", tenant="default") as b,
    ):
        with a.transaction():
            late = append(a, "a-1")
            early = append(b, "b-1")
            servers.stored()
            replayed(servers)
            assert law() == []
            assert mutant() == early
        servers.stored()
        replayed(servers)
    assert law() == sorted(late + early)
    assert mutant() == [], "the mutant has lost it"


def subscription_from(servers: Pair, start: int) -> Read:
    subscribed = servers.log.subscribe(after=start)
    return lambda: [each.position for each in subscribed.fetch()]


def highest(servers: Pair, start: int) -> Read:
    """The mutant: reads up to max(position)."""
    last = start

    def read() -> list[int]:
        nonlocal last
        query = "SELECT position FROM eventstore.events WHERE position > %s ORDER BY position"
        found = [row[0] for row in servers.standby.execute(query, [last])]
        last = found[-1] if found else last
        return found

    return read


def test_readers_of_a_standby_follow_six_appenders(servers: Pair) -> None:
    servers.stored()
    url = servers.store.database.url
    begin = servers.log.wait_for_position(servers.store.watermark())
    with servers.keeping(), children(6, "appender_process", url) as appenders:
        readers = [
            servers.patient(subscription_from(servers, begin)),
            servers.patient(scan_from(servers, begin)),
        ]
        run_check(appenders, readers, events=6_000, batch=20, pause=0.004)


def scan_from(servers: Pair, start: int) -> Read:
    last = start

    def read() -> list[int]:
        nonlocal last
        found = [each.position for each in servers.log.read_all(after=last)]
        last = found[-1] if found else last
        return found

    return read


def test_a_standby_takes_no_append(servers: Pair) -> None:
    with (
        open_store(servers.standby_url) as store,
        pytest.raises(PermissionDenied, match="write to the primary"),
    ):
        store.append("s-1", said(1))


def test_a_promoted_standby_goes_on_as_a_primary(servers: Pair) -> None:
    """The last test of this module: there is no way back."""
    servers.stored()
    before = [each.position for each in servers.store.read_all()]
    servers.log.wait_for_position(before[-1])
    servers.standby.execute("SELECT pg_promote()")
    with open_store(servers.standby_url) as store:
        assert store.read_age() == 0
        receipt = store.append("s-1", said(1))
        assert receipt.position > before[-1]
        assert [each.position for each in store.read_all()] == [*before, *receipt.positions]
