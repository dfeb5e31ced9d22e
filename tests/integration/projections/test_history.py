"""What changed between two moments, and in one row since it was made."""

from __future__ import annotations

from typing import Any

import pytest

from eventstore import EventStore
from eventstore.connection.database import connect
from projections.audit.history import CellChange, cell_history, changes_between
from projections.errors import NoSuchRow, UnknownColumn, UnknownTable
from projections.session import Connection
from tests.integration.projections.building import fill
from tests.integration.projections.running import number
from tests.integration.projections.things import (
    AmountAdded,
    PartAdded,
    PartRemoved,
    ThingMade,
    ThingRenamed,
    Things,
)

OURS = (Things(),)


@pytest.fixture
def positions(store: EventStore) -> list[int]:
    """A thing's life, with another one's in between."""
    thing = number(1)
    said = [
        ThingMade(thing_id=thing, name="first"),
        AmountAdded(thing_id=thing, amount=1),
        ThingMade(thing_id=number(2), name="other"),
        ThingRenamed(thing_id=thing, name="second"),
        PartAdded(thing_id=thing, part_no=1, label="p"),
        AmountAdded(thing_id=thing, amount=0),
        PartRemoved(thing_id=thing, part_no=1),
        ThingRenamed(thing_id=thing, name="first"),
    ]
    return [store.append("thing-1", [event], agent="a").positions[0] for event in said]


def changed(conn: Connection, *ends: Any) -> dict[tuple[Any, ...], tuple[str, Any]]:
    found = changes_between(conn, Things(), *ends).changes
    return {(each.table, *each.key[1:]): (each.kind, each.columns) for each in found}


def test_between_two_moments(conn: Connection, positions: list[int], store: EventStore) -> None:
    first, _, other, renamed, part, *_, end = positions
    found = changed(conn, first, part)
    assert found["things", number(1)] == (
        "changed",
        {"name": ("first", "second"), "amount": (0.0, 1.0), "part_count": (0, 1)},
    )
    assert found["things", number(2)][0] == "added"
    assert found["parts", number(1), 1] == (
        "added",
        {"thing_id": (None, number(1)), "part_no": (None, 1), "label": (None, "p")},
    )
    # What came and went again, or has its value again, did not change.
    assert changed(conn, other, end) == {}
    assert changed(conn, first, first) == {}
    assert changed(conn, part, end).keys() == {("things", number(1)), ("parts", number(1), 1)}
    assert changed(conn, part, end)["parts", number(1), 1][0] == "removed"
    # Backwards it is the way back.
    assert changed(conn, renamed, first)["things", number(1)][1]["name"] == ("second", "first")
    assert changed(conn, renamed, first)["things", number(2)][0] == "removed"
    times = [recorded.recorded_at for recorded in store.read_all()]
    assert changed(conn, times[0], times[4]) == changed(conn, first, part)


def test_of_one_tenant_only(url: str, conn: Connection, positions: list[int]) -> None:
    with EventStore.open(url, tenant="other") as others:
        fill(others, 1, 2)
    with connect(url, role="auditor") as auditor:
        found = changes_between(auditor, Things(), 0, 10**9, tenant="other")
    assert {each.key[0] for each in found.changes} == {"other"}
    assert found.to_position > positions[-1]


def cells(conn: Connection, columns: list[str], until: int = 10**9) -> list[CellChange]:
    key = (number(1),)
    return cell_history(
        conn, "things", key, columns, until=until, tenant="default", projections=OURS
    )


def test_of_one_cell(conn: Connection, positions: list[int]) -> None:
    found = cells(conn, ["name"])
    assert [(each.before, each.after, each.recorded.position) for each in found] == [
        (None, "first", positions[0]),
        ("first", "second", positions[3]),
        ("second", "first", positions[7]),
    ]
    assert found[0].recorded.agent == "a"
    assert len(cells(conn, ["name"], until=positions[3])) == 2


def test_of_a_whole_row(conn: Connection, positions: list[int]) -> None:
    """Without the columns of the engine, which change with every event."""
    found = cells(conn, [])
    after = [(each.recorded.position, each.column, each.after) for each in found]
    assert (positions[1], "amount", 1.0) in after
    assert (positions[4], "part_count", 1) in after
    assert not [each for each in after if each[0] == positions[5]], "nothing changed by adding 0"
    assert {each.column for each in found}.isdisjoint({"position", "updated_at"})
    moves = [each.after for each in cells(conn, ["position"])]
    assert moves == [position for position in positions if position != positions[2]]


def test_of_a_row_that_was_removed(conn: Connection, positions: list[int]) -> None:
    found = cell_history(
        conn,
        "parts",
        (number(1), 1),
        ["label"],
        until=10**9,
        tenant="default",
        projections=OURS,
    )
    assert [(each.before, each.after) for each in found] == [(None, "p"), ("p", None)]


def test_what_there_is_not(conn: Connection, positions: list[int]) -> None:
    with pytest.raises(UnknownColumn) as caught:
        cells(conn, ["colour"])
    assert caught.value.exit_code == 3
    with pytest.raises(NoSuchRow):
        cells(conn, [], until=0)
    with pytest.raises(UnknownTable):
        cell_history(conn, "nothing", (), until=1, tenant="default")
