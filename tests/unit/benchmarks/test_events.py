from __future__ import annotations

from itertools import islice

from benchmarks.events import EVENTS_A_STREAM, PAYLOAD, PAYLOAD_BYTES, step, stream_ids
from eventstore.encoding.codec import encode


def test_the_payload_is_as_long_as_the_page_says() -> None:
    assert PAYLOAD_BYTES == len(PAYLOAD.encode()) == len(encode(step())) == 300


def test_a_stream_ends_after_so_many_events() -> None:
    names = list(islice(stream_ids("w"), 3 * EVENTS_A_STREAM))
    assert [names.count(each) for each in dict.fromkeys(names)] == [EVENTS_A_STREAM] * 3
