"""What keeps the benchmarks honest: the same rows from the same events, and logs as if appended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest

from benchmarks import history
from benchmarks.events import step
from benchmarks.filling import HistoryLog
from benchmarks.folds import Folds
from benchmarks.logs.environment import Environment
from benchmarks.logs.stores import OURS, Stored
from benchmarks.long_log import LongLog
from benchmarks.packages import PackageChange, PackageHistories, PackageHistoriesInSql
from benchmarks.sandbox import Database
from eventstore import Append, EventStore
from eventstore.upkeep.partitions import partitions
from projections.builds.rebuild import rebuild
from tests.integration.projections.running import catch_up

EVENTS = 3_000


def made(events: int) -> Iterator[list[Append]]:
    """A third of it is appended, the rest are copies."""
    told = history.appends(history.made_commits(), "made")
    return islice(told, events // 3)


@pytest.fixture
def log(database_url: str, admin_url: str) -> HistoryLog:
    filled = HistoryLog(Database(database_url, admin_url), made)
    filled.grow_to(EVENTS)
    assert filled.events == EVENTS
    return filled


@pytest.fixture
def admin(admin_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(admin_url, autocommit=True) as connection:
        yield connection


def rows(admin: psycopg.Connection[Any], table: str) -> list[tuple[Any, ...]]:
    return admin.execute(f"SELECT * FROM {table} ORDER BY tenant_id, package").fetchall()


def test_floors_and_engine_make_the_same_rows(
    log: HistoryLog, admin: psycopg.Connection[Any]
) -> None:
    assert rebuild(log.database.url, PackageHistories()).events == EVENTS
    ours = rows(admin, "projections.package_histories")
    assert len(ours) > 100
    assert rebuild(log.database.url, PackageHistoriesInSql()).in_sql == EVENTS
    assert rows(admin, "projections.package_histories") == ours
    with Folds(log.database.admin_url, log.events) as folds:
        sides: list[Callable[[], float]] = [
            lambda: folds.set_based(EVENTS),
            lambda: folds.set_based(7),
            folds.by_hand,
        ]
        for side in sides:
            side()
            assert rows(admin, "public.package_histories") == ours
            assert admin.execute("SELECT position FROM public.checkpoint").fetchone() == (EVENTS,)


def test_the_live_rows_are_the_same_too(log: HistoryLog, admin: psycopg.Connection[Any]) -> None:
    assert catch_up(log.database.url, PackageHistories()) == {}
    live = rows(admin, "projections.package_histories")
    assert rebuild(log.database.url, PackageHistories()).events == EVENTS
    assert rows(admin, "projections.package_histories") == live


def test_what_follows_the_stores_counts_every_event(
    database_url: str, admin_url: str, tmp_path: Path
) -> None:
    stored = Stored(OURS, database_url, admin_url, Environment(tmp_path))
    stored.commit_late()
    over = tmp_path / "over"
    with stored.children(2) as (writer, reader):
        writer.ask("fill", category="bench", streams=2, length=5)
        assert reader.ask("read_all", category="bench")["events"] == 10
        reader.tell("follow", until=str(over))
        writer.ask("tell", category="bench", events=20)
        over.touch()
        assert reader.answer()["events"] == 30


def test_a_copied_event_is_as_if_appended(log: HistoryLog) -> None:
    versions: dict[str, int] = {}
    ids = set()
    with EventStore.open(log.database.url) as store:
        everything = list(store.read_all())
        assert [each.position for each in everything] == list(range(1, EVENTS + 1))
        for each in everything:
            event = each.event
            assert isinstance(event, PackageChange)
            assert each.stream_id == f"package-{event.package}"
            assert each.data_hash == sha256(each.data).digest()
            versions[each.stream_id] = versions.get(each.stream_id, 0) + 1
            assert each.stream_version == versions[each.stream_id]
            ids.add(each.event_id)
        assert len(ids) == EVENTS
        for stream_id, version in versions.items():
            assert store.stream_version(stream_id) == version
        last = everything[-1]
        assert isinstance(last.event, PackageChange)
        assert store.read_event(last.event_id) == last
        repeated = store.append(last.stream_id, [last.event], expected_version=0)
        assert repeated.position == last.position
        new = last.event.model_copy(update={"subject": "another"})
        version = versions[last.stream_id]
        receipt = store.append(last.stream_id, [new], expected_version=version)
        assert receipt.stream_version == version + 1
        assert receipt.position > last.position


def test_a_long_log_is_as_if_it_had_been_appended(database_url: str, admin_url: str) -> None:
    log = LongLog(Database(database_url, admin_url), 2_000, 12, lambda _: None)
    with EventStore.open(database_url) as store:
        found = list(store.read_all())
        assert [each.position for each in found] == list(range(1, 2_001))
        assert all(each.data_hash == sha256(each.data).digest() for each in found)
        assert [each.recorded_at for each in found] == sorted(each.recorded_at for each in found)
        for stream_id in log.streams(3, seed=1):
            versions = [each.stream_version for each in store.read_stream(stream_id)]
            assert versions == list(range(1, 11))
            assert store.stream_version(stream_id) == 10
        for run in log.runs(3, seed=1):
            assert len(list(store.read_correlation(run))) == 20
        one = found[7]
        assert store.read_event(one.event_id) == one
        parts = store.database.read(partitions)
        assert len(parts) == 12
        assert sum(each["sealed"] for each in parts) == 8
        assert store.append(one.stream_id, [step()]).stream_version == 11
