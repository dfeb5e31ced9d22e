"""A closed stream takes no more events, and still answers for those that it has."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from eventstore import ANY, NO_STREAM, STREAM_EXISTS, Append, Claim, EventStore
from eventstore.connection.database import Connection
from eventstore.errors import StreamClosed
from eventstore.guards import Guards
from tests.integration.log.facts import Said, said

MOMENT = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def closed(store: EventStore, admin: Connection) -> EventStore:
    """A store whose stream s-1 is closed after two events, and s-2 is open."""
    store.append("s-1", said(2))
    store.append("s-2", said(2))
    admin.execute("UPDATE eventstore.streams SET closed_at = %s WHERE stream_id = 's-1'", [MOMENT])
    return store


def test_a_closed_stream_refuses(closed: EventStore) -> None:
    for expected, count in product((ANY, STREAM_EXISTS, NO_STREAM, 1, 2), (1, 2)):
        with pytest.raises(StreamClosed, match="stream s-1 is closed since") as caught:
            closed.append("s-1", said(count), expected_version=expected)
        assert caught.value.facts == {"stream_id": "s-1", "closed_at": MOMENT}
        assert closed.stream_version("s-1") == 2


def test_an_append_to_several_streams_is_refused_whole(closed: EventStore) -> None:
    for guards in (None, Guards(claims=(Claim("name", "x"),))):
        request = closed.prepare([Append("s-2", said(1)), Append("s-1", said(1))], guards)
        with pytest.raises(StreamClosed):
            closed.writer.append(request)
    assert closed.stream_version("s-2") == 2


def test_others_of_the_same_batch_go_on(closed: EventStore) -> None:
    futures = closed.writer.submit_many(
        [closed.prepare([Append(stream_id, [Said()])]) for stream_id in ("s-1", "s-2", "s-1")]
    )
    outcomes = [future.exception(timeout=30) for future in futures]
    assert [type(outcome) for outcome in outcomes] == [StreamClosed, type(None), StreamClosed]
    assert closed.stream_version("s-2") == 3


def test_a_repeat_answers_with_the_first_receipt(store: EventStore, admin: Connection) -> None:
    said_before = [("s-1", said(1)), ("s-2", said(3))]
    first = [store.append(*each) for each in said_before]
    admin.execute("UPDATE eventstore.streams SET closed_at = now()")
    again = [store.append(*each, expected_version=NO_STREAM) for each in said_before]
    assert again == first


def test_a_reopened_stream_goes_on(closed: EventStore, admin: Connection) -> None:
    admin.execute("UPDATE eventstore.streams SET closed_at = NULL")
    assert closed.append("s-1", [Said()], expected_version=2).stream_version == 3
