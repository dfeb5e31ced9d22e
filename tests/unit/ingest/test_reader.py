"""Runs as they come out of a reader: whole, one at a time, within limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from uuid import UUID, uuid4

import pytest

from eventstore.append import Append
from eventstore.errors import InvalidEvent
from eventstore.ingest import inspect_log, tau_bench
from eventstore.ingest.reader import BrokenFile, BrokenRecord, Reader, one_by_one
from eventstore.ingest.runs import Run, runs
from eventstore.limits import MAX_EVENTS_PER_CALL
from eventstore.vocabulary.trust import SessionPaused
from tests.recorded_runs import inspect_log as a_log
from tests.recorded_runs import sample, trial

ONE, TWO = UUID(int=1), UUID(int=2)


def said(run: UUID | None, events: int = 1) -> Append:
    event = SessionPaused(session_id=ONE)
    return Append("session-1", [event.with_id(uuid4()) for _ in range(events)], correlation_id=run)


def kinds(found: Iterator[Run | Append | BrokenRecord]) -> list[object]:
    return [
        (each.correlation_id, each.events) if isinstance(each, Run) else type(each)
        for each in found
    ]


def test_a_run_ends_where_another_begins_or_something_is_broken() -> None:
    broken = BrokenRecord("no", "3")
    records: list[Append | BrokenRecord] = [
        said(None),
        said(ONE),
        said(ONE, 2),
        said(TWO),
        broken,
        said(ONE),
        said(None),
    ]
    assert kinds(runs(records)) == [
        Append, (ONE, 3), (TWO, 1), BrokenRecord, (ONE, 1), Append,
    ]  # fmt: skip


def test_an_error_of_the_reader_drops_the_run_that_was_under_way() -> None:
    def reading() -> Iterator[Append]:
        yield from [said(ONE), said(TWO)]
        raise BrokenFile("broke off")

    found = runs(reading())
    assert kinds([next(found)]) == [(ONE, 1)]  # type: ignore[arg-type]
    with pytest.raises(BrokenFile):
        next(found)


def test_a_run_that_is_too_long_for_one_call_is_refused_and_not_kept() -> None:
    records = [said(ONE, MAX_EVENTS_PER_CALL), said(ONE), said(TWO)]
    refused, told = runs(records)
    assert isinstance(refused, BrokenRecord)
    assert "has 10,001 events" in refused.reason
    assert isinstance(told, Run)


def test_each_record_is_told_whole_or_not_at_all() -> None:
    def tell(number: int) -> Iterator[Append]:
        yield said(UUID(int=number))
        if number == 2:
            raise InvalidEvent("must not be 2", path="number")

    found = list(one_by_one([1, 2, 3], tell, "numbers"))
    assert [str(e) if isinstance(e, BrokenRecord) else e.correlation_id for e in found] == [
        UUID(int=1), "numbers.1.number: must not be 2", UUID(int=3),
    ]  # fmt: skip


LONG = [
    (tau_bench.reader, [trial(number=number, filler="x" * 10_000) for number in range(300)]),
    (inspect_log.reader, a_log(*[sample(n, filler="x" * 10_000) for n in range(1, 60)])),
]


@pytest.mark.parametrize(("reader", "document"), LONG)
def test_a_long_file_is_read_as_its_runs_are_taken(reader: Reader, document: object) -> None:
    file = BytesIO(json.dumps(document).encode())
    found = (each for each in runs(reader.read(file, "long.json")) if isinstance(each, Run))
    next(found)
    assert file.tell() < len(file.getvalue()) / 2
    assert sum(1 for _ in found) > 50
