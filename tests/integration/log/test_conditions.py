"""Appends on condition: refused when there is an event that must not be there."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from eventstore import (
    NO_STREAM,
    Append,
    AsyncEventStore,
    Claim,
    Command,
    Decision,
    EventStore,
    Query,
)
from eventstore.append import Receipt
from eventstore.command import State
from eventstore.connection.database import Connection, connect, translated
from eventstore.errors import (
    ConcurrencyConflict,
    ConditionFailed,
    DuplicateEventId,
    InvalidEvent,
    PositionNotReady,
    ValueTaken,
)
from eventstore.guards import Guards
from eventstore.limits import MAX_ITEMS
from tests.integration.log import raw_append
from tests.integration.log.facts import FACTS, Asked, Said, open_store, said
from tests.integration.log.raw_append import append_all
from tests.integration.log.test_protection import BODY, call


@pytest.fixture
def tag() -> str:
    """A tag that no other test of the module uses."""
    return f"name:{uuid4()}"


def test_one_that_is_there_refuses(shared: EventStore, tag: str) -> None:
    query = Query(types=[Said], tags=[tag])
    first = shared.append(f"a-{tag}", [Said()], tags=[tag, "x"], fail_if_any=query)
    with pytest.raises(ConditionFailed, match=f"log.said at position {first.position}") as caught:
        shared.append(f"b-{tag}", [Said()], tags=[tag], fail_if_any=query)
    assert caught.value.facts == {
        "query": query, "after": 0, "position": first.position, "event_type": "log.said",
    }  # fmt: skip
    assert shared.stream_version(f"b-{tag}") == 0
    shared.append(f"b-{tag}", [Said()], tags=[tag])  # without a condition


def test_it_says_the_first_event_after_the_position(shared: EventStore, tag: str) -> None:
    query = Query(tags=[tag])
    receipts = [shared.append(f"a-{tag}", [Said()], tags=[tag]) for _ in range(3)]
    for after, there in ((0, 0), (receipts[0].position, 1), (receipts[1].position, 2)):
        with pytest.raises(ConditionFailed) as caught:
            shared.append(f"b-{tag}", [Said()], fail_if_any=query, after=after)
        assert caught.value.position == receipts[there].position
    shared.append(f"b-{tag}", [Said()], fail_if_any=query, after=receipts[2].position)


@pytest.mark.parametrize(
    ("types", "tags", "refused"),
    [
        ((), "1", True),
        ((), "12", True),
        ((), "123", False),
        ((), "3", False),
        ((Said,), "12", True),
        ((Asked, Said), "2", True),
        ((Asked,), "1", False),
        (("log.none",), "1", False),
    ],
)
def test_an_item_means_one_of_its_types_with_all_of_its_tags(
    shared: EventStore, tag: str, types: tuple[Any, ...], tags: str, refused: bool
) -> None:
    shared.append(f"a-{tag}", [Said()], tags=[f"{tag}1", f"{tag}2"])
    query = Query(types=types, tags=[tag + each for each in tags])
    try:
        shared.append(f"b-{tag}", [Said()], fail_if_any=query)
    except ConditionFailed:
        assert refused
    else:
        assert not refused


def test_any_of_several_items_refuses(shared: EventStore, tag: str) -> None:
    query = Query(tags=[f"{tag}1"]) | Query(types=[Asked], tags=[f"{tag}2"])
    shared.append(f"b-{tag}", [Said()], tags=[f"{tag}2"], fail_if_any=query)
    shared.append(f"a-{tag}", [Asked()], tags=[f"{tag}2"])
    with pytest.raises(ConditionFailed, match=r"log\.asked"):
        shared.append(f"b-{tag}", [Said()], fail_if_any=query)


@pytest.mark.parametrize("count", [1, 3])
def test_the_same_again_gives_the_first_receipt(shared: EventStore, tag: str, count: int) -> None:
    events, query = said(count), Query(tags=[tag])
    first = shared.append(f"a-{tag}", events, tags=[tag], fail_if_any=query)
    for again in ({"fail_if_any": query}, {"fail_if_any": Query(tags=["x"])}, {}):
        assert shared.append(f"a-{tag}", events, tags=[tag], **again) == first  # type: ignore[arg-type]
    with pytest.raises(DuplicateEventId):
        shared.append(f"b-{tag}", events, fail_if_any=Query(tags=[f"{tag}-none"]))


def test_conditions_of_several_appends_are_judged_before_all(shared: EventStore, tag: str) -> None:
    """An append does not stand in the way of another one of the same request."""
    queries = [Query(tags=[f"{tag}{n}"]) for n in range(3)]
    parts = [
        Append(f"s{n}-{tag}", said(2), tags=[f"{tag}0", f"{tag}1"], fail_if_any=query)
        for n, query in enumerate(queries)
    ]
    receipts = shared.append_many(parts)
    assert shared.append_many(parts) == receipts
    late = [
        Append(part.stream_id, said(1), fail_if_any=part.fail_if_any, after=after)
        for part, after in zip(parts, (receipts[2].position, 0, 0), strict=True)
    ]
    with pytest.raises(ConditionFailed) as caught:
        shared.append_many(late)
    assert caught.value.query == queries[1]
    assert [shared.stream_version(part.stream_id) for part in parts] == [2, 2, 2]


def test_a_condition_goes_with_an_expected_version_and_claims(shared: EventStore, tag: str) -> None:
    query = Query(tags=[tag])
    with pytest.raises(ConcurrencyConflict):
        shared.append(f"a-{tag}", said(1), expected_version=3, tags=[tag], fail_if_any=query)
    claimed = Guards(claims=(Claim("name", tag),))
    append = Append(f"a-{tag}", said(1), NO_STREAM, tags=[tag], fail_if_any=query)
    shared.writer.append(shared.prepare([append], claimed))
    other = Append(f"b-{tag}", said(1), fail_if_any=Query(tags=[f"{tag}-none"]))
    with pytest.raises(ValueTaken):
        shared.writer.append(shared.prepare([other], claimed))
    with pytest.raises(ConditionFailed):
        shared.append(f"b-{tag}", said(1), fail_if_any=query)


def test_others_of_the_same_queue_go_on(shared: EventStore, tag: str) -> None:
    """Each condition is sent by itself, between batches, in the order of the calls."""
    query = Query(tags=[tag])
    plain = Append(f"a-{tag}", said(1), tags=[tag])
    appends = [
        Append(f"c-{tag}", said(1), tags=[tag], fail_if_any=query), plain,
        Append(f"b-{tag}", said(1), fail_if_any=query), Append(f"a-{tag}", said(1)),
    ]  # fmt: skip
    futures = shared.writer.submit_many([shared.prepare([each]) for each in appends])
    outcomes = [type(future.exception(timeout=30)).__name__ for future in futures]
    assert outcomes == ["NoneType", "NoneType", "ConditionFailed", "NoneType"]
    assert shared.stream_version(f"a-{tag}") == 2


def test_an_import_does_not_pass_over_a_condition(shared: EventStore, tag: str) -> None:
    conditional = Append(f"a-{tag}", said(1), tags=[tag], fail_if_any=Query(tags=["none"]))
    imported = shared.import_events([conditional, Append(f"b-{tag}", said(1), tags=[tag])])
    assert (imported.new, imported.refused) == (1, 1)
    assert shared.stream_version(f"a-{tag}") == 0


def test_tasks_have_conditions_too(database_url: str) -> None:
    async def run() -> list[str]:
        query = Query(tags=["name:ann"])

        async def name(store: AsyncEventStore, number: int) -> str:
            try:
                receipt = await store.append(
                    f"member-{number}", [Said()], tags=["name:ann"], fail_if_any=query
                )
            except ConditionFailed as error:
                return type(error).__name__
            return type(receipt).__name__

        async with await AsyncEventStore.open(database_url, registry=FACTS) as store:
            with store.context(agent="clerk"):
                outcomes = await asyncio.gather(*(name(store, n) for n in range(8)))
            [winner] = await store.read_all(query=query)
            assert winner.agent == "clerk"
        return sorted(outcomes)

    assert asyncio.run(run()) == ["ConditionFailed"] * 7 + ["Receipt"]


class Name(Command):
    """Decides without reading whether the name is free: the log says it."""

    member: str
    name: str

    def reads(self) -> dict[str, State]:
        return {f"member-{self.member}": Nobody()}

    def decide(self, nobody: State) -> Decision:
        tags = [f"name:{self.name}"]
        return Decision([Said(text=self.name)], tags=tags, fail_if_any=Query(tags=tags))


class Nobody:
    def after(self, event: object) -> Nobody:
        return self


def test_a_decision_has_tags_and_a_condition(store: EventStore) -> None:
    command = Name(member="1", name="ann")
    first: Receipt = store.execute(command)
    assert [recorded.tags for recorded in store.read_stream("member-1")] == [("name:ann",)]
    with pytest.raises(ConditionFailed):
        store.execute(Name(member="2", name="ann"))
    assert store.execute(command) == first


def test_a_tenant_s_events_are_in_nobody_else_s_way(store: EventStore, database_url: str) -> None:
    query = Query(tags=["name:ann"])
    store.append("a-1", said(1), tags=["name:ann"])
    with open_store(database_url, "other") as other:
        other.append("a-1", said(1), tags=["name:ann"], fail_if_any=query)
        assert len(list(other.read_all(query=query))) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"fail_if_any": Query(types=[Said])},
        {"fail_if_any": Query(types=[Said]) | Query(tags=["x"])},
        {"fail_if_any": "x"},
        {"fail_if_any": Query(tags=["x"]), "after": -1},
        {"fail_if_any": Query(tags=["x"]), "after": True},
        {"fail_if_any": Query(tags=["x"]), "after": 2**63},
        {"after": 3},
    ],
)
def test_what_is_no_condition_is_refused(shared: EventStore, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidEvent, match=r"fail_if_any|after"):
        shared.append("s-1", said(1), **wrong)


def test_conditions_are_bounded(shared: EventStore) -> None:
    queries = [Query(tags=[f"{n}"]) for n in range(MAX_ITEMS)]
    with pytest.raises(InvalidEvent, match="items"):
        Query.any(*queries, Query(tags=["x"]))
    most = Append("s-most", said(1), fail_if_any=Query.any(*queries))
    shared.append_many([most])
    with pytest.raises(InvalidEvent, match="items"):
        shared.append_many([most, Append("s-1", said(1), fail_if_any=queries[0])])


CONDITION = '[{"query":[{"types":null,"tags":["a"]}],"after":0}]'


WRONG = [
    CONDITION.replace('["a"]', "null"),
    CONDITION.replace('["a"]', "[]"),
    CONDITION.replace('["a"]', '["a",null]'),
    CONDITION.replace('["a"]', '[["a"]]'),
    CONDITION.replace('[{"types":null,"tags":["a"]}]', "[]"),
    CONDITION.replace('[{"types":null,"tags":["a"]}]', "null"),
    CONDITION.replace(":0", ":null"),
    CONDITION.replace(',"after":0', ""),
    "[" + ",".join([CONDITION[1:-1]] * (MAX_ITEMS + 1)) + "]",
    "[{}]",
    "{}",
    "[1]",
]


def test_the_database_refuses_it_too(store: EventStore, appender: Connection) -> None:
    decided = "SELECT eventstore.append_decided(%s, %s, %s, %s, %s, %s, %s, %s, "
    decided += "'{}', '{}', '[]', '[]', %s)"
    arguments = [*call().values()]
    for conditions in WRONG:
        with pytest.raises(psycopg.errors.DataError):
            appender.execute(decided, [*arguments, conditions])
        assert list(store.read_all()) == []
    appender.execute(decided, [*arguments, CONDITION])


def test_a_condition_needs_new_snapshots(database_url: str) -> None:
    conditional = Append("a-1", said(1), fail_if_any=Query(tags=["x"]))
    with connect(database_url, role="appender", tenant="default") as connection:
        for level in ("REPEATABLE READ", "SERIALIZABLE"):
            connection.execute(f"SET default_transaction_isolation = '{level}'")
            with pytest.raises(PositionNotReady), translated():
                append_all(connection, [conditional])


def test_tags_that_are_spelled_past_the_locks_are_refused(
    store: EventStore, appender: Connection
) -> None:
    odd = BODY % r',"\u0078":["a"]'
    with pytest.raises(psycopg.errors.DataError, match="tags"):
        raw_append.call(appender, call(bodies=f"[{BODY % ''},{odd}]"))
    assert list(store.read_all()) == []
