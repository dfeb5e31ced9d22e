"""`eventstore seed`: what it appends is applied, equals a replay, and is appended once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from eventstore import EventStore
from eventstore.cli.main import main
from projections.catalogue import PROJECTIONS
from projections.session import open_session
from tests.integration.projections.running import catch_up, replayed, stored

Seed = Callable[..., dict[str, Any]]


@pytest.fixture
def seed(database_url: str, capsys: pytest.CaptureFixture[str]) -> Seed:
    """Runs the command, and returns what it says."""

    def run(*words: object) -> dict[str, Any]:
        code = main(["seed", *map(str, words), "--json", "--database-url", database_url])
        said = capsys.readouterr()
        assert code == 0, said.err
        found: dict[str, Any] = json.loads(said.out)
        return found

    return run


def test_all_of_it_is_applied_and_equals_a_replay(seed: Seed, database_url: str) -> None:
    assert seed("--scale", 3_000)["events_appended"] == 3_000
    assert catch_up(database_url, *PROJECTIONS) == {}
    with open_session(database_url, part="test") as conn:
        held = conn.execute("SELECT count(*) FROM projections.failures").fetchone()
        assert held == (0,)
        for projection in PROJECTIONS:
            tables = stored(conn, projection)
            assert tables == replayed(conn, projection)
            assert sum(map(len, tables.values())) > 20


def test_nothing_is_appended_twice(seed: Seed, database_url: str) -> None:
    """Whatever was asked for before: some contexts, fewer events, or the same."""

    def counts(*words: object) -> tuple[int, int]:
        said = seed(*words)
        assert sum(said["event_types"].values()) == said["events_appended"]
        return said["events_appended"], said["events_already_there"]

    assert counts("--context", "work", "--context", "trust", "--scale", 150) == (150, 0)
    assert counts("--scale", 300, "--dry-run") == (300, 0)
    appended, already_there = counts("--scale", 300)
    assert appended + already_there == 300
    assert 0 < already_there <= 150
    assert counts("--scale", 300) == (0, 300)
    assert counts("--scale", 400) == (100, 300)
    assert counts("--scale", 200, "--seed", 1) == (200, 0)
    with EventStore.open(database_url) as store:
        assert sum(1 for _ in store.read_all()) == 150 - already_there + 400 + 200
