"""The counts of the log are kept by whoever runs projections."""

from __future__ import annotations

import pytest

from eventstore import EventStore
from eventstore.database import connect
from projections.live import counting
from projections.live.counting import Counting
from tests.integration.projections.running import running, until
from tests.integration.projections.things import Noise, Things


def counted_to(url: str) -> int:
    with connect(url, role="auditor") as session:
        (row,) = session.execute("SELECT position FROM eventstore.counted WHERE tenant_id = '*'")
    return int(row[0])


def test_a_daemon_counts_the_log(
    database_url: str, store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "PAUSE", 0.01)
    with running(database_url, Things()):
        for n in range(3):
            last = store.append(f"thing-{n}", [Noise()]).position
            until(lambda: counted_to(database_url) == last, "the counts")  # noqa: B023
    assert [each.events for each in store.streams.categories()] == [3]


def test_two_count_beside_each_other(database_url: str, store: EventStore) -> None:
    with Counting(database_url, 0.001), Counting(database_url, 0.001):
        for n in range(50):
            last = store.append(f"thing-{n}", [Noise()]).position
        until(lambda: counted_to(database_url) == last, "the counts")
    assert [(each.events, each.streams) for each in store.streams.categories()] == [(50, 50)]


def test_an_error_is_told_and_tried_again(
    database_url: str, store: EventStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.append("thing-1", [Noise()])
    with connect(database_url, role="owner") as owner:
        owner.execute("ALTER FUNCTION eventstore.add_counts RENAME TO lost")
        with Counting(database_url, 0.01):
            until(lambda: "counts of the log wait" in caplog.text, "the warning")
            owner.execute("ALTER FUNCTION eventstore.lost RENAME TO add_counts")
            until(lambda: counted_to(database_url) == store.watermark(), "the counts")
