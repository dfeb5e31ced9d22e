"""Threads that wait for one batch let each other through, whoever of them has left meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from eventstore import Append
from eventstore.append import Request, prepare
from eventstore.writing.batch import tell
from eventstore.writing.pending import Blocked
from tests.integration.log.facts import FACTS, Said


@pytest.fixture(scope="module")
def request_() -> Request:
    return prepare([Append("s-1", [Said()])], registry=FACTS)


def waiting(request: Request, count: int, seconds: float = 20) -> list[Blocked]:
    return [Blocked(request, monotonic() + seconds) for _ in range(count)]


def test_all_threads_of_a_batch_come_through(request_: Request) -> None:
    batch = waiting(request_, 50)
    with ThreadPoolExecutor(50) as pool:
        through = [pool.submit(pending.wait) for pending in batch]
        tell([(pending, []) for pending in batch])
        assert all(one.result(20) for one in through)


@pytest.mark.parametrize("gone", [{0}, {1}, {1, 2}, {0, 1, 2}, {3}])
def test_who_has_left_is_passed_over(
    request_: Request, gone: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventstore.writing.batch._GATES", 1)
    batch = waiting(request_, 4)
    for number in gone:
        batch[number].deadline = 0
        assert not batch[number].wait()
    tell([(pending, []) for pending in batch])
    assert all(batch[number].wait() for number in range(4) if number not in gone)


def test_leaving_while_the_gate_opens(request_: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either it comes through or it has left; in both cases the next one comes through."""
    monkeypatch.setattr("eventstore.writing.batch._GATES", 1)
    with ThreadPoolExecutor(1) as pool:
        for number in range(500):
            first, last = waiting(request_, 2)
            first.deadline = monotonic() + number % 10 * 1e-5
            leaving = pool.submit(first.wait)
            tell([(first, []), (last, [])])
            leaving.result()
            assert last.wait()
