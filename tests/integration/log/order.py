"""The check of order: what readers got against what appenders committed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Event as Signal

from eventstore import EventStore
from tests.integration.log.processes import Child

Read = Callable[[], list[int]]
"""Gives the positions that come after those it gave before, at once."""


def assert_exactly_once(delivered: Sequence[int], committed: Sequence[int]) -> None:
    """Every committed event was delivered, once, in order, and nothing else was."""
    assert len(set(committed)) == len(committed), "two events have one position"
    missing = sorted(set(committed) - set(delivered))
    assert not missing, f"skipped {len(missing)} of {len(committed)} events: {missing[:10]}"
    wrong = [(one, other) for one, other in pairwise(delivered) if one >= other]
    assert not wrong, f"delivered twice or out of order: {wrong[:10]}"
    assert set(delivered) == set(committed), "events were delivered that nobody committed"


def subscription(store: EventStore, limit: int, after: int = 0) -> Read:
    """Reads as a consumer does that keeps its checkpoint."""
    subscribed = store.subscribe(after)
    return lambda: [recorded.position for recorded in subscribed.fetch(limit)]


def scan(store: EventStore, after: int = 0) -> Read:
    """Reads as a consumer does that asks for everything after the last event it saw."""
    last = after

    def read() -> list[int]:
        nonlocal last
        found = [recorded.position for recorded in store.read_all(after=last)]
        last = found[-1] if found else last
        return found

    return read


def run_check(
    appenders: Sequence[Child], readers: Sequence[Read], events: int, batch: int, pause: float
) -> int:
    """Appenders commit that many events in all while readers poll.

    Fails unless each reader got each event exactly once. Returns how many were committed.
    """
    over = Signal()
    with ThreadPoolExecutor(len(readers)) as pool:
        polls = [pool.submit(poll, read, over) for read in readers]
        try:
            for appender in appenders:
                appender.tell(events=events // len(appenders), batch=batch, pause=pause)
            committed = [position for appender in appenders for position in appender.hear()]
        finally:
            over.set()
        for one in polls:
            assert_exactly_once(one.result(), committed)
    return len(committed)


def poll(read: Read, over: Signal) -> list[int]:
    """Reads without pause, until there is nothing more after the appenders ended."""
    delivered: list[int] = []
    while True:
        last_round = over.is_set()
        found = read()
        delivered += found
        if last_round and not found:
            return delivered
