"""Streams that processes close, reopen and append to, all at once."""

from __future__ import annotations

import pytest

from eventstore import EventStore
from tests.integration.log.facts import open_store, said
from tests.integration.log.processes import children
from tests.integration.log.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120)]


STREAMS = ["life-0", "life-1"]


def test_every_stream_is_what_its_events_say(database_url: str) -> None:
    """Also where processes are killed as they close: replayed, a stream is what its row says."""
    with open_store(database_url) as store:
        start = store.watermark()
        for stream_id in STREAMS:
            store.append(stream_id, said(1))
        with children(4, "closing_process", database_url) as started:
            for child in started:
                child.tell(streams=STREAMS, rounds=100)
            until(lambda: store.watermark() > start + 100)
            started[0].process.kill()
            answers = [child.hear() for child in started[1:]]
        assert sum(each["closed"] for each in answers) > 10
        assert sum(each["refused"] for each in answers) > 10
        acknowledged = {position for each in answers for position in each["positions"]}
        stored = {each.position for name in STREAMS for each in store.read_stream(name, 2)}
        assert acknowledged <= stored
        for stream_id in STREAMS:
            assert_lived(store, stream_id)


def assert_lived(store: EventStore, stream_id: str) -> None:
    """Between a closing and a reopening is nothing, and no stream is reopened that was open."""
    closed = False
    for recorded in store.read_stream(stream_id):
        assert closed == (recorded.event_type == "stream.reopened"), recorded
        closed = recorded.event_type == "stream.closed"
    assert store.streams.info(stream_id).closed == closed
