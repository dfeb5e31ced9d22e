"""Conditions raced for by real processes, beside tagged and untagged appends of all kinds."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime

from eventstore import EventStore
from eventstore.connection.database import Connection
from tests.integration.log.conditions import race
from tests.integration.log.processes import children
from tests.integration.log.waiting import until

WRITERS = 3


def test_conditions_hold_where_their_appends_stand(
    database_url: str, store: EventStore, admin: Connection
) -> None:
    with children(WRITERS, "condition_process", database_url) as writers:
        race(writers, store, writes=40)
    assert_unique(store)
    assert_no_deadlock(admin)


def assert_unique(store: EventStore, after: int = 0) -> None:
    """What the judge says of all conditions, in plain words for two kinds of them."""
    calls: dict[str, set[datetime]] = defaultdict(set)
    for recorded in store.read_all(after):
        for tag in recorded.tags:
            calls[tag].add(recorded.recorded_at)
    names = [tag for tag in calls if tag.startswith("name:")]
    assert names
    assert [name for name in names if len(calls[name]) > 1] == [], "a name was given twice"
    sides = Counter(tag.rpartition(":")[0] for tag in calls if tag.startswith("pair:"))
    assert sides
    assert set(sides.values()) == {1}, "both sides of a pair were taken"


def assert_no_deadlock(admin: Connection) -> None:
    """Nobody had to be sacrificed: all lock in one order. Asked when the writers have gone."""
    gone = "SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name ~ 'appender'"
    gone += " AND datname = current_database()"
    until(lambda: (admin.execute(gone).fetchone() or [False])[0])
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert admin.execute(query).fetchone() == (0,)
