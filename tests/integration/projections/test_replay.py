"""The past: the same fold, up to then."""

from __future__ import annotations

import gc
from datetime import UTC, datetime, timedelta

import pytest

from eventstore import EventStore
from eventstore.connection.database import connect
from eventstore.errors import ConfigurationError
from projections.apply.holding import Holding
from projections.audit.fold import fold
from projections.audit.replay import owner_of, parse_key, position_at, row_as_of, state_as_of
from projections.errors import NoSuchRow, UnknownTable
from projections.session import Connection
from projections.work.rows import WorkItem
from tests.integration.projections.running import catch_up, number, plain, stored
from tests.integration.projections.things import (
    AmountAdded,
    Forbidden,
    Noise,
    Part,
    PartAdded,
    PartRemoved,
    Thing,
    ThingMade,
    ThingRenamed,
    Things,
)

OURS = (Things(),)


@pytest.fixture
def positions(store: EventStore) -> list[int]:
    """A thing's life, with events of others in between."""
    thing = number(1)
    said = [
        ThingMade(thing_id=thing, name="first"),
        AmountAdded(thing_id=thing, amount=1),
        ThingMade(thing_id=number(2), name="other"),
        ThingRenamed(thing_id=thing, name="second"),
        Noise(),
        PartAdded(thing_id=thing, part_no=1, label="p"),
        PartRemoved(thing_id=thing, part_no=1),
    ]
    return [store.append("thing-1", [event]).positions[0] for event in said]


def test_a_row_as_it_was(conn: Connection, positions: list[int]) -> None:
    found = row_as_of(
        conn, "things", (number(1),), positions[2], tenant="default", projections=OURS
    )
    assert isinstance(found.row, Thing)
    assert (found.row.name, found.row.amount, found.row.part_count) == ("first", 1, 0)
    assert [event.position for event in found.events] == positions[:2]
    assert [event.event_type for event in found.events] == ["things.made", "things.amount_added"]
    assert found.position == positions[2]


def test_as_of_the_head_is_the_live_table(
    url: str, conn: Connection, store: EventStore, positions: list[int]
) -> None:
    catch_up(url, Things())
    assert plain(state_as_of(conn, Things(), store.watermark())) == stored(conn, Things())
    # A position from the future is the head.
    assert plain(state_as_of(conn, Things(), 10**12)) == stored(conn, Things())


def test_as_of_each_position_is_what_was_live_then(
    url: str, conn: Connection, store: EventStore
) -> None:
    then = []
    for n in range(1, 8):
        store.append("thing-1", [ThingMade(thing_id=number(n), name=str(n))])
        receipt = store.append("thing-1", [AmountAdded(thing_id=number(1), amount=0.1)])
        catch_up(url, Things())
        then.append((receipt.positions[0], stored(conn, Things())))
    for position, rows in then:
        assert plain(state_as_of(conn, Things(), position)) == rows


def test_as_of_a_time(conn: Connection, store: EventStore, positions: list[int]) -> None:
    recorded = list(store.read_all())
    for event in recorded:
        assert position_at(conn, event.recorded_at) == event.position
    assert position_at(conn, recorded[0].recorded_at - timedelta(microseconds=1)) == 0
    assert position_at(conn, datetime.now(UTC) + timedelta(days=400)) == positions[-1]
    assert (
        plain(state_as_of(conn, Things(), recorded[3].recorded_at))["things"]
        == (plain(state_as_of(conn, Things(), positions[3]))["things"])
    )


def test_a_removed_row_is_not_there(conn: Connection, positions: list[int]) -> None:
    key = (number(1), 1)
    there = row_as_of(conn, "parts", key, positions[5], tenant="default", projections=OURS)
    assert isinstance(there.row, Part)
    for position in (positions[4], positions[6]):
        with pytest.raises(NoSuchRow):
            row_as_of(conn, "parts", key, position, tenant="default", projections=OURS)


def test_an_unknown_table_is_named(conn: Connection) -> None:
    with pytest.raises(UnknownTable) as caught:
        row_as_of(conn, "thing", (), 1, tenant="default")
    assert "packages" in caught.value.known
    assert caught.value.exit_code == 3


def test_of_one_tenant_only(url: str, store: EventStore, positions: list[int]) -> None:
    with EventStore.open(url, tenant="other") as others:
        others.append("thing-1", [ThingMade(thing_id=number(1), name="theirs")])
    with connect(url, role="auditor") as auditor:
        found = row_as_of(auditor, "things", (number(1),), 10**9, tenant="other", projections=OURS)
    assert isinstance(found.row, Thing)
    assert (found.row.name, len(found.events)) == ("theirs", 1)


def test_it_holds_what_the_live_projection_holds(
    conn: Connection, store: EventStore, positions: list[int]
) -> None:
    one, two = number(1), number(2)
    said = (
        Forbidden(thing_id=one),
        AmountAdded(thing_id=one, amount=9),
        AmountAdded(thing_id=two, amount=9),
    )
    for event in said:
        store.append(f"thing-{event.thing_id}", [event])
    state = state_as_of(conn, Things(), store.watermark())
    amounts = {key[1]: row.amount for key, row in state[Thing].items() if isinstance(row, Thing)}
    assert amounts == {one: 1, two: 9}


def test_a_row_that_its_event_could_not_make(conn: Connection, store: EventStore) -> None:
    position = store.append("thing-1", [AmountAdded(thing_id=number(5), amount=1)]).position
    with pytest.raises(NoSuchRow, match=f"held events name it: {position}") as caught:
        row_as_of(conn, "things", (number(5),), position, tenant="default", projections=OURS)
    assert caught.value.held == [position]


def test_a_key_is_parsed_by_its_columns() -> None:
    _, row = owner_of("parts", OURS)
    assert parse_key(row, f"{number(3)}, 4") == (number(3), 4)
    assert parse_key(WorkItem, str(number(3))) == (number(3),)
    for wrong in ("x,4", f"{number(3)}", f"{number(3)},four", ""):
        with pytest.raises(ConfigurationError, match="THING_ID,PART_NO"):
            parse_key(row, wrong)


def test_the_garbage_collector_is_as_it_was(
    conn: Connection, store: EventStore, positions: list[int]
) -> None:
    gc.unfreeze()  # what a program of another test has settled in this process
    assert gc.isenabled()
    state_as_of(conn, Things(), 10**9)
    assert gc.isenabled()
    broken_off = fold(conn, Things(), Things().empty(), Holding(), until=store.watermark())
    next(broken_off)
    broken_off.close()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
