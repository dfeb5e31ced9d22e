"""The check of conditions: each held where its append stands in the log."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import orjson

from eventstore import EventStore, Query, RecordedEvent
from tests.integration.log.processes import Child


def race(writers: Sequence[Child], store: EventStore, writes: int, after: int = 0) -> None:
    """All write at once, so often; then the log after that is judged, and what they were told."""
    for writer in writers:
        writer.tell(do="race", writes=writes)
    answers = [writer.hear() for writer in writers]
    assert all(one["wins"] for one in answers), "a writer got nothing in"
    others = [one["other_receipts"] for one in answers]
    assert not any(others), f"repeats were given other receipts: {others}"
    refused = [tuple(each) for one in answers for each in one["refused"]]
    assert refused, "nobody was refused, so nothing was contended"
    judge(list(store.read_all(after)), refused)


def judge(log: Sequence[RecordedEvent], refused: Sequence[tuple[Any, int, int, str]] = ()) -> None:
    """Fails for an append that stands behind an event that it excluded, and for a false refusal."""
    before = _Log()
    together: dict[Any, int] = {}
    for recorded in log:
        said = orjson.loads(recorded.metadata).get("condition")
        # The events of one call were recorded at one moment, and don't exclude each other.
        begin = together.setdefault(recorded.recorded_at, recorded.position)
        if said is not None:
            there = before.first(query(said["unless"]), said["after"], begin)
            assert there is None, (
                f"position {recorded.position} was appended unless there is {said}, "
                f"but there is {there.event_type} at {there.position} with {there.tags}"
            )
        before.add(recorded)
    for items, after, position, event_type in refused:
        there = before.first(query(items), after)
        assert there is not None, f"nothing is {items} after {after}"
        assert (there.position, there.event_type) == (position, event_type), (
            f"refused for {event_type} at {position}, but the first that is {items} after {after} "
            f"is {there.event_type} at {there.position}"
        )


def query(items: Any) -> Query:
    """The query that was said as JSON."""
    return Query.any(*(Query(types=each["types"] or (), tags=each["tags"] or ()) for each in items))


class _Log:
    """Events by tag, to be searched as the database is not: from the pure meaning of a query."""

    def __init__(self) -> None:
        self._by_tag: dict[str, list[RecordedEvent]] = defaultdict(list)

    def add(self, recorded: RecordedEvent) -> None:
        for tag in recorded.tags:
            self._by_tag[tag].append(recorded)

    def first(self, wanted: Query, after: int, until: int = 2**62) -> RecordedEvent | None:
        """The first event that a query means, after a position and before another."""
        found = [
            recorded
            for item in wanted.items
            for recorded in self._after(item.tags[0], after, until)
            if wanted.matches(recorded.event_type, recorded.tags)
        ]
        return min(found, key=lambda recorded: recorded.position, default=None)

    def _after(self, tag: str, after: int, until: int) -> list[RecordedEvent]:
        events = self._by_tag[tag]
        start = bisect_right(events, after, key=lambda recorded: recorded.position)
        return [recorded for recorded in events[start:] if recorded.position < until]
