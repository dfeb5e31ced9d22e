"""Entries count while their epoch lives, and never hold what was before an invalidation."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event as Signal
from time import monotonic
from typing import Any

import psutil
import pytest
from pydantic import BaseModel
from valkey import Valkey

from eventstore.config import Settings, load
from eventstore.embedded import EmbeddedServer
from eventstore.errors import ConfigurationError
from projections.cache.epoch import LIFETIME, EpochKeeper
from projections.cache.names import Names
from projections.cache.read_through import Cache, Kind, Reads
from projections.cache.server import CacheServer, client_of
from projections.session import open_session
from tests.integration.cache.conftest import NAMES


class Thing(BaseModel):
    number: int


THING = Kind("thing", Thing)


class Loads:
    """What is in the database, with a count of how often it was asked."""

    def __init__(self) -> None:
        self.number, self.asked = 0, 0

    def __call__(self) -> Thing | None:
        self.asked += 1
        return Thing(number=self.number)


@pytest.fixture
def keeper(client: Valkey, cache_server: CacheServer) -> Iterator[EpochKeeper]:
    with EpochKeeper(client, NAMES.epoch, 1, revive=cache_server.ensure_running) as kept:
        assert kept.wait_kept(5)
        yield kept


def forget(client: Valkey, key: str) -> None:
    client.unlink(NAMES.entry("default", "thing", key))


def test_the_second_read_needs_no_database(cache: Cache, keeper: EpochKeeper) -> None:
    loads = Loads()
    assert [cache.read(THING, "1", loads) for _ in range(3)] == [Thing(number=0)] * 3
    assert (loads.asked, cache.reads) == (1, Reads(hits=2, misses=1))


def test_that_there_is_nothing_is_remembered_too(cache: Cache, keeper: EpochKeeper) -> None:
    assert cache.read(THING, "1", lambda: None) is None
    assert cache.read(THING, "1", Loads()) is None


def test_what_another_release_has_put_there_is_a_miss(
    cache: Cache, client: Valkey, keeper: EpochKeeper
) -> None:
    class Former(BaseModel):
        title: str

    cache.read(Kind("thing", Former), "1", lambda: Former(title="x"))
    assert cache.read(THING, "1", Loads()) == Thing(number=0)
    assert cache.read(THING, "1", lambda: None) == Thing(number=0)


def test_a_change_is_seen_once_it_was_forgotten(
    cache: Cache, client: Valkey, keeper: EpochKeeper
) -> None:
    loads = Loads()
    cache.read(THING, "1", loads)
    loads.number = 7
    forget(client, "1")
    assert cache.read(THING, "1", loads) == Thing(number=7)


def test_without_a_keeper_nothing_counts(cache: Cache) -> None:
    loads = Loads()
    for _ in range(3):
        cache.read(THING, "1", loads)
    assert (loads.asked, cache.reads) == (3, Reads(bypassed=3))


@pytest.mark.parametrize("lost_by", ["forget", "flush", "restart"])
def test_what_was_read_before_a_change_does_not_come_in_after_it(
    lost_by: str, cache: Cache, client: Valkey, keeper: EpochKeeper, cache_server: CacheServer
) -> None:
    loads = Loads()

    def slowly() -> Thing | None:
        old = loads()
        loads.number = 7  # somebody changes it while the old row is on its way to the reader
        if lost_by == "forget":
            forget(client, "1")
        elif lost_by == "flush":
            client.flushall()
        else:
            cache_server.stop()
            cache_server.ensure_running()
        return old

    assert cache.read(THING, "1", slowly) == Thing(number=0)
    assert keeper.wait_kept(5)
    assert cache.read(THING, "1", loads) == Thing(number=7)


def test_one_reader_fills_and_the_others_do_not_wait(cache: Cache, keeper: EpochKeeper) -> None:
    loads, filling, go_on = Loads(), Signal(), Signal()

    def slowly() -> Thing | None:
        filling.set()
        assert go_on.wait(10)
        return loads()

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cache.read, THING, "1", slowly)
        assert filling.wait(10)
        loads.number = 5
        assert cache.read(THING, "1", loads) == Thing(number=5)
        loads.number = 0
        go_on.set()
        assert first.result() == Thing(number=0)
    assert cache.read(THING, "1", lambda: None) == Thing(number=0)


def test_a_killed_cache_is_gone_around(
    cache: Cache, keeper: EpochKeeper, cache_server: CacheServer
) -> None:
    loads = Loads()
    cache.read(THING, "1", loads)
    cache_server.stop()
    loads.number = 7
    began = monotonic()
    keeper.end()  # what an invalidation does that can't reach the cache
    assert monotonic() - began < LIFETIME + 3
    assert cache.read(THING, "1", loads) == Thing(number=7)
    assert keeper.wait_kept(10), "it is started again"


def test_an_unreachable_cache_is_not_asked_each_time(settings: Settings) -> None:
    cache, loads = Cache(client_of(settings, timeout=0.25), NAMES, "default"), Loads()
    for _ in range(1_000):
        cache.read(THING, "1", loads)
    assert (loads.asked, cache.reads.bypassed) == (1_000, 1_000)
    cache.close()


def test_a_cache_that_does_not_answer_is_gone_around(
    cache: Cache, keeper: EpochKeeper, client: Valkey
) -> None:
    loads = Loads()
    cache.read(THING, "1", loads)
    loads.number = 7
    info: Any = client.info("server")
    process = psutil.Process(info["process_id"])
    process.send_signal(signal.SIGSTOP)
    try:
        keeper.end()
        assert cache.read(THING, "1", loads) == Thing(number=7)
    finally:
        process.send_signal(signal.SIGCONT)
    assert keeper.wait_kept(10)
    found = cache.read(THING, "1", loads)
    assert found == Thing(number=7), "the entry of the former epoch is still stored"


def test_a_full_cache_takes_nothing_new(cache: Cache, keeper: EpochKeeper, client: Valkey) -> None:
    loads = Loads()
    cache.read(THING, "old", loads)
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", 1)
    loads.number = 7
    assert cache.read(THING, "new", loads) == Thing(number=7)
    forget(client, "old")
    assert cache.read(THING, "old", loads) == Thing(number=7)


def test_a_new_keeper_ends_the_epoch_of_the_one_before(
    settings: Settings, client: Valkey, cache_server: CacheServer
) -> None:
    """An invalidation that comes before its first sign of life, and can't reach the cache."""
    client.set(NAMES.epoch, f"{1:020d}:before", px=2_000)
    nowhere = client_of(load(home=settings.home / "nowhere"), timeout=0.1)
    assert nowhere is not None
    with nowhere:
        EpochKeeper(nowhere, NAMES.epoch, 2).end()
    assert client.get(NAMES.epoch) is None


def test_an_older_keeper_can_not_take_the_epoch_back(client: Valkey) -> None:
    with EpochKeeper(client, NAMES.epoch, 10) as newer:
        assert newer.wait_kept(5)
        epoch = client.get(NAMES.epoch)
        with EpochKeeper(client, NAMES.epoch, 9) as older:
            assert not older.wait_kept(1)
            assert client.get(NAMES.epoch) == epoch


def test_a_keeper_that_stood_still_begins_a_new_epoch(
    client: Valkey, keeper: EpochKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = client.get(NAMES.epoch)
    ahead = LIFETIME + 1
    monkeypatch.setattr("projections.cache.epoch.monotonic", lambda: monotonic() + ahead)
    deadline = monotonic() + 10
    while client.get(NAMES.epoch) == first:
        assert monotonic() < deadline


def test_stores_and_tenants_share_a_cache_and_no_entry(
    make_database: Callable[[], str], server: EmbeddedServer
) -> None:
    first, second = (server.url(make_database()) for _ in range(2))

    def names(url: str, called: str) -> Names:
        with closing(open_session(url, part="test")) as conn:
            return Names.of(called, conn)

    here = "postgresql://localhost/store"
    assert names(first, here) == names(first, "postgresql://somebody@localhost/store")
    assert names(first, here) != names(second, here)
    assert names(first, here) != names(first, "postgresql://elsewhere/store")
    assert NAMES.entry("a", "thing", "1") != NAMES.entry("b", "thing", "1")


def test_readers_never_go_back(
    cache: Cache, client: Valkey, keeper: EpochKeeper, settings: Settings
) -> None:
    """Whoever begins to read after a change was made known sees it, whatever befalls the cache."""
    known, loads, stop = 0, Loads(), Signal()

    def read_on() -> int:
        reader, count = Cache(client_of(settings, timeout=0.25), NAMES, "default"), 0

        def load() -> Thing:
            number = loads.number
            client.ping()  # an answer takes time, in which the next change comes
            return Thing(number=number)

        while not stop.is_set():
            least = known
            found = reader.read(THING, "1", load)
            assert found is not None
            assert found.number >= least
            count += 1
        reader.close()
        return count

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read_on) for _ in range(4)]
        for change in range(1, 1_001):
            loads.number = change
            forget(client, "1")
            known = change
            if change % 100 == 0:
                client.flushall()
        stop.set()
        assert all(reader.result() > 10 for reader in readers)


@pytest.mark.parametrize("url", ["nonsense", "http://cache"])
def test_a_url_that_makes_no_sense_is_named(url: str, settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="CACHE_URL"):
        client_of(load(home=settings.home, cache_url=url), timeout=1)


def test_a_cache_can_be_done_without(settings: Settings) -> None:
    assert client_of(load(home=settings.home, cache_url="off"), timeout=1) is None
    assert client_of(load("postgresql://h/x", home=settings.home), timeout=1) is None
    loads = Loads()
    assert Cache(None, NAMES, "default").read(THING, "1", loads) == Thing(number=0)


def test_two_daemons_share_one_server(settings: Settings, cache_server: CacheServer) -> None:
    second = CacheServer(settings)
    second.ensure_running()
    second.stop()
    client = client_of(settings, timeout=1)
    assert client is not None
    with client:
        assert client.ping()
