"""Which events are held, case by case; the laws are among the properties."""

from __future__ import annotations

from uuid import UUID

import pytest

from eventstore import Event, RecordedEvent
from projections.apply.holding import MAX_HELD, Held, Holding, named
from projections.errors import EventNotApplied
from projections.projection import Projection, Rows, on
from projections.row import Row, table
from projections.testing import given, recorded

A, B, C = (UUID(int=n) for n in (0xA, 0xB, 0xC))


class Filled(Event, event_type="holding.filled"):
    jar_id: UUID
    from_jar_id: UUID | None = None
    litres: int


class Emptied(Event, event_type="holding.emptied"):
    jar_id: UUID


class Admired(Event, event_type="holding.admired"):
    jar_id: UUID


@table("jars", key="id", named_by=("jar_id", "from_jar_id"))
class Jar(Row):
    id: UUID
    litres: int


class Jars(Projection, name="jars", tables=(Jar,)):
    @on(Filled)
    def filled(self, event: Filled, recorded: RecordedEvent, rows: Rows) -> None:
        if event.litres < 0:
            raise ValueError("less than nothing")
        if event.from_jar_id is not None:
            rows.get(Jar, event.from_jar_id).litres -= event.litres
        jar = rows.find(Jar, event.jar_id)
        if jar is None:
            rows.add(Jar(id=event.jar_id, litres=event.litres))
        else:
            jar.litres += event.litres

    @on(Emptied)
    def emptied(self, event: Emptied, recorded: RecordedEvent, rows: Rows) -> None:
        rows.get(Jar).litres = 0


def key(jar: UUID) -> str:
    return f'["jars","default","{jar}"]'


BAD = Filled(jar_id=A, litres=-1)


def fold(holding: Holding, *events: RecordedEvent) -> list[object]:
    """For each event what became of it: True, or for what it waits."""
    state = Jars().empty()
    return [
        outcome.behind if isinstance(outcome, Held) else True
        for outcome in (holding.apply(Jars(), state, each) for each in events)
    ]


def story(*events: Event) -> list[RecordedEvent]:
    """Each event in a stream of its own."""
    return [
        recorded(event, position)._replace(stream_id=f"jar-{position}")
        for position, event in enumerate(events, 1)
    ]


def test_what_shares_a_row_waits_and_passes_it_on() -> None:
    found = fold(
        Holding(),
        *story(
            Filled(jar_id=B, litres=5),
            BAD,
            Filled(jar_id=C, litres=1),
            Filled(jar_id=A, from_jar_id=B, litres=1),
            Emptied(jar_id=B),
            Emptied(jar_id=C),
        ),
    )
    assert found == [True, None, True, 2, 2, True]


def test_who_waits_for_two_waits_for_the_first() -> None:
    bad = Filled(jar_id=B, litres=-1)
    found = fold(Holding(), *story(BAD, bad, Filled(jar_id=B, from_jar_id=A, litres=1)))
    assert found == [None, None, 1]


def test_an_event_without_a_rule_never_waits() -> None:
    found = fold(Holding(), *story(BAD, Admired(jar_id=A), Emptied(jar_id=A)))
    assert found == [None, True, 1]


def test_tenants_do_not_wait_for_one_another() -> None:
    other = recorded(Filled(jar_id=A, litres=1), 2)._replace(tenant_id="other")
    assert fold(Holding(), *story(BAD), other) == [None, True]


def test_what_is_refused_or_discarded_is_not_tried() -> None:
    events = story(Filled(jar_id=A, litres=1), Emptied(jar_id=A), BAD, Filled(jar_id=A, litres=1))
    assert fold(Holding(refused={1}), *events) == [None, 1, 1, 1]
    assert fold(Holding(discarded={("default", 3)}), *events) == [True, True, True, True]
    assert fold(Holding(discarded={("other", 3)}), *events) == [True, True, None, 3]
    held = Holding(refused={1}).apply(Jars(), Jars().empty(), events[0])
    assert isinstance(held, Held)
    assert held.origin == "database"
    assert held.keys == {key(A)}


def unreadable(event: Event, position: int, data: bytes) -> RecordedEvent:
    return recorded(event, position)._replace(data=data)


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b'{"jar_id":"%s","litres":"x"}' % str(A).encode(), {key(A)}),
        # As the table has it, however it is written.
        (b'{"jar_id":"%s"}' % str(A).upper().replace("-", "").encode(), {key(A)}),
        (b'{"jar_id":null,"from_jar_id":"%s"}' % str(B).encode(), {key(B)}),
        (b'{"jar_id":"no id"}', {'["jars","default","no id"]'}),
        (b'{"jar_id":' + b"9" * 30 + b"}", None),
        (b"[]", set()),
        (b'"text"', set()),
        (b"{broken", set()),
        (b'{"jar_id":"\\ud800"}', set()),
    ],
)
def test_an_unreadable_payload_names_its_stream_and_what_it_seems_to(
    data: bytes, keys: set[str] | None
) -> None:
    found = named(Jars(), unreadable(BAD, 1, data))
    assert '["stream","default","story-1"]' in found
    if keys is not None:
        assert found == keys | {'["stream","default","story-1"]'}
    held = Holding().apply(Jars(), Jars().empty(), unreadable(BAD, 1, data))
    assert isinstance(held, Held)
    assert held.origin == "payload"


def test_a_schema_version_without_an_upcaster_is_unreadable() -> None:
    older = recorded(Emptied(jar_id=A), 1)._replace(schema_version=7)
    held = Holding().apply(Jars(), Jars().empty(), older)
    assert isinstance(held, Held)
    assert held.origin == "payload"
    assert held.keys == {key(A), '["stream","default","story-1"]'}


def test_the_stream_of_an_unreadable_event_waits() -> None:
    first = unreadable(BAD, 1, b"{}")
    same_stream = recorded(Filled(jar_id=C, litres=1), 2)
    elsewhere = recorded(Filled(jar_id=B, litres=1), 3)._replace(stream_id="jar-3")
    its_row = recorded(Emptied(jar_id=C), 4)._replace(stream_id="jar-4")
    assert fold(Holding(), first, same_stream, elsewhere, its_row) == [None, 1, True, 1]


class Shelf(Jars, name="shelf", tables=(Jar,), shard_by="jar_id"):
    """Never fills one jar from another."""


def test_with_shards_what_has_the_same_value_waits() -> None:
    """A stream may run through several shards, of which none sees what another holds."""
    first = unreadable(BAD, 1, b'{"jar_id":"%s","litres":"x"}' % str(A).encode())
    same_stream = recorded(Filled(jar_id=C, litres=1), 2)
    elsewhere = recorded(Filled(jar_id=A, litres=1), 3)._replace(stream_id="jar-3")
    holding, state = Holding(), Shelf().empty()
    found = [holding.apply(Shelf(), state, each) for each in (first, same_stream, elsewhere)]
    assert [each.behind if isinstance(each, Held) else True for each in found] == [None, True, 1]
    assert isinstance(found[0], Held)
    assert found[0].keys == {key(A), f'["shard","default","{A}"]'}
    assert found[0].origin == "payload"


def test_full() -> None:
    holding = Holding(max_failures=2)
    for position in (1, 2):
        holding.hold(position, None, {key(A)})
    assert (holding.failed, holding.full) == (2, False)
    holding.hold(3, None, {key(B)})
    assert holding.full
    waiting = Holding()
    for position in range(1, MAX_HELD + 1):
        assert not waiting.full
        waiting.hold(position, 1 if position > 1 else None, {key(A)})
    assert waiting.full
    assert (len(waiting), waiting.failed) == (MAX_HELD, 1)


def test_a_rule_is_tested_for_what_it_holds() -> None:
    started = given(Jars(), Filled(jar_id=A, litres=3))
    reason = started.holds(BAD, Emptied(jar_id=A))
    assert isinstance(reason, EventNotApplied)
    assert isinstance(reason.__cause__, ValueError)
    started.then(Jar(id=A, litres=3))
    with pytest.raises(AssertionError, match="was applied"):
        started.holds(Emptied(jar_id=A))
    with pytest.raises(AssertionError, match="was applied"):
        started.holds(BAD, Filled(jar_id=B, litres=1))
    with pytest.raises(AssertionError, match="failed itself"):
        started.holds(BAD, Filled(jar_id=B, litres=-1))
