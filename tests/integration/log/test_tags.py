"""Tags are recorded with their events, and looked up in a table beside the log."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from eventstore import Append, Claim, EventStore
from eventstore.connection.database import Connection
from eventstore.errors import InvalidEvent
from eventstore.guards import Guards
from eventstore.limits import MAX_TAG, MAX_TAGS
from tests.integration.log import raw_append
from tests.integration.log.facts import OF_EVERY_CLASS, Said, said
from tests.integration.log.test_protection import BODY, call


def rows(admin: Connection) -> list[tuple[Any, ...]]:
    query = "SELECT tag, position, event_type FROM eventstore.event_tags ORDER BY tag, position"
    return admin.execute(query).fetchall()


def test_tags_are_recorded_with_their_events(store: EventStore, admin: Connection) -> None:
    kinds = [kind() for kind in OF_EVERY_CLASS]
    _, tagged = store.append_many(
        [Append("s-1", said(2)), Append("s-2", kinds, tags=["b:2", "a:é"])]
    )
    [lone] = store.append_many([Append("s-1", said(1), tags=["b:2"])])
    wanted = [()] * 2 + [("a:é", "b:2")] * len(kinds) + [("b:2",)]
    assert [recorded.tags for recorded in store.read_all()] == wanted
    assert [recorded.tags for recorded in store.read_stream("s-1")] == [(), (), ("b:2",)]
    types = [kind.event_type for kind in OF_EVERY_CLASS]
    pairs = list(zip(tagged.positions, types, strict=True))
    assert rows(admin) == [
        *(("a:é", *pair) for pair in pairs),
        *(("b:2", *pair) for pair in [*pairs, (lone.position, Said.event_type)]),
    ]


def test_a_repeat_records_no_tag_again(store: EventStore, admin: Connection) -> None:
    append = Append("s-1", said(1), tags=["a:1"])
    first = store.append_many([append])
    before = rows(admin)
    assert store.append_many([append]) == first
    assert rows(admin) == before


def test_a_guarded_append_has_tags(store: EventStore, admin: Connection) -> None:
    request = store.prepare(
        [Append("s-1", said(1), tags=["a:1"])], Guards(claims=(Claim("name", "x"),))
    )
    [receipt] = store.writer.append(request)
    assert rows(admin) == [("a:1", receipt.position, Said.event_type)]


def test_as_many_tags_as_there_may_be(store: EventStore, admin: Connection) -> None:
    tags = [f"{number:02}:".ljust(MAX_TAG, "é") for number in range(MAX_TAGS)]
    store.append_many([Append("s-1", said(1), tags=tags)])
    [recorded] = store.read_all()
    assert recorded.tags == tuple(tags)
    assert len(rows(admin)) == MAX_TAGS


@pytest.mark.parametrize(
    "tags", ["a:1", b"a", {"a"}, [""], ["a\n"], [1], ["a", "a"], ["x" * (MAX_TAG + 1)],
             [str(number) for number in range(MAX_TAGS + 1)]],
)  # fmt: skip
def test_what_is_no_tag_is_refused(shared: EventStore, tags: Any) -> None:
    with pytest.raises(InvalidEvent, match="tags"):
        shared.append_many([Append("s-1", [Said()], tags=tags)])


WRONG = [
    '["a","a"]', '[""]', "[null]", "[]", '[["a"],["b"]]', f'["{"x" * (MAX_TAG + 1)}"]',
    str([str(number) for number in range(MAX_TAGS + 1)]).replace("'", '"'),
]  # fmt: skip


def test_the_database_refuses_them_too(store: EventStore, appender: Connection) -> None:
    for tags in WRONG:
        tagged = BODY % f',"x":{tags}'
        wrong = call(bodies=f"[{BODY % ''},{tagged}]")
        with pytest.raises((psycopg.errors.DataError, psycopg.errors.UniqueViolation)):
            raw_append.call(appender, wrong)
        assert list(store.read_all()) == [], tags
