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
from benchmarks.filling import HistoryLog
from benchmarks.folds import Folds
from benchmarks.logs.environment import Environment
from benchmarks.logs.stores import OURS, Stored
from benchmarks.packages import PackageChange, PackageHistories, PackageHistoriesInSql
from benchmarks.sandbox import Database
from eventstore import Append, EventStore
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
