"""What belongs together: runs, and the streams of a run or a tag."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from eventstore import Append, EventStore
from eventstore.streams import LinkedStream, links
from eventstore.wire import arguments
from tests.integration.log import raw_append
from tests.integration.log.facts import said

RUNS = [uuid4() for _ in range(12)]


@pytest.fixture
def three_rounds(store: EventStore) -> EventStore:
    """Runs that take turns: the first three rounds of 12, the last events in a mixed order."""
    for n, run in enumerate(RUNS):
        store.append(f"a-{n}", said(2), correlation_id=run)
    for n in (5, 1, 0, 7):
        store.append("b", said(1), correlation_id=RUNS[n])
    return store


NEWEST_FIRST = [7, 0, 1, 5, 11, 10, 9, 8, 6, 4, 3, 2]


@pytest.mark.parametrize("window", [1, 3, 1_000])
def test_runs_are_listed_by_their_last_event(
    three_rounds: EventStore, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(links, "FIRST_WINDOW", window)
    found = list(three_rounds.streams.runs())
    assert [each.correlation_id for each in found] == [RUNS[n] for n in NEWEST_FIRST]
    for run in found:
        events = list(three_rounds.read_correlation(run.correlation_id))
        assert (run.events, run.first_position, run.last_position, run.last_recorded_at) == (
            len(events), events[0].position, events[-1].position, events[-1].recorded_at,
        )  # fmt: skip
    paged: list[UUID] = []
    before = None
    while page := list(three_rounds.streams.runs(before=before, limit=5)):
        paged += [each.correlation_id for each in page]
        before = page[-1].last_position
    assert paged == [RUNS[n] for n in NEWEST_FIRST]


def test_no_run_is_listed_twice_or_lost_while_it_goes_on(
    three_rounds: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "FIRST_WINDOW", 2)
    walking = three_rounds.streams.runs()
    first = next(walking)
    three_rounds.append("b", said(1), correlation_id=RUNS[2])
    rest = [each.correlation_id for each in walking]
    assert [first.correlation_id, *rest] == [RUNS[n] for n in NEWEST_FIRST]


def test_a_long_silence_is_crossed_in_growing_steps(
    store: EventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of this tenant: positions are taken by others meanwhile."""
    store.append("a-1", said(1), correlation_id=RUNS[0])
    with store.database.writer() as other:
        append = arguments("another", [store.prepare([Append("x-1", said(2_000))])])
        other.execute("SET eventstore.tenant = 'another'")
        raw_append.call(other, append)
    asked: list[int] = []
    plain = links._rows

    def counted(*arguments: Any) -> list[tuple[Any, ...]]:
        asked.append(1)
        return plain(*arguments)

    monkeypatch.setattr(links, "_rows", counted)
    monkeypatch.setattr(links, "FIRST_WINDOW", 1)
    assert [each.correlation_id for each in store.streams.runs()] == [RUNS[0]]
    assert len(asked) <= 12


def test_a_limit_of_nothing(three_rounds: EventStore) -> None:
    assert list(three_rounds.streams.runs(limit=0)) == []
    assert list(three_rounds.streams.runs(before=1)) == []


def test_the_streams_of_a_run_and_of_a_tag(store: EventStore) -> None:
    run = uuid4()
    tagged = [
        Append("a-1", said(2), correlation_id=run, tags=["package:7f3a", "urgent"]),
        Append("b-1", said(1), correlation_id=run),
        Append("c-1", said(1), tags=["urgent"]),
        Append("a-1", said(1), correlation_id=run),
    ]
    for append in tagged:
        store.append_many([append])
    assert store.streams.of_correlation(run) == [
        LinkedStream("a-1", 3, 1, 5),
        LinkedStream("b-1", 1, 3, 3),
    ]
    assert store.streams.of_correlation(run, limit=1) == [LinkedStream("a-1", 3, 1, 5)]
    assert store.streams.of_tag("urgent") == [
        LinkedStream("a-1", 2, 1, 2),
        LinkedStream("c-1", 1, 4, 4),
    ]
    assert store.streams.of_tag("package:7f3a") == [LinkedStream("a-1", 2, 1, 2)]
    assert store.streams.of_tag("package") == store.streams.of_correlation(uuid4()) == []
