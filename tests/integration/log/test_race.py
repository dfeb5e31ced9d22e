"""The race for a stream, run by real processes: one winner a version, and losers who know why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from eventstore import EventStore
from eventstore.errors import DuplicateEventId
from tests.integration.log.facts import Said, open_store, said
from tests.integration.log.processes import Child, children

WRITERS = 10
STREAMS = 8


@pytest.fixture
def writers(database_url: str) -> Iterator[list[Child]]:
    with children(WRITERS, "writer_process", database_url) as started:
        yield started


def test_ten_writers_race_on_eight_streams(writers: list[Child], store: EventStore) -> None:
    race(writers, store, wins=30)
    duels(writers, store, rounds=30)


def race(writers: list[Child], store: EventStore, wins: int) -> None:
    """Every writer appends under versions that it read, until it has won so often."""
    for writer in writers:
        writer.tell(do="race", streams=STREAMS, wins=wins)
    answers = [writer.hear() for writer in writers]
    won = {(stream, number): event for one in answers for stream, number, event in one["won"]}
    assert len(won) == WRITERS * wins, "one stream_version had two winners"
    conflicts = [conflict for one in answers for conflict in one["conflicts"]]
    assert conflicts, "nobody lost, so nothing was contended"
    for stream_id, expected, actual in conflicts:
        assert actual > expected, f"{stream_id} can only have moved on"
    assert [one["other_receipts"] for one in answers] == [[]] * WRITERS
    found = {
        (recorded.stream_id, recorded.stream_version): str(recorded.event_id)
        for n in range(STREAMS)
        for recorded in store.read_stream(f"race-{n}")
    }
    assert found == won
    for stream_id, length in Counter(stream_id for stream_id, _ in won).items():
        versions = [recorded.stream_version for recorded in store.read_stream(stream_id)]
        assert versions == list(range(1, length + 1))
        assert store.stream_version(stream_id) == length


def duels(writers: list[Child], store: EventStore, rounds: int) -> None:
    """All append at once under the same version: one succeeds, all others conflict."""
    for before in range(rounds):
        for writer in writers:
            writer.tell(do="duel", stream_id="duel-1", expected_version=before)
        answers = [writer.hear() for writer in writers]
        winners = [one for one in answers if "won" in one]
        assert [one["won"] for one in winners] == [before + 1]
        loss = {"stream_id": "duel-1", "expected": before, "actual": before + 1}
        assert [one for one in answers if "won" not in one] == [loss] * (WRITERS - 1)
        last = next(store.read_stream("duel-1", backwards=True))
        assert str(last.event_id) == winners[0]["event_id"]


def test_one_fact_said_by_many_at_once(database_url: str, store: EventStore) -> None:
    """To one stream all get the same receipt; to streams of their own one is recorded."""
    stores = [open_store(database_url) for _ in range(6)]
    with ThreadPoolExecutor(len(stores)) as pool:
        for n in range(15):
            same = said(1 + n % 2)
            receipts = list(pool.map(lambda one: one.append(f"same-{n}", same), stores))  # noqa: B023
            assert receipts == [receipts[0]] * len(stores)
            torn = said(1 + n % 2)
            outcomes = list(pool.map(try_append, stores, range(len(stores)), [torn] * len(stores)))
            recorded = store.read_event(torn[0].event_id)
            assert recorded is not None
            assert sorted(map(str, outcomes)) == sorted(
                ["recorded", *[f"another stream: {recorded.stream_id}"] * (len(stores) - 1)]
            )
    for one in stores:
        one.close()
    ids = [recorded.event_id for recorded in store.read_all()]
    assert len(set(ids)) == len(ids)
    lengths = {one.stream_id: one.stream_version for one in store.read_all()}
    assert sum(lengths.values()) == len(ids)


def try_append(store: EventStore, number: int, events: list[Said]) -> str:
    try:
        store.append(f"torn-{number}", events)
    except DuplicateEventId as error:
        return f"{error.reason}: {error.recorded_in}"
    return "recorded"
